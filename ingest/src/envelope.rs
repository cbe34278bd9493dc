//! What shippers wrap around a line: Vector, Fluent Bit, Filebeat, Logstash, journald, Docker, CRI, syslog, the batches of
//! clouds.
//!
//! Each wrapper is recognised by a cheap look at the line's beginning, or by the key that holds the line: as text, or
//! taken apart already by a shipper that knew it was JSON. Wrappers nest (a container's output inside a shipper's
//! record), at most [`DEPTH_MAX`] deep, and each is read once.

use crate::nesting::is_too_deep;
use crate::reject::Reason;
use crate::source::kafka::only_record;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::fmt;

/// Wrappers around one line. The longest way that a line was seen to go has five: a container's runtime, syslog, a
/// shipper, a relay behind it, a cloud's batch. One more, for JSON quoted within JSON. Deeper is somebody's test of us.
pub const DEPTH_MAX: usize = 6;

/// A kind of wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Envelope {
    /// JSON with the line under `message` (Vector, Filebeat).
    Message,
    /// JSON with the line under `log` (Fluent Bit, Docker's json-file).
    Log,
    /// JSON with the line under `event.original` (Logstash, Elastic's ingest pipelines).
    Original,
    /// JSON of journald, with the line under `MESSAGE`.
    Journal,
    /// A log entry of Google Cloud with the line under `textPayload`.
    TextPayload,
    /// A record of OpenTelemetry with the line for its body.
    Body,
    /// JSON with the line's own JSON under a key of its own: `json`, `parsed`, `nginx`, …
    Parsed,
    /// A batch with one record in it (CloudWatch Logs, Event Hubs, OTLP).
    Batch,
    /// JSON quoted once more.
    Quoted,
    /// `TIME stdout F line` of Kubernetes' container runtimes.
    Cri,
    /// A syslog header, RFC 3164 or 5424.
    Syslog,
}

impl Envelope {
    /// Its public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message (Vector, Filebeat)",
            Self::Log => "log (Fluent Bit, Docker)",
            Self::Original => "event.original (Logstash)",
            Self::Journal => "MESSAGE (journald)",
            Self::TextPayload => "textPayload (Google Cloud)",
            Self::Body => "body (OpenTelemetry)",
            Self::Parsed => "JSON under a key",
            Self::Batch => "batch",
            Self::Quoted => "quoted JSON",
            Self::Cri => "CRI",
            Self::Syslog => "syslog",
        }
    }
}

/// Takes one wrapper off; `None` when there is none.
///
/// # Errors
/// When the wrapper says that it holds only a part of a line.
pub fn unwrap(line: &str) -> Result<Option<(Envelope, Cow<'_, str>)>, Reason> {
    match line.as_bytes().first() {
        Some(b'{') => match only_record(line) {
            Some(record) => Ok(Some((Envelope::Batch, Cow::Borrowed(record)))),
            None => unwrap_json(line),
        },
        Some(b'"') => Ok(unwrap_quoted(line)),
        // rsyslog's files begin with the moment, too, and have no priority.
        Some(b'0'..=b'9') => Ok(unwrap_cri(line)?.or_else(|| unwrap_syslog(line))),
        Some(b'<' | b'A'..=b'Z') => Ok(unwrap_syslog(line)),
        _ => Ok(None),
    }
}

/// JSON quoted once more. A text line may begin with a quote too, but not with a quoted brace.
fn unwrap_quoted(line: &str) -> Option<(Envelope, Cow<'_, str>)> {
    let is_json = line.starts_with("\"{") && line.ends_with('"');
    let text = is_json.then(|| sonic_rs::from_str::<String>(line).ok())??;
    Some((Envelope::Quoted, Cow::Owned(text)))
}

/// `2026-11-22T23:48:42.123456789+01:00 stdout F line`; `P` marks a part of a line.
fn unwrap_cri(line: &str) -> Result<Option<(Envelope, Cow<'_, str>)>, Reason> {
    let mut parts = line.splitn(4, ' ');
    let (Some(time), Some(stream), Some(tag)) = (parts.next(), parts.next(), parts.next()) else {
        return Ok(None);
    };
    if !matches!(stream, "stdout" | "stderr") || time.as_bytes().get(10) != Some(&b'T') {
        return Ok(None);
    }
    if tag.starts_with('P') {
        return Err(Reason::PartialLine);
    }
    let rest = parts.next().unwrap_or("");
    Ok(Some((Envelope::Cri, Cow::Borrowed(rest))))
}

/// `<134>Nov 22 23:48:42 host program[1]: line`, with or without the priority, or
/// `<134>1 2026-11-22T23:48:42Z host program 1 - - line`.
fn unwrap_syslog(line: &str) -> Option<(Envelope, Cow<'_, str>)> {
    let body = match line.strip_prefix('<') {
        Some(rest) => {
            let (priority, body) = rest.split_once('>')?;
            let is_priority =
                (1..=3).contains(&priority.len()) && priority.bytes().all(|byte| byte.is_ascii_digit());
            is_priority.then_some(body)?
        }
        None => line,
    };
    let message = if let Some(rest) = body.strip_prefix("1 ") {
        modern(rest)
    } else {
        traditional(body)
    };
    message.map(|message| (Envelope::Syslog, Cow::Borrowed(message)))
}

/// RFC 5424 after its version: time, host, program, process, message id, structured data, message.
fn modern(header: &str) -> Option<&str> {
    let mut rest = header;
    for _ in 0..5 {
        rest = rest.split_once(' ')?.1;
    }
    if let Some(message) = rest.strip_prefix("- ") {
        return Some(message.trim_start_matches('\u{feff}'));
    }
    // Structured data: `[id key="value"]…`, where a backslash escapes the next character.
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted && rest.as_bytes().get(at + 1) == Some(&b' ') => {
                return rest
                    .starts_with('[')
                    .then(|| rest[at + 2..].trim_start_matches('\u{feff}'));
            }
            _ => {}
        }
    }
    None
}

/// RFC 3164: `Nov 22 23:48:42 host program[1]: message`; some relays write an RFC 3339 time instead.
fn traditional(header: &str) -> Option<&str> {
    let bytes = header.as_bytes();
    let is_bsd =
        bytes.len() > 16 && bytes[3] == b' ' && bytes[6] == b' ' && bytes[9] == b':' && bytes[15] == b' ';
    let rest = if is_bsd {
        header.get(16..)?
    } else {
        let (time, rest) = header.split_once(' ')?;
        domain::Timestamp::parse_rfc3339(time)?;
        rest
    };
    // NGINX's `nohostname` leaves the host out.
    let tagged = match rest.split_once(' ')? {
        (tag, _) if tag.ends_with(':') => rest,
        (_host, tagged) => tagged,
    };
    let (tag, message) = tagged.split_once(": ")?;
    let is_tag = !tag.is_empty() && tag.len() <= 64 && !tag.contains(' ');
    is_tag.then_some(message)
}

/// Keys that hold a line as text, best first. Filebeat's own `log` is an object, and no text. Keys under which
/// applications log what a client sent (`msg`, `body`, `data`, `payload`) are none: whoever writes a line of a log into
/// a request's body would be believed.
const TEXTS: [(&str, Envelope); 5] = [
    ("event.original", Envelope::Original),
    ("message", Envelope::Message),
    ("log", Envelope::Log),
    ("MESSAGE", Envelope::Journal),
    ("textPayload", Envelope::TextPayload),
];

/// Keys whose object holds a line as text.
const HOLDERS: [&str; 2] = ["event", "body"];

/// Keys that hold the line's own JSON, best first: a shipper read it, and put what it read there.
const OBJECTS: [&str; 7] = [
    "log_processed",
    "parsed",
    "json",
    "access",
    "nginx",
    "jsonPayload",
    "message",
];

/// Keys with which shippers mark a part of a line that a runtime cut, each with the value that says so.
const PARTS: [(&str, &str); 3] = [
    ("_p", "\"P\""),
    ("logtag", "\"P\""),
    ("partial_message", "\"true\""),
];

/// Blanks of a line of text: every known format has more fields than this.
const BLANKS_MIN: usize = 4;

fn unwrap_json(line: &str) -> Result<Option<(Envelope, Cow<'_, str>)>, Reason> {
    if is_too_deep(line) {
        return Ok(None);
    }
    let mut reader = sonic_rs::Deserializer::from_str(line);
    let Ok(Some(held)) = reader.deserialize_any(Holders) else {
        return Ok(None);
    };
    if reader.end().is_err() {
        return Ok(None);
    }
    if held.is_part {
        return Err(Reason::PartialLine);
    }
    Ok(held
        .best
        .and_then(|(_, kind, raw)| text_of(raw).map(|text| (kind, text))))
}

/// What the keys of an object hold.
#[derive(Default)]
struct Held<'a> {
    /// How good, which, and the JSON of its value.
    best: Option<(usize, Envelope, Cow<'a, str>)>,
    is_part: bool,
}

impl<'a> Held<'a> {
    fn offer(&mut self, rank: usize, kind: Envelope, raw: Cow<'a, str>) {
        // A text that is no line ("request completed") gives way to an object.
        let penalty = match raw.as_bytes() {
            [b'"', b'"'] => return,
            [b'"', ..] if kind == Envelope::Body && !is_line(&raw) => return,
            [b'"', ..] if !is_line(&raw) => TEXTS.len() + OBJECTS.len(),
            [b'"' | b'[', ..] => 0,
            [b'{', ..] => TEXTS.len(),
            _ => return,
        };
        let rank = rank + penalty;
        if self.best.as_ref().is_none_or(|(best, _, _)| rank < *best) {
            self.best = Some((rank, kind, raw));
        }
    }

    fn look(&mut self, key: &str, value: &LazyValue<'a>) {
        let raw = value.as_raw_cow();
        self.is_part |= PARTS
            .iter()
            .any(|(part, says_so)| key == *part && raw == *says_so);
        let is_object = raw.starts_with('{');
        if is_object && let Some((kind, text)) = inner_text(key, &raw) {
            let rank = TEXTS.iter().position(|(_, known)| *known == kind);
            let rank = rank.unwrap_or(TEXTS.len() - 1);
            self.offer(rank, kind, Cow::Owned(text));
        }
        if is_object && let Some(rank) = OBJECTS.iter().position(|known| *known == key) {
            self.offer(rank, Envelope::Parsed, raw);
        } else if !is_object && let Some(rank) = TEXTS.iter().position(|(known, _)| *known == key) {
            self.offer(rank, TEXTS[rank].1, raw);
        }
    }
}

/// The text inside an object that is known to hold one: `event.original`, OTLP's `body.stringValue`.
fn inner_text(key: &str, raw: &str) -> Option<(Envelope, String)> {
    let (name, kind) = match key {
        "event" => ("original", Envelope::Original),
        "body" => ("stringValue", Envelope::Body),
        _ => return None,
    };
    let value = sonic_rs::get(raw, [name]).ok()?;
    let text = value.as_raw_str();
    text.starts_with('"').then(|| (kind, text.to_owned()))
}

/// Whether a JSON string could hold a line: JSON, a syslog header, or some fields between blanks.
fn is_line(raw: &str) -> bool {
    let inside = raw.as_bytes().get(1);
    let blanks = || {
        raw.bytes()
            .filter(u8::is_ascii_whitespace)
            .take(BLANKS_MIN)
            .count()
    };
    let tabs = || {
        memchr::memmem::find_iter(raw.as_bytes(), "\\t")
            .take(BLANKS_MIN)
            .count()
    };
    matches!(inside, Some(b'{' | b'<')) || blanks() == BLANKS_MIN || tabs() == BLANKS_MIN
}

/// The line that a JSON value holds, without its line break: a text's, an object's own JSON, the bytes of a list.
fn text_of(raw: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let without_break = |text: &str| text.trim_end_matches(['\n', '\r']).to_owned();
    match raw.as_bytes().first()? {
        b'{' => Some(raw),
        // journald writes what is no UTF-8 as its bytes.
        b'[' => {
            let bytes: Vec<u8> = sonic_rs::from_str(&raw).ok()?;
            Some(Cow::Owned(without_break(&String::from_utf8_lossy(&bytes))))
        }
        _ => match raw {
            Cow::Borrowed(raw) if memchr::memchr(b'\\', raw.as_bytes()).is_none() => {
                raw.get(1..raw.len() - 1).map(Cow::Borrowed)
            }
            raw => {
                let text: String = sonic_rs::from_str(&raw).ok()?;
                Some(Cow::Owned(without_break(&text)))
            }
        },
    }
}

/// Looks through an object for the keys that hold lines.
struct Holders;

impl<'a> Visitor<'a> for Holders {
    type Value = Option<Held<'a>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut held = Held::default();
        while let Some(key) = map.next_key_seed(KnownKey)? {
            match key {
                Some(key) => held.look(key, &map.next_value::<LazyValue<'a>>()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(held))
    }
}

/// A key that may hold a line; `None` for any other.
struct KnownKey;

impl<'a> DeserializeSeed<'a> for KnownKey {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KnownKey {
    type Value = Option<&'static str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let texts = TEXTS.iter().map(|(known, _)| *known);
        let parts = PARTS.iter().map(|(known, _)| *known);
        let mut known = texts.chain(OBJECTS).chain(HOLDERS).chain(parts);
        Ok(known.find(|known| *known == key))
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
