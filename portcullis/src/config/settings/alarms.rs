//! `[alarms]`: who is told what needs a person.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Names of alarms, as `alarm::Kind` has them.
pub(crate) const NAMES: [&str; 12] = [
    "source_silent",
    "lines_unreadable",
    "field_vanished",
    "one_address",
    "clock_ahead",
    "clock_behind",
    "lag",
    "not_reading",
    "lines_lost",
    "degraded",
    "not_enforced",
    "guard_holds",
];

/// Longest name of a header, in bytes.
const HEADER_BYTES_MAX: usize = 64;

/// Longest argument of a command, in bytes, and most of them.
const ARGUMENT_BYTES_MAX: usize = 1024;

/// See [`ARGUMENT_BYTES_MAX`].
const ARGUMENTS_MAX: usize = 64;

/// Longest time for a receiver, in seconds: messages behind it wait.
const TIMEOUT_SECS_MAX: i64 = 300;

pub(super) const ALARMS: Section = Section {
    path: "alarms",
    is_optional: false,
    about: "What needs a person: a source that falls silent, lines that cannot be read, fields that vanish, clocks that are \
            off, lines that wait or are lost. Shown by the log, the dashboard, GET /api/v1/alarms and /metrics, and told to \
            whoever is named here.",
    settings: &[
        setting(
            "alarms.off",
            Kind::List(&Kind::Choice(&NAMES), 0, NAMES.len()),
            Value("[]"),
            Restart,
            "Alarms that are not wanted.",
        ),
        setting(
            "alarms.minute_secs",
            Kind::Integer(1, 60),
            Value("60"),
            Restart,
            "How long a minute of the judge is, in seconds, and with it his hour of sixty. Less only to try out what is told and to \
             whom: the shorter, the sooner a pause is taken for silence.",
        ),
    ],
};

pub(super) const WEBHOOKS: Section = Section {
    path: "alarms.webhooks[]",
    is_optional: false,
    about: "An address that gets alarms as JSON by HTTP POST, at most one message a minute. Five tries; redirects are not \
            followed.",
    settings: &[
        setting(
            "alarms.webhooks[].url",
            Kind::Url(&["https://", "http://"]),
            Required(r#""https://hooks.example/portcullis""#),
            Restart,
            "The address. With http only the loopback.",
        ),
        setting(
            "alarms.webhooks[].secret",
            Kind::Secret,
            Absent(r#"{ env = "PORTCULLIS_HOOK_SECRET" }"#),
            Restart,
            "Sent in the header, as it is: a token of Authorization begins with Bearer and a space.",
        ),
        setting(
            "alarms.webhooks[].header",
            Kind::Text(HEADER_BYTES_MAX),
            Value(r#""Authorization""#),
            Restart,
            "The header that the secret is sent in.",
        ),
        setting(
            "alarms.webhooks[].ca",
            Kind::File,
            Absent(r#""/etc/portcullis/hook-ca.pem""#),
            Restart,
            "The authorities that sign its certificate, as PEM. Without it, those that browsers know.",
        ),
        setting(
            "alarms.webhooks[].timeout_secs",
            Kind::Integer(1, TIMEOUT_SECS_MAX),
            Value("10"),
            Restart,
            "How long an answer is waited for, in seconds.",
        ),
    ],
};

pub(super) const COMMANDS: Section = Section {
    path: "alarms.commands[]",
    is_optional: false,
    about: "A program that gets alarms as JSON on its standard input. It is run without a shell, one at a time, with PATH as \
            its whole environment, and again when it fails, five times in all.",
    settings: &[
        setting(
            "alarms.commands[].program",
            Kind::File,
            Required(r#""/usr/local/bin/page-somebody""#),
            Restart,
            "Its path, from / on.",
        ),
        setting(
            "alarms.commands[].arguments",
            Kind::List(&Kind::Text(ARGUMENT_BYTES_MAX), 0, ARGUMENTS_MAX),
            Value("[]"),
            Restart,
            "Its arguments, each as it is.",
        ),
        setting(
            "alarms.commands[].timeout_secs",
            Kind::Integer(1, TIMEOUT_SECS_MAX),
            Value("30"),
            Restart,
            "How long it may run, in seconds; then it is ended.",
        ),
    ],
};
