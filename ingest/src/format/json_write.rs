//! Writing JSON objects straight into bytes, for rendering.

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

/// An address as text, or "" when there is none.
pub(super) fn address(address: Option<IpAddr>) -> String {
    address.map_or_else(String::new, |address| address.to_string())
}
