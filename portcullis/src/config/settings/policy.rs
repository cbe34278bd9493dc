//! `[policy]`, `[policy.guard]`, `[policy.price]`: what is done about a client that stands out, and what it may cost.

use super::{Section, YEAR_SECS, setting};
use crate::config::setting::Fallback::{Absent, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Live;

pub(super) const POLICY: Section = Section {
    path: "policy",
    is_optional: false,
    about: "What is done about a client that stands out.",
    settings: &[
        setting(
            "policy.mode",
            Kind::Choice(&["enforced", "shadow"]),
            Value(r#""enforced""#),
            Live,
            "shadow records every decision and enforces none.",
        ),
        setting(
            "policy.file",
            Kind::File,
            Absent(r#""/etc/portcullis/policy.toml""#),
            Live,
            "A file of clauses that say for whom something else is done than the thresholds below say, and for how long. It is read again when \
             it changes; a wrong one keeps the clauses as they were. `portcullis policy test` runs the tests that stand in it.",
        ),
        setting(
            "policy.observe_from",
            Kind::Share,
            Value("0.5"),
            Live,
            "Confidence from which a client is shown.",
        ),
        setting(
            "policy.throttle_from",
            Kind::Share,
            Value("0.8"),
            Live,
            "Confidence from which a client is slowed down.",
        ),
        setting(
            "policy.block_from",
            Kind::Share,
            Value("0.92"),
            Live,
            "Confidence from which a client is blocked.",
        ),
        setting(
            "policy.throttle_secs",
            Kind::Integer(1, YEAR_SECS),
            Value("900"),
            Live,
            "How long a client is slowed down, in seconds.",
        ),
        setting(
            "policy.block_secs",
            Kind::Integer(1, YEAR_SECS),
            Value("14400"),
            Live,
            "How long a client is blocked the first time, in seconds.",
        ),
        setting(
            "policy.escalation",
            Kind::Integer(1, 16),
            Value("2"),
            Live,
            "Each further offence multiplies the block's time by this; 1 for no escalation.",
        ),
        setting(
            "policy.block_secs_max",
            Kind::Integer(1, YEAR_SECS),
            Value("604800"),
            Live,
            "Longest block, in seconds, whatever the escalation.",
        ),
        setting(
            "policy.memory_secs",
            Kind::Integer(60, YEAR_SECS),
            Value("604800"),
            Live,
            "An offence is forgotten after this time without another, in seconds.",
        ),
        setting(
            "policy.episode_secs",
            Kind::Integer(60, 7 * 86_400),
            Value("3600"),
            Live,
            "A pause of this length ends an episode, in seconds: what comes after is a new offence.",
        ),
        setting(
            "policy.warm_up_secs",
            Kind::Integer(0, 7 * 86_400),
            Value("3600"),
            Live,
            "How long a site must have been seen, in seconds of its log and with a hundred clients, before anything but a \
             conclusive act is acted on: until then every route is new and nobody has a history. A site with fewer clients is \
             known after 24 times as long. 0 for not at all.",
        ),
        setting(
            "policy.false_positive_budget",
            Kind::Integer(1, 2000),
            Absent("1000"),
            Live,
            "Clients that may be wrongly blocked by their score alone, per million client-days. Without it nobody is \
             blocked by score alone. A budget that the model's calibration cannot show is refused; until this site's own \
             client-days show it, three divided by it, such clients are only observed.",
        ),
    ],
};

pub(super) const GUARD: Section = Section {
    path: "policy.guard",
    is_optional: false,
    about: "When new blocks are held back because they would hit too many established clients.",
    settings: &[
        setting(
            "policy.guard.clients_share",
            Kind::Share,
            Value("0.01"),
            Live,
            "Largest share of the established clients that may be blocked within the span. Three always may.",
        ),
        setting(
            "policy.guard.requests_share",
            Kind::Share,
            Value("0.05"),
            Live,
            "Largest share of the established clients' successful requests that those may have made. Conclusive acts \
             and your own orders use up neither.",
        ),
        setting(
            "policy.guard.span_secs",
            Kind::Integer(60, 7 * 86_400),
            Value("3600"),
            Live,
            "Length of the span, in seconds.",
        ),
        setting(
            "policy.guard.part",
            Kind::Share,
            Value("0.5"),
            Live,
            "Largest part of the budget that one threat, or one route, may use up alone. Each gateway has the whole budget of its \
             own established clients beside.",
        ),
    ],
};

pub(super) const PRICE: Section = Section {
    path: "policy.price",
    is_optional: false,
    about: "Whom a block of one address may hit besides its client, priced by the latest day. Past it only the program (user agent, \
            and TLS fingerprint where it is logged) that is at fault is blocked at that address, by gateways that can tell it apart; \
            where none is, the address is slowed down at most, and left alone where many come from it under names of their own.",
    settings: &[
        setting(
            "policy.price.clients",
            Kind::Integer(0, 1_000_000),
            Value("4"),
            Live,
            "Others with a successful history: further programs, and names (keys, sessions, consumers) that are one client's.",
        ),
        setting(
            "policy.price.requests",
            Kind::Integer(0, 1_000_000_000),
            Value("1000"),
            Live,
            "Their successful requests.",
        ),
    ],
};
