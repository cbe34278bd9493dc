//! A request as a line of a layout.

use super::super::escape::{self, Style};
use super::field::{Escape, Field, Kind, Piece};
use super::{Layout, Step};
use domain::RequestRecord;
use std::borrow::Cow;
use std::io::Write;

/// A port for rendered peers: gateways write one, and nobody reads it.
const RENDERED_PORT: u16 = 50_000;

impl Layout {
    /// Writes the request.
    pub(in crate::format) fn render(&self, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        for step in &self.steps {
            match step {
                Step::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Step::Optional { .. } => {}
                Step::Field { field, is_quoted, .. } => self.render_field(field, *is_quoted, record, out),
            }
        }
    }

    fn render_field(&self, field: &Field, is_quoted: bool, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        match field.piece {
            Piece::At => {
                if let Kind::Moment(moment) = &field.kind {
                    moment.write(record.at, out);
                }
                return;
            }
            Piece::RequestLine | Piece::RequestUrl => return self.render_request(field.piece, record, out),
            _ => {}
        }
        // What a gateway writes itself is written as it is; what is not there is a dash.
        let Some(text) = text_of(field.piece, record) else {
            return out.push(b'-');
        };
        if field.kind == Kind::Word {
            let is_word = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            return out.extend_from_slice(if is_word { text.as_bytes() } else { b"-" });
        }
        let start = out.len();
        self.escape.write(&text, out);
        if !is_quoted && out[start..].contains(&b' ') {
            // Without quotes a space would end it.
            for byte in &mut out[start..] {
                if *byte == b' ' {
                    *byte = b'+';
                }
            }
        }
    }

    fn render_request(&self, piece: Piece, record: &RequestRecord<'_>, out: &mut Vec<u8>) {
        if record.method.is_empty() {
            let text: &str = if record.path.is_empty() { "-" } else { &record.path };
            return self.escape.write_logged(text, out);
        }
        self.escape.write(&record.method, out);
        out.push(b' ');
        if piece == Piece::RequestUrl
            && let Some(host) = &record.host
        {
            out.extend_from_slice(b"http://");
            self.escape.write(host, out);
        }
        self.escape.write(&record.path, out);
        if let Some(query) = &record.query {
            out.push(b'?');
            self.escape.write(query, out);
        }
        if let Some(protocol) = &record.protocol {
            out.push(b' ');
            self.escape.write(protocol, out);
        }
    }
}

/// The text of a piece; `None` when the request has none.
fn text_of<'a>(piece: Piece, record: &'a RequestRecord<'_>) -> Option<Cow<'a, str>> {
    let owned = |text: Option<String>| text.map(Cow::Owned);
    let borrowed = |text: Option<&'a str>| text.map(Cow::Borrowed);
    match piece {
        Piece::Peer | Piece::Forwarded => owned(record.address.map(|address| address.to_string())),
        Piece::PeerPort => owned(record.address.map(|address| format!("{address}:{RENDERED_PORT}"))),
        Piece::Host => borrowed(record.host.as_deref()),
        Piece::Method => borrowed(
            Some(&record.method)
                .filter(|text| !text.is_empty())
                .map(|text| &**text),
        ),
        Piece::Target => Some(match &record.query {
            Some(query) => Cow::Owned(format!("{}?{query}", record.path)),
            None => Cow::Borrowed(&record.path),
        }),
        Piece::Path => borrowed(Some(&record.path)),
        Piece::Query => borrowed(record.query.as_deref()),
        Piece::Protocol => borrowed(record.protocol.as_deref()),
        Piece::Status => Some(Cow::Owned(format!("{:03}", record.status))),
        Piece::BytesIn => owned(record.bytes_in.map(|bytes| bytes.to_string())),
        Piece::BytesOut => owned(record.bytes_out.map(|bytes| bytes.to_string())),
        Piece::Duration(scale) => owned(record.duration_ms.map(|millis| scaled(millis, scale))),
        Piece::Upstream(scale) => owned(record.upstream_ms.map(|millis| scaled(millis, scale))),
        Piece::UserAgent => borrowed(record.user_agent.as_deref()),
        Piece::Referer => borrowed(record.referer.as_deref()),
        Piece::Tls => borrowed(record.tls.as_deref()),
        Piece::Fingerprint => borrowed(record.fingerprint.as_deref()),
        _ => None,
    }
}

fn scaled(millis: f32, scale: f64) -> String {
    (f64::from(millis) / scale).to_string()
}

impl Escape {
    /// Writes a text so that [`Escape::undo`] gives it back.
    fn write(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Nginx => escape::escape(text, Style::Nginx, out),
            Self::Apache => escape::escape(text, Style::Apache, out),
            Self::Json | Self::Hash => {
                for byte in text.bytes() {
                    match (self, byte) {
                        (Self::Json, b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
                        (Self::Json, 0..0x20 | 0x7f) => write_hex("\\u00", byte, out),
                        (Self::Json, _) => out.push(byte),
                        (_, b' '..=b'~') if !matches!(byte, b'"' | b'#' | b'{' | b'|' | b'}') => {
                            out.push(byte);
                        }
                        _ => write_hex("#", byte, out),
                    }
                }
            }
            // Such a gateway could not have been sent a line break, and a quote it would not survive.
            Self::Nothing => out.extend(text.bytes().map(|byte| match byte {
                b'"' => b'\'',
                0..0x20 | 0x7f => b' ',
                _ => byte,
            })),
        }
    }

    /// Writes a request that was kept as it was logged: its escapes are text already.
    fn write_logged(self, text: &str, out: &mut Vec<u8>) {
        if !self.has_backslash() {
            return self.write(text, out);
        }
        for (index, part) in text.split('\\').enumerate() {
            if index > 0 {
                out.push(b'\\');
            }
            self.write(part, out);
        }
    }
}

fn write_hex(mark: &str, byte: u8, out: &mut Vec<u8>) {
    let written = write!(out, "{mark}{byte:02X}");
    debug_assert!(written.is_ok(), "a vector takes everything");
}
