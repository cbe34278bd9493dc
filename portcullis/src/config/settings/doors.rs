//! `[[files]]`, `[stdin]`, `[push]`, `[[syslog]]`: where access logs are read from beside Kafka.

use super::detection::{CLAIMS_ABOUT, IDENTITY, IDENTITY_ABOUT};
use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Longest name of a gateway, in bytes, as for topics.
const NAME_BYTES_MAX: usize = 249;

pub(super) const FILES: Section = Section {
    path: "files[]",
    is_optional: false,
    about: "A log, or every log that matches a pattern, followed through rotation. The first entry that matches a log \
            counts.",
    settings: &[
        setting(
            "files[].path",
            Kind::File,
            Required(r#""/var/log/nginx/access.log""#),
            Restart,
            "The log's path, from / on; * stands for any characters of a name. Files that a log was rotated into are told \
             from logs.",
        ),
        setting(
            "files[].format",
            Kind::Format,
            Value(r#""auto""#),
            Restart,
            "The log format; auto finds it out for each log.",
        ),
        setting(
            "files[].gateway",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""edge-1""#),
            Restart,
            "The gateway whose log it is. Without it, the log's path.",
        ),
        setting(
            "files[].start",
            Kind::Choice(&["beginning", "end"]),
            Value(r#""beginning""#),
            Restart,
            "Where a log without a checkpoint begins.",
        ),
        setting(
            "files[].identity",
            IDENTITY,
            Absent(r#"["consumer", "api_key", "certificate", "session", "address"]"#),
            Restart,
            IDENTITY_ABOUT,
        ),
        setting(
            "files[].claims",
            Kind::Switch,
            Absent("false"),
            Restart,
            CLAIMS_ABOUT,
        ),
        setting(
            "files[].trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""block""#),
            Restart,
            "The strongest action that this log may lead to. Whoever can write to the file holds this much power.",
        ),
        setting(
            "files[].acts_per_hour",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Clients that are blocked or slowed down by the word of this log within an hour at most. Past it \
             more are only shown, and the reason is said.",
        ),
    ],
};

pub(super) const PUSH: Section = Section {
    path: "push",
    is_optional: true,
    about: "Takes lines over that are sent to POST /api/v1/ingest with a key of the role ingest. They wait on the disk \
            (storage.spool_bytes_max) until a checkpoint holds what became of them.",
    settings: &[
        setting(
            "push.format",
            Kind::Format,
            Value(r#""auto""#),
            Restart,
            "The log format; auto finds it out for each gateway.",
        ),
        setting(
            "push.identity",
            IDENTITY,
            Absent(r#"["consumer", "api_key", "certificate", "session", "address"]"#),
            Restart,
            IDENTITY_ABOUT,
        ),
        setting(
            "push.claims",
            Kind::Switch,
            Absent("false"),
            Restart,
            CLAIMS_ABOUT,
        ),
        setting(
            "push.trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""observe""#),
            Restart,
            "The strongest action that pushed lines may lead to. Whoever has such a key holds this much power.",
        ),
        setting(
            "push.acts_per_hour",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Clients that are blocked or slowed down by the word of one gateway's pushed lines within an hour at most. Past it \
             more are only shown, and the reason is said.",
        ),
    ],
};

pub(super) const STDIN: Section = Section {
    path: "stdin",
    is_optional: true,
    about: "Reads standard input, a line each, as in kubectl logs -f deploy/edge | portcullis run. Lines wait on the disk \
            (storage.spool_bytes_max) until a checkpoint holds what became of them; at its end the service goes on.",
    settings: &[
        setting(
            "stdin.format",
            Kind::Format,
            Value(r#""auto""#),
            Restart,
            "The log format; auto finds it out.",
        ),
        setting(
            "stdin.gateway",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""edge-1""#),
            Restart,
            "The gateway whose log it is. Without it, stdin.",
        ),
        setting(
            "stdin.identity",
            IDENTITY,
            Absent(r#"["consumer", "api_key", "certificate", "session", "address"]"#),
            Restart,
            IDENTITY_ABOUT,
        ),
        setting(
            "stdin.claims",
            Kind::Switch,
            Absent("false"),
            Restart,
            CLAIMS_ABOUT,
        ),
        setting(
            "stdin.trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""block""#),
            Restart,
            "The strongest action that its lines may lead to. Whoever writes to the pipe holds this much power.",
        ),
        setting(
            "stdin.acts_per_hour",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Clients that are blocked or slowed down by the word of these lines within an hour at most. Past it more are \
             only shown, and the reason is said.",
        ),
    ],
};

/// Most ranges of senders: a site names its networks.
const RANGES_MAX: usize = 256;

pub(super) const SYSLOG: Section = Section {
    path: "syslog[]",
    is_optional: false,
    about: "An address at which syslog is listened to. What comes waits on the disk (storage.spool_bytes_max) until a \
            checkpoint holds what became of it.",
    settings: &[
        setting(
            "syslog[].listen",
            Kind::Listen,
            Required(r#""127.0.0.1:5514""#),
            Restart,
            "Address and port.",
        ),
        setting(
            "syslog[].protocol",
            Kind::Choice(&["udp", "tcp", "tls"]),
            Required(r#""tls""#),
            Restart,
            "How messages come: a message a datagram; a stream, each message with its length or to its line break; the \
             same, encrypted.",
        ),
        setting(
            "syslog[].allow",
            Kind::List(&Kind::Range, 1, RANGES_MAX),
            Value(r#"["127.0.0.0/8", "::1/128"]"#),
            Restart,
            "Addresses that may send. Others are not listened to, and counted.",
        ),
        setting(
            "syslog[].format",
            Kind::Format,
            Value(r#""auto""#),
            Restart,
            "The log format inside the messages; auto finds it out.",
        ),
        setting(
            "syslog[].gateway",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""edge-1""#),
            Restart,
            "The gateway whose log it is. Without it, the address that is listened at.",
        ),
        setting(
            "syslog[].identity",
            IDENTITY,
            Absent(r#"["consumer", "api_key", "certificate", "session", "address"]"#),
            Restart,
            IDENTITY_ABOUT,
        ),
        setting(
            "syslog[].claims",
            Kind::Switch,
            Absent("false"),
            Restart,
            CLAIMS_ABOUT,
        ),
        setting(
            "syslog[].trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""observe""#),
            Restart,
            "The strongest action that these messages may lead to. Whoever can send them holds this much power, and anyone \
             can send a datagram in another's name.",
        ),
        setting(
            "syslog[].acts_per_hour",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Clients that are blocked or slowed down by the word of these messages within an hour at most. Past it \
             more are only shown, and the reason is said.",
        ),
    ],
};

pub(super) const SYSLOG_TLS: Section = Section {
    path: "syslog[].tls",
    is_optional: true,
    about: "The certificate of a listener whose protocol is tls.",
    settings: &[
        setting(
            "syslog[].tls.certificate",
            Kind::File,
            Required(r#""/etc/portcullis/tls.pem""#),
            Restart,
            "Our certificate and its chain, as PEM. A renewed one is taken up by itself.",
        ),
        setting(
            "syslog[].tls.key",
            Kind::File,
            Required(r#""/etc/portcullis/tls.key""#),
            Restart,
            "Its key, as PEM.",
        ),
    ],
};
