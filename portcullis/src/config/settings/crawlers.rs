//! `[crawlers]`: who is welcome, and proves who he is.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::{Live, Restart};

/// Most domains of one crawler, and most ranges: operators publish a few hundred.
const DOMAINS_MAX: usize = 16;
/// See [`DOMAINS_MAX`].
const RANGES_MAX: usize = 4096;

pub(super) const CRAWLERS: Section = Section {
    path: "crawlers",
    is_optional: false,
    about: "Crawlers are believed by their addresses' names, never by their user agents. Before something is done about a client that says \
            that it is one, its address's name is looked up: it has to lie in a domain of a crawler's operator (Google, Bing, Apple, \
            Yandex and others are known), and to have that address. Who proves it is put on the allowlist for a day.",
    settings: &[
        setting(
            "crawlers.verify",
            Kind::Switch,
            Value("true"),
            Restart,
            "Whether name servers are asked. Without it crawlers are dealt with as anybody, but for those of published ranges.",
        ),
        setting(
            "crawlers.name_server",
            Kind::Listen,
            Absent(r#""127.0.0.1:53""#),
            Restart,
            "The name server that is asked; without it those of the system.",
        ),
    ],
};

pub(super) const KNOWN: Section = Section {
    path: "crawlers.known[]",
    is_optional: false,
    about: "A further crawler, or a partner's machines.",
    settings: &[
        setting(
            "crawlers.known[].name",
            Kind::Text(64),
            Required("\"monitoring\""),
            Restart,
            "How people know it.",
        ),
        setting(
            "crawlers.known[].domains",
            Kind::List(&Kind::Text(253), 0, DOMAINS_MAX),
            Value("[]"),
            Restart,
            "Domains under which the names of its addresses lie.",
        ),
        setting(
            "crawlers.known[].ranges",
            Kind::List(&Kind::Range, 0, RANGES_MAX),
            Value("[]"),
            Live,
            "Ranges that its operator publishes: they are on the allowlist.",
        ),
    ],
};
