//! What a request counts as, where its client is blocked.

use super::{Epoch, Slot};
use crate::limits::ENFORCEMENT_LAG_MILLIS;
use crate::neighbours::program_of;
use crate::stage::sequencer::Block;
use domain::{RequestRecord, Timestamp};

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Behaviour.
    Counts,
    /// Behaviour, of a client that a gateway should have refused.
    Leaks,
    /// Nothing: we stopped it.
    Stopped,
}

impl Slot {
    /// What a request counts as, beside the client's latest block.
    ///
    /// A finished log is read as if every block had been carried out. A live one shows it: what a blocked client is
    /// refused is our own doing and no behaviour of its own.
    pub(super) fn treatment(&self, record: &RequestRecord<'_>, at: Timestamp, epoch: Epoch<'_>) -> Treatment {
        if record.is_stopped {
            return Treatment::Stopped;
        }
        let is_carried_out = |block: &Block| block.is_ordered || !epoch.is_shadow;
        let Some(block) = self.blocked.filter(is_carried_out) else {
            return Treatment::Counts;
        };
        if at >= block.until {
            return Treatment::Counts;
        }
        // Of a block of one program the others know nothing, but that a gateway may refuse them all the same.
        let is_only_others = block.only.is_some_and(|only| only.get() != program_of(record));
        if epoch.assumes_enforcement {
            // Which gateway wrote a finished log is not known.
            return if is_only_others || block.is_partial {
                Treatment::Counts
            } else {
                Treatment::Stopped
            };
        }
        if at < block.from {
            return Treatment::Counts;
        }
        let is_late = at.millis_since(block.from) >= ENFORCEMENT_LAG_MILLIS;
        match record.status {
            // Refused, told to wait, or the connection closed (NGINX writes 444 for it, others nothing).
            403 | 429 | 444 | 0 => Treatment::Stopped,
            200..=299 if is_late && !block.is_partial && block.only.is_none() => Treatment::Leaks,
            _ => Treatment::Counts,
        }
    }

    /// Notes that a request was refused by the client's latest block; its delay when it is the first.
    pub(super) fn first_refused_after(&mut self, at: Timestamp) -> Option<i64> {
        let block = self
            .blocked
            .filter(|block| at >= block.from && at < block.until)?;
        let is_first = !self.shows.has_been_refused();
        self.shows.set_refused(true);
        is_first.then(|| at.millis_since(block.from))
    }
}
