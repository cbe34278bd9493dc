//! Why a line became no request: counted by reason, with a few samples kept.
//!
//! Bad traffic is data, not an error: a rejection is cheap to make, never stops the stream, and is never silent.

use domain::Position;
use std::collections::BTreeMap;
use std::fmt;

/// Rejected lines kept for a person to look at. More would let an attacker fill the memory with his own lines.
pub const SAMPLES_MAX: usize = 16;

/// Bytes of a rejected line that a sample keeps: enough to recognise the line, too little to hoard secrets.
pub const SAMPLE_BYTES_MAX: usize = 256;

/// Fields of the best-known format, for the message about a line that is no known format.
const COMBINED_FIELDS: u16 = 9;

/// Why a line could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing but white space.
    Empty,
    /// Longer than `source::LINE_BYTES_MAX`; its end was skipped.
    TooLong,
    /// A text line of which no format can make anything.
    UnknownText {
        /// How many fields it has, a quoted or bracketed text counting as one.
        fields: u16,
    },
    /// A JSON object with none of the known sets of fields.
    UnknownJson,
    /// A line that begins like JSON and is not.
    BrokenJson,
    /// A piece that the format needs is not there.
    Missing(&'static str),
    /// A piece is there and cannot be what it should be.
    Invalid(&'static str),
    /// Neither an address nor an authenticated name says who sent the request.
    NoClient,
    /// A part of a line that the container runtime cut in pieces.
    PartialLine,
    /// A line that speaks about the log and is no request: `#Fields: …`.
    Comment,
    /// A line of values before any header named their columns.
    NoHeader,
    /// Envelopes nested deeper than `envelope::DEPTH_MAX`.
    TooDeep,
}

/// A rejected line: which format was tried, and why it did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reject {
    /// The format that came closest; `None` when the line never got that far.
    pub format: Option<&'static str>,
    /// Why.
    pub reason: Reason,
}

impl Reason {
    /// A short name for counting; never text from the line.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::UnknownText { .. } | Self::UnknownJson => "unknown_format",
            Self::BrokenJson => "broken_json",
            Self::Missing(_) => "missing_field",
            Self::Invalid(_) => "invalid_field",
            Self::NoClient => "no_client",
            Self::PartialLine => "partial_line",
            Self::Comment => "comment",
            Self::NoHeader => "no_header",
            Self::TooDeep => "too_deep",
        }
    }
}

impl From<Reason> for Reject {
    fn from(reason: Reason) -> Self {
        Self { format: None, reason }
    }
}

impl std::error::Error for Reject {}

impl fmt::Display for Reject {
    /// Says why, without any text from the line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(format) = self.format {
            write!(out, "{format}: ")?;
        }
        match self.reason {
            Reason::Empty => out.write_str("empty line"),
            Reason::TooLong => write!(out, "line longer than {} bytes", crate::source::LINE_BYTES_MAX),
            Reason::UnknownText { fields } => {
                let noun = if fields == 1 { "field" } else { "fields" };
                write!(
                    out,
                    "no known format: {fields} {noun} where nginx_combined has {COMBINED_FIELDS}"
                )
            }
            Reason::UnknownJson => {
                out.write_str("no known format: a JSON object with none of the known sets of fields")
            }
            Reason::BrokenJson => out.write_str("broken JSON"),
            Reason::Missing(what) => write!(out, "missing field \"{what}\""),
            Reason::Invalid(what) => write!(out, "invalid {what}"),
            Reason::NoClient => out.write_str("no address or name says who sent the request"),
            Reason::PartialLine => out.write_str("part of a line that the container runtime cut"),
            Reason::Comment => out.write_str("a line about the log, no request"),
            Reason::NoHeader => {
                out.write_str("no #Fields line came before it: what its columns are is not known")
            }
            Reason::TooDeep => write!(out, "envelopes nested deeper than {}", crate::envelope::DEPTH_MAX),
        }
    }
}

/// One rejected line, as kept for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectSample {
    /// Where it stood.
    pub position: Position,
    /// Why it was rejected.
    pub reject: Reject,
    /// Its first [`SAMPLE_BYTES_MAX`] bytes, everything but printable ASCII escaped.
    pub text: String,
}

/// Rejections counted by reason, and the first few of them.
#[derive(Debug, Clone, Default)]
pub struct RejectLog {
    counts: BTreeMap<&'static str, u64>,
    samples: Vec<RejectSample>,
    total: u64,
}

impl RejectLog {
    /// Counts a rejected line and keeps it while there is room.
    pub fn add(&mut self, position: Position, line: &[u8], reject: Reject) {
        self.total += 1;
        *self.counts.entry(reject.reason.label()).or_default() += 1;
        if self.samples.len() < SAMPLES_MAX {
            let head = &line[..line.len().min(SAMPLE_BYTES_MAX)];
            let text = head.escape_ascii().to_string();
            self.samples.push(RejectSample {
                position,
                reject,
                text,
            });
        }
    }

    /// How many lines were rejected.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many lines were rejected for each reason's label, in the order of the labels.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.iter().map(|(label, count)| (*label, *count))
    }

    /// The first rejected lines.
    #[must_use]
    pub fn samples(&self) -> &[RejectSample] {
        &self.samples
    }

    /// Adds another log's counts and, while there is room, its samples.
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        for (label, count) in other.counts() {
            *self.counts.entry(label).or_default() += count;
        }
        let room = SAMPLES_MAX - self.samples.len();
        self.samples.extend(other.samples.iter().take(room).cloned());
    }
}

/// Counts the fields of a text line as a reader of access logs would: `"…"` and `[…]` are one field each.
#[must_use]
pub fn count_fields(line: &str) -> u16 {
    let mut fields = 0u16;
    let mut rest = line.trim();
    while let Some(first) = rest.bytes().next() {
        fields = fields.saturating_add(1);
        let closing = match first {
            b'"' => b'"',
            b'[' => b']',
            _ => b' ',
        };
        let end = rest.as_bytes()[1..].iter().position(|byte| *byte == closing);
        rest = end.map_or("", |at| rest.get(at + 2..).unwrap_or("")).trim_start();
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_was_expected() {
        let reject = Reject::from(Reason::UnknownText {
            fields: count_fields("three short words"),
        });
        assert_eq!(
            reject.to_string(),
            "no known format: 3 fields where nginx_combined has 9"
        );
        let reject = Reject {
            format: Some("kong_json"),
            reason: Reason::Missing("response.status"),
        };
        assert_eq!(reject.to_string(), "kong_json: missing field \"response.status\"");
    }

    #[test]
    fn combined_has_nine_fields() {
        let line =
            r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8 (x; y)""#;
        assert_eq!(count_fields(line), COMBINED_FIELDS);
    }

    #[test]
    fn samples_are_few_short_and_harmless() {
        let mut log = RejectLog::default();
        for line in 1..=100 {
            let position = Position { source: 0, line };
            log.add(position, &[0x1b; 4096], Reason::UnknownJson.into());
        }
        assert_eq!(log.total(), 100);
        assert_eq!(log.counts().collect::<Vec<_>>(), [("unknown_format", 100)]);
        assert_eq!(log.samples().len(), SAMPLES_MAX);
        assert_eq!(log.samples()[0].text, "\\x1b".repeat(SAMPLE_BYTES_MAX));
    }
}
