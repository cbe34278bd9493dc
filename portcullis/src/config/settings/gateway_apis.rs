//! `[[gateways]]` that are told by an API of somebody's: the tables inside for them.

use super::{Section, setting};
use crate::config::setting::Fallback::{Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Longest name that an API knows something by, in bytes.
const NAME_BYTES_MAX: usize = 64;

pub(super) const CROWDSEC: Section = Section {
    path: "gateways[].crowdsec",
    is_optional: true,
    about: "A CrowdSec local API, as one of its machines: its bouncers carry out what was decided.",
    settings: &[
        setting(
            "gateways[].crowdsec.url",
            Kind::Url(&["http://", "https://"]),
            Required(r#""http://127.0.0.1:8080""#),
            Restart,
            "The local API. The password goes there: https where others can listen.",
        ),
        setting(
            "gateways[].crowdsec.machine",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The machine's name there (cscli machines add).",
        ),
        setting(
            "gateways[].crowdsec.password",
            Kind::Secret,
            Required(r#"{ env = "PORTCULLIS_CROWDSEC_PASSWORD" }"#),
            Restart,
            "The machine's password.",
        ),
        setting(
            "gateways[].crowdsec.origin",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "What decisions say that they come from. Some bouncers take crowdsec and cscli only.",
        ),
        setting(
            "gateways[].crowdsec.scenario",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis/decisions""#),
            Restart,
            "What decisions say that they are for: ours are found again by it. Of its own for each Portcullis that tells one local API.",
        ),
    ],
};
