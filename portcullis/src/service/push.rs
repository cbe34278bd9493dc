//! Lines that gateways push: unpacked, cut, and appended to the gateway's spool before they are said to be taken.

use super::spools::Spools;
use api::{LineSink, PushRefused, Pushed};
use ingest::source::LINE_BYTES_MAX;
use ingest::source::push::{PushError, lines, unpack};
use ingest::source::spool::{SpoolError, SpoolLine};
use std::sync::Arc;

/// What begins the name of a source that is pushed.
pub(crate) const PREFIX: &str = "push:";

/// Appends what is pushed to spools.
pub(super) struct PushDoor {
    pub(super) spools: Arc<Spools>,
}

impl LineSink for PushDoor {
    fn take(&self, pushed: Pushed) -> Result<u64, PushRefused> {
        let body = unpack(pushed.body, pushed.encoding.as_deref()).map_err(refused)?;
        let lines = lines(&body).map_err(refused)?;
        if lines.is_empty() {
            return Ok(0);
        }
        let spooled = self.spools.get(&format!("{PREFIX}{}", pushed.gateway));
        let spooled = spooled.map_err(|error| later(&error))?;
        let texts = lines
            .iter()
            .map(|line| SpoolLine::within(&body[line.clone()], LINE_BYTES_MAX));
        self.spools
            .append(&spooled, texts)
            .map_err(|error| later(&error))?;
        Ok(lines.len() as u64)
    }
}

fn refused(error: PushError) -> PushRefused {
    let why = error.to_string();
    match error {
        PushError::Encoding(_) => PushRefused::Encoding(why),
        PushError::TooLarge => PushRefused::TooLarge(why),
        PushError::Broken(_) => PushRefused::Unreadable(why),
    }
}

/// What is wrong with the disk is for the log; that there is no room is for whoever sends.
fn later(error: &SpoolError) -> PushRefused {
    match error {
        SpoolError::Full(_) => PushRefused::Later(error.to_string()),
        SpoolError::Disk { .. } => {
            tracing::error!(%error, "a push was not taken: {error}");
            PushRefused::Later("the lines cannot be kept at the moment".to_owned())
        }
    }
}
