//! How the lines of a spool are read: by the settings of the door that they came in by.

use super::sources::Terms;
use crate::config::Config;
use crate::service::push::PREFIX;
use crate::service::stdin::STDIN;
use detector::SOURCE_CAP_DEFAULT;
use domain::Action;

/// The terms of a spool, by its name. A door that is not configured any more has left lines that were taken over: they are
/// read, and may lead to nothing.
pub(super) fn of_spool(config: &Config, name: &str) -> Terms {
    let lateness_secs = config.detector.lateness_secs;
    let pushed = config.push.as_ref().zip(name.strip_prefix(PREFIX));
    if let Some((push, gateway)) = pushed {
        return Terms {
            format: push.format.clone(),
            trust: push.trust,
            acts_per_hour: push.acts_per_hour,
            lateness_secs,
            gateway: gateway.to_owned(),
        };
    }
    if let Some(stdin) = config.stdin.as_ref().filter(|_| name == STDIN) {
        return Terms {
            format: stdin.format.clone(),
            trust: stdin.trust,
            acts_per_hour: stdin.acts_per_hour,
            lateness_secs,
            gateway: stdin.gateway.clone().unwrap_or_else(|| name.to_owned()),
        };
    }
    let syslog = config.syslog.iter().find(|syslog| syslog.source() == name);
    syslog.map_or_else(
        || Terms {
            format: "auto".to_owned(),
            trust: Action::Observe,
            acts_per_hour: SOURCE_CAP_DEFAULT,
            lateness_secs,
            gateway: name.to_owned(),
        },
        |syslog| Terms {
            format: syslog.format.clone(),
            trust: syslog.trust,
            acts_per_hour: syslog.acts_per_hour,
            lateness_secs,
            gateway: syslog.gateway.clone().unwrap_or_else(|| name.to_owned()),
        },
    )
}
