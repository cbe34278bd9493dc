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
            identity: config.clients.identity_of(&push.own_identity()),
            settings: "push".to_owned(),
        };
    }
    if let Some(stdin) = config.stdin.as_ref().filter(|_| name == STDIN) {
        return Terms {
            format: stdin.format.clone(),
            trust: stdin.trust,
            identity: config.clients.identity_of(&stdin.own_identity()),
            acts_per_hour: stdin.acts_per_hour,
            lateness_secs,
            gateway: stdin.gateway.clone().unwrap_or_else(|| name.to_owned()),
            settings: "stdin".to_owned(),
        };
    }
    let mut listeners = config.syslog.iter().enumerate();
    let syslog = listeners.find(|(_, syslog)| syslog.source() == name);
    syslog.map_or_else(
        || Terms {
            format: "auto".to_owned(),
            trust: Action::Observe,
            acts_per_hour: SOURCE_CAP_DEFAULT,
            lateness_secs,
            gateway: name.to_owned(),
            identity: config.clients.identity(),
            settings: "syslog".to_owned(),
        },
        |(at, syslog)| Terms {
            format: syslog.format.clone(),
            trust: syslog.trust,
            acts_per_hour: syslog.acts_per_hour,
            lateness_secs,
            gateway: syslog.gateway.clone().unwrap_or_else(|| name.to_owned()),
            identity: config.clients.identity_of(&syslog.own_identity()),
            settings: format!("syslog[{at}]"),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::scorer::ModelFiles;
    use ingest::NamedIdentity;

    #[test]
    fn each_door_says_who_its_clients_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portcullis.toml");
        let text = "[clients]\nidentity = [\"consumer\"]\n[push]\nidentity = [\"api_key\", \"address\"]\nclaims = true\n\
                    [[syslog]]\nlisten = \"127.0.0.1:5514\"\nprotocol = \"udp\"\n";
        std::fs::write(&file, text).unwrap();
        let config = config::load(&file, &ModelFiles { must_load: false })
            .unwrap()
            .config;
        let check = |name: &str, prefer: &[NamedIdentity], shows_claims| {
            let identity = of_spool(&config, name).identity;
            assert_eq!(
                (&*identity.prefer, identity.shows_claims),
                (prefer, shows_claims),
                "{name}"
            );
        };
        check(&format!("{PREFIX}edge-1"), &[NamedIdentity::ApiKey], true);
        check("syslog:udp:127.0.0.1:5514", &[NamedIdentity::Consumer], false);
        check("a door that is gone", &[NamedIdentity::Consumer], false);
    }
}
