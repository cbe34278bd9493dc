//! What a setting is: its path, what its value must be, its default, what it does.
//!
//! One list of these is the only description of the configuration. Checking, the example, the JSON Schema, the
//! explanation and the comparison of two configurations all read it, so that they cannot disagree.

use std::fmt;

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Where it stands: `kafka.topics[].format`.
    pub(crate) path: &'static str,
    /// What its value must be.
    pub(crate) kind: Kind,
    /// What holds when it is left out.
    pub(crate) fallback: Fallback,
    /// Whether a change takes effect without a restart.
    pub(crate) reload: Reload,
    /// What it does, in a sentence or two.
    pub(crate) about: &'static str,
}

/// What holds when a setting is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// It must be given; the example shows this value, in TOML.
    Required(&'static str),
    /// Nothing holds; the example shows this value, in TOML, commented out.
    Absent(&'static str),
    /// This value, in TOML.
    Value(&'static str),
}

/// Whether a change takes effect without a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// At the next SIGHUP, without losing windows.
    Live,
    /// At the next start.
    Restart,
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text of 1 to so many bytes, without control characters.
    Text(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// A number from 0 to 1.
    Share,
    /// True or false.
    Switch,
    /// A secret: text, or where to read it.
    Secret,
    /// A secret of 16 bytes, as 32 hexadecimal digits.
    Key,
    /// An address and a port to listen on.
    Listen,
    /// A host and a port to connect to.
    Remote,
    /// A range of addresses.
    Range,
    /// A range of addresses that is not everybody's.
    Proxies,
    /// Path of a file.
    File,
    /// A URL of one of these schemes; may hold a password, so it can be given like a secret.
    Url(&'static [&'static str]),
    /// A moment in RFC 3339.
    Moment,
    /// One of these words, or a moment in RFC 3339.
    ChoiceOrMoment(&'static [&'static str]),
    /// The name of a log format, or `auto`.
    Format,
    /// A regular expression.
    Pattern,
    /// The name of a Kafka topic.
    Topic,
    /// The name of Kafka topics, with `*` for any characters.
    TopicPattern,
    /// A list of such values, at least and at most so many.
    List(&'static Kind, usize, usize),
}

impl Kind {
    /// Whether its value is never shown.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Key)
    }

    /// Whether it may be given as `{ file = "…" }` or `{ env = "…" }`.
    pub(crate) fn is_indirect(self) -> bool {
        matches!(self, Self::Secret | Self::Key | Self::Url(_))
    }
}

impl fmt::Display for Kind {
    /// Says what is expected.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => write!(out, "text of 1 to {bytes} bytes without control characters"),
            Self::Choice(words) => write!(out, "one of {}", words.join(", ")),
            Self::Integer(least, most) => write!(out, "a whole number from {least} to {most}"),
            Self::Share => out.write_str("a number from 0 to 1"),
            Self::Switch => out.write_str("true or false"),
            Self::Secret => out.write_str("a secret as text, { file = \"…\" } or { env = \"…\" }"),
            Self::Key => out.write_str("32 hexadecimal digits as text, { file = \"…\" } or { env = \"…\" }"),
            Self::Listen => out.write_str("an address and a port such as 127.0.0.1:8600"),
            Self::Remote => out.write_str("a host and a port such as kafka-1.internal:9092"),
            Self::Range => out.write_str("a range of addresses such as 10.0.0.0/8, or one address"),
            Self::Proxies => out.write_str(
                "the proxies' own range, such as 10.0.0.0/8: trusting everybody lets anyone write any client's address",
            ),
            Self::File => out.write_str("the path of a file"),
            Self::Url(schemes) => write!(out, "a URL that begins with {}", schemes.join(" or ")),
            Self::Moment => out.write_str("a moment such as 2027-01-31T00:00:00Z"),
            Self::ChoiceOrMoment(words) => {
                write!(out, "one of {}, or a moment such as 2027-01-31T00:00:00Z", words.join(", "))
            }
            Self::Format => write!(out, "auto or a format: {}", format_names().join(", ")),
            Self::Pattern => write!(
                out,
                "a regular expression of at most {} bytes that does not match nothing",
                ingest::mask::PATTERN_BYTES_MAX
            ),
            Self::Topic => out.write_str("a topic's name: letters, digits, dots, dashes and underscores"),
            Self::TopicPattern => out.write_str("a topic's name with * for any characters"),
            Self::List(kind, least, most) => write!(out, "a list of {least} to {most}, each {kind}"),
        }
    }
}

/// Names of the known log formats.
pub(crate) fn format_names() -> Vec<&'static str> {
    ingest::FORMATS.iter().map(|format| format.name()).collect()
}
