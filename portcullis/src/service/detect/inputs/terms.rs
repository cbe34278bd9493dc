//! How the lines of a spool are read: by the settings of the door that they came in by.

use super::sources::Terms;
use crate::config::Config;
use crate::service::push::PREFIX;
use domain::Action;

/// The terms of a spool, by its name. A door that is not configured any more has left lines that were taken over: they are
/// read, and may lead to nothing.
pub(super) fn of_spool(config: &Config, name: &str) -> Terms {
    let pushed = config.push.as_ref().zip(name.strip_prefix(PREFIX));
    if let Some((push, gateway)) = pushed {
        return Terms {
            format: push.format.clone(),
            trust: push.trust,
            gateway: gateway.to_owned(),
            settings: "push".to_owned(),
        };
    }
    let mut listeners = config.syslog.iter().enumerate();
    let syslog = listeners.find(|(_, syslog)| syslog.source() == name);
    syslog.map_or_else(
        || Terms {
            format: "auto".to_owned(),
            trust: Action::Observe,
            gateway: name.to_owned(),
            settings: "syslog".to_owned(),
        },
        |(at, syslog)| Terms {
            format: syslog.format.clone(),
            trust: syslog.trust,
            gateway: syslog.gateway.clone().unwrap_or_else(|| name.to_owned()),
            settings: format!("syslog[{at}]"),
        },
    )
}
