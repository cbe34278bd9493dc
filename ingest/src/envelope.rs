//! What shippers wrap around a line: Vector, Fluent Bit, Filebeat, Docker, CRI, syslog.
//!
//! Each wrapper is recognised by a cheap look at the line's beginning, or by the one key that holds the line.
//! Wrappers nest (a container's output inside a shipper's record), at most [`DEPTH_MAX`] deep.

use crate::nesting::is_too_deep;
use crate::reject::Reason;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Wrappers around one line: runtime, shipper and a relay are three. Deeper nesting is somebody's test of us.
pub const DEPTH_MAX: usize = 3;

/// A kind of wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Envelope {
    /// JSON with the line under `message` (Vector, Filebeat).
    Message,
    /// JSON with the line under `log` (Fluent Bit, Docker's json-file).
    Log,
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
        Some(b'{') => Ok(unwrap_json(line)),
        Some(b'0'..=b'9') => unwrap_cri(line),
        Some(b'<' | b'A'..=b'Z') => Ok(unwrap_syslog(line)),
        _ => Ok(None),
    }
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
    let (_host, tagged) = rest.split_once(' ')?;
    let (tag, message) = tagged.split_once(": ")?;
    let is_tag = !tag.is_empty() && tag.len() <= 64 && !tag.contains(' ');
    is_tag.then_some(message)
}

fn unwrap_json(line: &str) -> Option<(Envelope, Cow<'_, str>)> {
    if is_too_deep(line) {
        return None;
    }
    let mut reader = sonic_rs::Deserializer::from_str(line);
    let held = reader.deserialize_any(LineHolder).ok().flatten()?;
    reader.end().ok()?;
    Some(held)
}

/// Finds the key that holds the line; `message` goes before `log`, which Filebeat uses for something else.
struct LineHolder;

impl<'a> Visitor<'a> for LineHolder {
    type Value = Option<(Envelope, Cow<'a, str>)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut held = None;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
                Key::Holder(kind) => {
                    let text = map.next_value_seed(TextOrNothing)?;
                    let is_better = held.is_none() || kind == Envelope::Message;
                    if let Some(text) = text.filter(|_| is_better) {
                        held = Some((kind, text));
                    }
                }
            }
        }
        Ok(held)
    }
}

enum Key {
    Holder(Envelope),
    Other,
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "message" => Key::Holder(Envelope::Message),
                    "log" => Key::Holder(Envelope::Log),
                    _ => Key::Other,
                })
            }
        }
        reader.deserialize_str(Name)
    }
}

/// A text without its line break; anything else is nothing.
struct TextOrNothing;

impl<'a> serde::de::DeserializeSeed<'a> for TextOrNothing {
    type Value = Option<Cow<'a, str>>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for TextOrNothing {
    type Value = Option<Cow<'a, str>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text.trim_end_matches(['\n', '\r']))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.trim_end_matches(['\n', '\r']).to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<S: serde::de::SeqAccess<'a>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(Envelope, &str)>) {
        let unwrapped = unwrap(line).expect("a whole line");
        let unwrapped = unwrapped.as_ref().map(|(kind, text)| (*kind, text.as_ref()));
        assert_eq!(unwrapped, expected, "{line}");
    }

    #[test]
    fn shippers_json_gives_its_line() {
        check(
            r#"{"file":"/var/log/nginx/access.log","host":"h","message":"a \"b\" c","source_type":"file"}"#,
            Some((Envelope::Message, r#"a "b" c"#)),
        );
        check(
            r#"{"@timestamp":1.5,"log":"a b\n"}"#,
            Some((Envelope::Log, "a b")),
        );
        check(
            r#"{"log":{"file":{"path":"/x"},"offset":1},"message":"a b","host":{"name":"h"}}"#,
            Some((Envelope::Message, "a b")),
        );
        check(r#"{"message":"a","log":"b"}"#, Some((Envelope::Message, "a")));
        check(r#"{"a":1}"#, None);
        check(r#"{"message":{"a":1}}"#, None);
        check(r#"{"message":"a""#, None);
    }

    #[test]
    fn a_container_runtimes_prefix_is_taken_off() {
        check(
            "2026-11-22T23:48:42.493035218+01:00 stdout F {\"a\":1}",
            Some((Envelope::Cri, "{\"a\":1}")),
        );
        check(
            "2026-11-22T23:48:42.493035218Z stdout F",
            Some((Envelope::Cri, "")),
        );
        check("203.0.113.9 - - [22/Nov/2026:23:48:42 +0000]", None);
        assert_eq!(
            unwrap("2026-11-22T23:48:42.1Z stderr P half"),
            Err(Reason::PartialLine)
        );
    }

    #[test]
    fn a_syslog_header_is_taken_off() {
        let line = "203.0.113.9 - - [x]: y";
        for header in [
            "<190>Nov 22 23:48:42 gateway nginx: ",
            "Nov  2 23:48:42 gateway nginx[14389]: ",
            "<134>2026-11-22T23:48:42Z gateway nginx: ",
            "<134>1 2026-11-22T23:48:42Z gateway nginx 1 - - ",
            "<134>1 2026-11-22T23:48:42Z gateway nginx 1 - [a@1 b=\"]\\\"\"][c] ",
        ] {
            check(&format!("{header}{line}"), Some((Envelope::Syslog, line)));
        }
        check("GET / HTTP/1.1", None);
        check("<x>Nov 22 23:48:42 gateway nginx: a", None);
        check("<134>1 2026", None);
    }
}
