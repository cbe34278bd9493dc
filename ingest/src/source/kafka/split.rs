//! From one Kafka message to log lines: one line, many lines, a JSON array of them, or an object that carries many.
//!
//! Shippers batch: Kong's and APISIX's Kafka plugins send arrays, file shippers send many lines. Lines are slices
//! of the payload, never written anew, so that what a format reads is what the gateway sent.

use super::records::{begins_like_records, records};
use memchr::{memchr, memchr2};
use std::ops::Range;

/// Longest payload that is split, in bytes. Kafka's own default is 1 MB; brokers raised to more than this serve
/// something else than access logs.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most lines of one message. The largest batch that known shippers make is 1,000 to 5,000.
pub const LINES_PER_MESSAGE_MAX: usize = 10_000;

/// What a topic's messages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessageShape {
    /// Seen from each message: an array of objects, an object that carries records, many lines, or one.
    #[default]
    Auto,
    /// One line; line breaks inside belong to it.
    Line,
    /// Lines that end in a line break.
    Lines,
    /// A JSON array, each element a line.
    Array,
    /// A JSON object that carries records: `logEvents` of CloudWatch Logs, `records` of Event Hubs, OTLP's JSON.
    Records,
    /// OTLP's protobuf: its log records, written as JSON.
    Otlp,
}

impl MessageShape {
    /// Every shape.
    pub const ALL: [Self; 6] = [
        Self::Auto,
        Self::Line,
        Self::Lines,
        Self::Array,
        Self::Records,
        Self::Otlp,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Line => "line",
            Self::Lines => "lines",
            Self::Array => "array",
            Self::Records => "records",
            Self::Otlp => "otlp",
        }
    }

    /// The shape of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == name)
    }
}

/// How much of one message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitLimits {
    /// Longest payload, in bytes.
    pub payload_bytes_max: usize,
    /// Most lines.
    pub lines_max: usize,
}

impl Default for SplitLimits {
    fn default() -> Self {
        Self {
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            lines_max: LINES_PER_MESSAGE_MAX,
        }
    }
}

/// Why a part of a message gave no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SplitFault {
    /// The payload is longer than the limit; nothing of it was read.
    PayloadTooLong,
    /// There are more lines than the limit; the first ones were read.
    TooManyLines,
    /// The array breaks off or goes on wrongly; the elements before that were read.
    BrokenArray,
    /// There is no list of records, or it breaks off; the records before that were read.
    BrokenRecords,
    /// The payload is no protobuf of OTLP; nothing of it was read.
    BrokenOtlp,
}

impl SplitFault {
    /// One phrase for people and for the dead-letter header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayloadTooLong => "payload too long",
            Self::TooManyLines => "too many lines in one message",
            Self::BrokenArray => "broken JSON array",
            Self::BrokenRecords => "broken list of records",
            Self::BrokenOtlp => "broken OTLP protobuf",
        }
    }
}

/// The part of a payload that gave no lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitRejection {
    /// Why.
    pub fault: SplitFault,
    /// Which bytes of the payload.
    pub rest: Range<usize>,
}

/// Appends the lines of a payload to `lines`, as ranges of it, and returns the part that gave none.
///
/// Empty lines are passed over. Lines carry no line break at their end.
pub fn split_payload(
    payload: &[u8],
    shape: MessageShape,
    limits: SplitLimits,
    lines: &mut Vec<Range<usize>>,
) -> Option<SplitRejection> {
    if payload.len() > limits.payload_bytes_max {
        return Some(SplitRejection {
            fault: SplitFault::PayloadTooLong,
            rest: 0..payload.len(),
        });
    }
    let shape = match shape {
        MessageShape::Auto => guess_shape(payload),
        given => given,
    };
    match shape {
        MessageShape::Array => split_array(payload, limits.lines_max, lines),
        MessageShape::Lines => split_lines(payload, limits.lines_max, lines),
        MessageShape::Records => split_records(payload, limits.lines_max, lines),
        // Protobuf is written as JSON before it is split.
        MessageShape::Line | MessageShape::Auto | MessageShape::Otlp => {
            push_trimmed(payload, 0..payload.len(), lines);
            None
        }
    }
}

/// Guesses what a message holds.
///
/// An array begins with `[{` (Envoy's text lines begin with `[2016-…`, so the bracket alone does not say). An
/// object whose first line does not close it is one line, printed over several.
fn guess_shape(payload: &[u8]) -> MessageShape {
    let text = payload.trim_ascii();
    let inside = text.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    if inside.is_some_and(|inside| matches!(inside.first(), Some(b'{' | b']'))) {
        return MessageShape::Array;
    }
    if begins_like_records(text) {
        return MessageShape::Records;
    }
    let Some(end) = memchr(b'\n', text) else {
        return MessageShape::Line;
    };
    let first = text[..end].trim_ascii_end();
    if first.starts_with(b"{") && !first.ends_with(b"}") {
        return MessageShape::Line;
    }
    MessageShape::Lines
}

fn split_lines(payload: &[u8], lines_max: usize, lines: &mut Vec<Range<usize>>) -> Option<SplitRejection> {
    let before = lines.len();
    let mut start = 0;
    while start < payload.len() {
        let end = memchr(b'\n', &payload[start..]).map_or(payload.len(), |length| start + length);
        let is_full = lines.len() - before == lines_max;
        if is_full && !payload[start..end].trim_ascii().is_empty() {
            return Some(SplitRejection {
                fault: SplitFault::TooManyLines,
                rest: start..payload.len(),
            });
        }
        push_trimmed(payload, start..end, lines);
        start = end + 1;
    }
    None
}

fn split_array(payload: &[u8], lines_max: usize, lines: &mut Vec<Range<usize>>) -> Option<SplitRejection> {
    let reject = |fault, start| {
        Some(SplitRejection {
            fault,
            rest: start..payload.len(),
        })
    };
    let mut at = skip_blanks(payload, 0);
    if payload.get(at) != Some(&b'[') {
        return reject(SplitFault::BrokenArray, at);
    }
    at = skip_blanks(payload, at + 1);
    if payload.get(at) == Some(&b']') {
        return after_array(payload, at + 1);
    }
    for _ in 0..lines_max {
        let Some(end) = element_end(payload, at) else {
            return reject(SplitFault::BrokenArray, at);
        };
        if payload[at..end].trim_ascii().is_empty() {
            return reject(SplitFault::BrokenArray, at);
        }
        push_trimmed(payload, at..end, lines);
        if payload[end] == b']' {
            return after_array(payload, end + 1);
        }
        at = skip_blanks(payload, end + 1);
    }
    reject(SplitFault::TooManyLines, at)
}

fn split_records(payload: &[u8], lines_max: usize, lines: &mut Vec<Range<usize>>) -> Option<SplitRejection> {
    let before = lines.len();
    let (fault, start) = match records(payload, lines_max, lines) {
        Some(None) => return None,
        Some(Some(rest)) => (SplitFault::TooManyLines, rest),
        None => {
            let start = lines
                .get(before..)
                .and_then(<[_]>::last)
                .map_or(0, |line| line.end);
            (SplitFault::BrokenRecords, start)
        }
    };
    Some(SplitRejection {
        fault,
        rest: start..payload.len(),
    })
}

/// Refuses what follows the array's end, when it is more than white space.
fn after_array(payload: &[u8], end: usize) -> Option<SplitRejection> {
    let start = skip_blanks(payload, end);
    (start < payload.len()).then_some(SplitRejection {
        fault: SplitFault::BrokenArray,
        rest: start..payload.len(),
    })
}

/// Finds the comma or bracket that ends the element beginning at `at`; `None` when the payload breaks off.
///
/// Counts brackets without telling their kinds apart: what is wrong inside an element is the format's to refuse.
pub(super) fn element_end(payload: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match payload.get(at)? {
            b'"' => at = string_end(payload, at + 1)?,
            b'{' | b'[' => depth += 1,
            b',' | b']' if depth == 0 => return Some(at),
            b'}' if depth == 0 => return None,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// Finds the quote that closes a JSON string whose text begins at `at`.
pub(super) fn string_end(payload: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr2(b'"', b'\\', payload.get(at..)?)?;
        if payload[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
    }
}

pub(super) fn skip_blanks(payload: &[u8], at: usize) -> usize {
    let blanks = payload[at..].iter().take_while(|byte| byte.is_ascii_whitespace());
    at + blanks.count()
}

/// Appends a range without the white space at its end, and nothing at all when only that is left.
///
/// White space at the beginning stays: a tab there is an empty first field of tab-separated values.
fn push_trimmed(payload: &[u8], range: Range<usize>, lines: &mut Vec<Range<usize>>) {
    let line = &payload[range.clone()];
    let length = line
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    if !line[..length].trim_ascii().is_empty() {
        lines.push(range.start..range.start + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: SplitLimits = SplitLimits {
        payload_bytes_max: 200,
        lines_max: 3,
    };

    fn split(payload: &str, shape: MessageShape) -> (Vec<&str>, Option<(SplitFault, &str)>) {
        let mut ranges = Vec::new();
        let rejection = split_payload(payload.as_bytes(), shape, SMALL, &mut ranges);
        let lines = ranges.into_iter().map(|range| &payload[range]).collect();
        (lines, rejection.map(|found| (found.fault, &payload[found.rest])))
    }

    fn check(shape: MessageShape, payload: &str, lines: &[&str], rejection: Option<(SplitFault, &str)>) {
        assert_eq!(split(payload, shape), (lines.to_vec(), rejection), "{payload:?}");
    }

    #[test]
    fn one_line_keeps_its_inner_line_breaks() {
        check(MessageShape::Line, "a\nb\r\n", &["a\nb"], None);
        check(MessageShape::Line, " \n", &[], None);
    }

    #[test]
    fn many_lines_are_cut_at_line_breaks_and_empty_ones_passed_over() {
        check(MessageShape::Lines, "a\r\n\n\tb\n  \nc", &["a", "\tb", "c"], None);
        check(MessageShape::Lines, "", &[], None);
    }

    #[test]
    fn an_array_gives_its_elements_as_they_were_sent() {
        let payload = r#" [ {"a":"],\"}{\\","b":[1,{"c":2}]} ,{ }, "text" ] "#;
        let lines = [r#"{"a":"],\"}{\\","b":[1,{"c":2}]} "#, "{ }", "\"text\" "];
        check(MessageShape::Array, payload, &lines, None);
        check(MessageShape::Array, "[ ]\n", &[], None);
    }

    #[test]
    fn lines_past_the_limit_are_kept_as_a_rejection() {
        use SplitFault::{PayloadTooLong, TooManyLines};
        let rest = Some((TooManyLines, "d\ne"));
        check(MessageShape::Lines, "a\nb\nc\nd\ne", &["a", "b", "c"], rest);
        check(MessageShape::Lines, "a\nb\nc\n\n", &["a", "b", "c"], None);
        check(
            MessageShape::Array,
            "[1,2,3,4]",
            &["1", "2", "3"],
            Some((TooManyLines, "4]")),
        );
        check(MessageShape::Array, "[1,2,3]", &["1", "2", "3"], None);
        let long = "x".repeat(201);
        check(MessageShape::Auto, &long, &[], Some((PayloadTooLong, &long)));
    }

    #[test]
    fn a_broken_array_gives_the_elements_before_the_break() {
        use SplitFault::BrokenArray;
        check(
            MessageShape::Array,
            r#"[{"a":1},{"b"#,
            &[r#"{"a":1}"#],
            Some((BrokenArray, r#"{"b"#)),
        );
        check(MessageShape::Array, "[1]x", &["1"], Some((BrokenArray, "x")));
        check(MessageShape::Array, "[1,]", &["1"], Some((BrokenArray, "]")));
        check(MessageShape::Array, "{}", &[], Some((BrokenArray, "{}")));
        check(MessageShape::Array, "[1}", &[], Some((BrokenArray, "1}")));
        check(MessageShape::Array, r#"["\"#, &[], Some((BrokenArray, r#""\"#)));
        check(MessageShape::Array, "", &[], Some((BrokenArray, "")));
    }

    #[test]
    fn the_shape_is_seen_from_the_message() {
        check(
            MessageShape::Auto,
            r#"[{"a":1},{"a":2}]"#,
            &[r#"{"a":1}"#, r#"{"a":2}"#],
            None,
        );
        check(
            MessageShape::Auto,
            "{\"a\":1}\n{\"a\":2}\n",
            &["{\"a\":1}", "{\"a\":2}"],
            None,
        );
        check(
            MessageShape::Auto,
            "{\n \"a\": 1\n}\n",
            &["{\n \"a\": 1\n}"],
            None,
        );
        let envoy = "[2016-04-15T20:17:00.310Z] \"POST / HTTP/2\" 204";
        check(MessageShape::Auto, envoy, &[envoy], None);
    }

    proptest! {
        #[test]
        fn lines_are_disjoint_slices_in_order_and_never_more_than_allowed(
            payload in proptest::collection::vec(proptest::sample::select(b"[]{}\",\\ \na".to_vec()), 0..60),
            shape in proptest::sample::select(MessageShape::ALL.to_vec()),
        ) {
            let mut lines = Vec::new();
            let rejection = split_payload(&payload, shape, SMALL, &mut lines);
            prop_assert!(lines.len() <= SMALL.lines_max);
            let mut end = 0;
            for line in &lines {
                prop_assert!(end <= line.start && line.start < line.end);
                end = line.end;
            }
            prop_assert!(rejection.is_none_or(|found| end <= found.rest.start && found.rest.end == payload.len()));
        }
    }
}
