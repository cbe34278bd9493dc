//! `[api]`, `[lapi]`: who may ask what, and where.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::{Live, Restart};

/// Most names of one listener: a name for each way to it.
const HOSTS_MAX: usize = 64;

/// Longest host name, in bytes, as DNS has it.
const HOST_BYTES_MAX: usize = 253;

/// Longest origin, in bytes: it stands in every decision that a bouncer fetches.
const ORIGIN_BYTES_MAX: usize = 64;

pub(super) const API: Section = Section {
    path: "api",
    is_optional: false,
    about: "The REST API, the dashboard, the bouncers' API, live checks and metrics.",
    settings: &[],
};

pub(super) const LISTENERS: Section = Section {
    path: "api.listeners[]",
    is_optional: false,
    about: "An address to listen on. Without any: everything, on 127.0.0.1:8600.",
    settings: &[
        setting(
            "api.listeners[].address",
            Kind::Listen,
            Required(r#""127.0.0.1:8600""#),
            Restart,
            "Address and port.",
        ),
        setting(
            "api.listeners[].kinds",
            Kind::List(&Kind::Choice(&["admin", "bouncer", "check", "metrics"]), 1, 4),
            Value(r#"["admin", "bouncer", "check", "metrics"]"#),
            Restart,
            "What is answered there: admin (dashboard and REST API), bouncer (decisions, with a bouncer's key), check \
             (/check for gateways), metrics.",
        ),
        setting(
            "api.listeners[].hosts",
            Kind::List(&Kind::Text(HOST_BYTES_MAX), 0, HOSTS_MAX),
            Value("[]"),
            Restart,
            "Names under which browsers reach the dashboard. Requests for other names are refused. The loopback's own \
             names always pass on a loopback address.",
        ),
        setting(
            "api.listeners[].shared_secret",
            Kind::Secret,
            Absent(r#"{ env = "PORTCULLIS_CHECK_SECRET" }"#),
            Restart,
            "Gateways that ask /check must know it.",
        ),
        setting(
            "api.listeners[].insecure_plaintext",
            Kind::Switch,
            Value("false"),
            Restart,
            "Allows an address other than the loopback's without TLS.",
        ),
    ],
};

pub(super) const TLS: Section = Section {
    path: "api.listeners[].tls",
    is_optional: true,
    about: "Encryption of the listener above. The files are read anew when they change.",
    settings: &[
        setting(
            "api.listeners[].tls.certificate",
            Kind::File,
            Required(r#""/etc/portcullis/tls.pem""#),
            Live,
            "The certificate and its chain, as PEM.",
        ),
        setting(
            "api.listeners[].tls.key",
            Kind::File,
            Required(r#""/etc/portcullis/tls.key""#),
            Live,
            "Its key, as PEM.",
        ),
    ],
};

pub(super) const LAPI: Section = Section {
    path: "lapi",
    is_optional: false,
    about: "The CrowdSec-compatible API.",
    settings: &[
        setting(
            "lapi.origin",
            Kind::Text(ORIGIN_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The origin that bouncers see. Some filter by it.",
        ),
        setting(
            "lapi.registration_token",
            Kind::Secret,
            Absent(r#"{ env = "PORTCULLIS_REGISTRATION_TOKEN" }"#),
            Restart,
            "Machines that know it may register themselves as watchers, whose alerts are kept as reports and block nobody. \
             Without it no machine can register itself.",
        ),
    ],
};
