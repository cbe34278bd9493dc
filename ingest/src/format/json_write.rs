//! Writing JSON objects straight into bytes, for rendering.

use std::borrow::Cow;
use std::net::IpAddr;

/// Writes one object; nested ones through [`Object::object`].
pub(super) struct Object<'out> {
    out: &'out mut Vec<u8>,
    is_empty: bool,
}

impl<'out> Object<'out> {
    pub(super) fn write(out: &'out mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        fill(&mut Object { out, is_empty: true });
        out.push(b'}');
    }

    fn key(&mut self, key: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_text(key, self.out);
        self.out.push(b':');
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_text(text, self.out);
    }

    /// A text, or no key at all.
    pub(super) fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// A list of objects.
    pub(super) fn list(&mut self, key: &str, fill: impl FnOnce(&mut List<'_>)) {
        self.key(key);
        self.out.push(b'[');
        fill(&mut List {
            out: self.out,
            is_empty: true,
        });
        self.out.push(b']');
    }

    pub(super) fn texts(&mut self, key: &str, text: &str) {
        self.key(key);
        self.out.push(b'[');
        write_text(text, self.out);
        self.out.push(b']');
    }

    /// A number, or `null`.
    pub(super) fn number<N: std::fmt::Display>(&mut self, key: &str, number: Option<N>) {
        self.key(key);
        match number {
            Some(number) => self.out.extend_from_slice(number.to_string().as_bytes()),
            None => self.out.extend_from_slice(b"null"),
        }
    }

    pub(super) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        Object::write(self.out, fill);
    }
}

/// Writes the objects of a list.
pub(super) struct List<'out> {
    out: &'out mut Vec<u8>,
    is_empty: bool,
}

impl List<'_> {
    pub(super) fn object(&mut self, fill: impl FnOnce(&mut Object<'_>)) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        Object::write(self.out, fill);
    }
}

/// Writes a JSON string.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Path and query as one text.
pub(super) fn target(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

/// Path and query apart. A query that is empty, a dash or begins with a question mark stays on the path: those who keep
/// the two apart write the first like none at all, and some write the mark in front of every query.
pub(super) fn path_and_query<'a>(path: &'a str, query: Option<&'a str>) -> (Cow<'a, str>, Option<&'a str>) {
    match query {
        Some(text) if matches!(text, "" | "-") || text.starts_with('?') => {
            (Cow::Owned(format!("{path}?{text}")), None)
        }
        query => (Cow::Borrowed(path), query),
    }
}

/// A version of HTTP without the protocol's name.
pub(super) fn http_version(protocol: Option<&str>) -> Option<&str> {
    protocol.map(|protocol| protocol.strip_prefix("HTTP/").unwrap_or(protocol))
}

/// Seconds of a duration in milliseconds.
pub(super) fn seconds(millis: Option<f32>) -> Option<f64> {
    millis.map(|millis| f64::from(millis) / 1000.0)
}

/// An address as text, or "" when there is none.
pub(super) fn address(address: Option<IpAddr>) -> String {
    address.map_or_else(String::new, |address| address.to_string())
}
