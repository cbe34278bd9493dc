//! Ways to gateways that are told by an API of somebody's.

use crate::config::Gateway;
use enforcer::connector::{Crowdsec, CrowdsecSettings};
use enforcer::{Clock, Connector};

/// The way to such a gateway; nothing when it is of no such kind.
///
/// # Errors
/// When its settings cannot be used.
pub(super) fn by_api(gateway: &Gateway, clock: Clock) -> anyhow::Result<Option<Box<dyn Connector>>> {
    Ok(Some(if let Some(crowdsec) = &gateway.crowdsec {
        let settings = CrowdsecSettings {
            url: crowdsec.url.reveal().to_owned(),
            machine: crowdsec.machine.clone(),
            password: crowdsec.password.reveal().to_owned(),
            origin: crowdsec.origin.clone(),
            scenario: crowdsec.scenario.clone(),
        };
        Box::new(Crowdsec::new(settings, clock)?)
    } else {
        return Ok(None);
    }))
}
