//! Where the texts of a line's fields become a request.

use super::super::escape::{hex, unescape};
use super::field::{Escape, Piece};
use super::time::{Civil, Moment};
use crate::address::{parse_ip, parse_socket};
use crate::format::Memory;
use crate::raw::{RawRequest, RequestLine, host_without_port, present};
use crate::reject::Reason;
use domain::Timestamp;
use memchr::memchr;
use std::borrow::Cow;

/// The pieces of a request that were read so far.
#[derive(Debug)]
pub(in crate::format) struct Sink<'a> {
    raw: RawRequest<'a>,
    pub(in crate::format) at: Option<Timestamp>,
    pub(in crate::format) civil: Civil,
    has_request: bool,
    method: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    query: Option<Cow<'a, str>>,
    protocol: Option<Cow<'a, str>>,
    has_status: bool,
    escape: Escape,
    pub(in crate::format) is_ambiguous: bool,
}

impl<'a> Sink<'a> {
    /// For a line whose gateway escapes that way.
    pub(in crate::format) fn new(escape: Escape) -> Self {
        Self {
            raw: RawRequest::default(),
            at: None,
            civil: Civil::default(),
            has_request: false,
            method: None,
            target: None,
            path: None,
            query: None,
            protocol: None,
            has_status: false,
            escape,
            is_ambiguous: false,
        }
    }

    /// Takes the text of a field as it stands in the line.
    ///
    /// # Errors
    /// When the text cannot be what the field should hold.
    #[inline]
    pub(in crate::format) fn put(&mut self, piece: Piece, text: &'a str) -> Result<(), Reason> {
        match piece {
            Piece::Ignored | Piece::At => {}
            Piece::Peer => self.raw.peer = address(text)?,
            Piece::PeerPort => {
                let bare = text.rsplit_once(':').map_or(text, |(address, _port)| address);
                self.raw.peer = address(bare)?;
            }
            Piece::Status => self.raw.status = self.status(text)?,
            Piece::BytesIn => self.raw.bytes_in = size(text),
            Piece::BytesOut => self.raw.bytes_out = size(text),
            // Apache's `%q` begins with the question mark.
            Piece::Query if self.escape == Escape::Apache => {
                self.put_text(piece, self.escape.undo(text.strip_prefix('?').unwrap_or(text)));
            }
            Piece::Duration(scale) => self.raw.duration_ms = millis(text, scale),
            Piece::Upstream(scale) => self.raw.upstream_ms = sum(text, scale),
            Piece::RequestLine => self.put_request(self.escape.request(text)),
            Piece::RequestUrl => self.put_url(text),
            _ => self.put_text(piece, self.escape.undo(text)),
        }
        Ok(())
    }

    /// Reads a moment at the beginning of a text; how long it is.
    #[inline]
    pub(in crate::format) fn put_moment(
        &mut self,
        piece: Piece,
        moment: &Moment,
        text: &[u8],
        memory: &mut Memory,
    ) -> Option<usize> {
        if piece != Piece::At {
            let (_, len) = moment.read(text, &mut Civil::default(), &mut memory.days)?;
            return Some(len);
        }
        let (at, len) = moment.read(text, &mut self.civil, &mut memory.days)?;
        self.at = at.or(self.at);
        Some(len)
    }

    /// Takes a text whose escapes were undone.
    pub(in crate::format) fn put_text(&mut self, piece: Piece, text: Cow<'a, str>) {
        let slot = match piece {
            Piece::Forwarded => &mut self.raw.forwarded,
            Piece::Subject => &mut self.raw.subject,
            Piece::ApiKey => &mut self.raw.api_key,
            Piece::Session => &mut self.raw.session,
            Piece::Token => &mut self.raw.token,
            Piece::Certificate => &mut self.raw.certificate,
            Piece::UserAgent => &mut self.raw.user_agent,
            Piece::Referer => &mut self.raw.referer,
            Piece::Tls => &mut self.raw.tls,
            Piece::Fingerprint => &mut self.raw.fingerprint,
            Piece::Host => {
                self.raw.host = host_without_port(text);
                return;
            }
            Piece::Method => &mut self.method,
            Piece::Target => &mut self.target,
            Piece::Path => &mut self.path,
            Piece::Query => &mut self.query,
            Piece::Protocol => &mut self.protocol,
            _ => return,
        };
        *slot = present(text);
    }

    /// Takes a request that was cut already.
    pub(in crate::format) fn put_request(&mut self, request: RequestLine<'a>) {
        self.raw.request = request;
        self.has_request = true;
    }

    /// Takes a text that is there by itself, its escapes undone: a JSON value.
    ///
    /// # Errors
    /// When the text cannot be what the field should hold.
    pub(in crate::format) fn put_plain(&mut self, piece: Piece, text: Cow<'a, str>) -> Result<(), Reason> {
        match (piece, text) {
            (Piece::RequestLine | Piece::RequestUrl, text) => {
                self.put_request(match text {
                    Cow::Borrowed(text) => RequestLine::split(text),
                    Cow::Owned(text) => RequestLine::split(&text).into_owned(),
                });
                Ok(())
            }
            (_, Cow::Borrowed(text)) => {
                let escape = std::mem::replace(&mut self.escape, Escape::Nothing);
                let result = self.put(piece, text);
                self.escape = escape;
                result
            }
            (Piece::Peer | Piece::PeerPort, text) => {
                self.raw.peer = address(&text)?;
                Ok(())
            }
            (piece, text) => {
                self.put_text(piece, text);
                Ok(())
            }
        }
    }

    fn status(&mut self, text: &str) -> Result<u16, Reason> {
        self.has_status = true;
        match text {
            // There was none: the client left, or the proxy gave up.
            "" | "-" | "-1" => Ok(0),
            _ => text
                .parse()
                .ok()
                .filter(|status| *status < 1000)
                .ok_or(Reason::Invalid("status")),
        }
    }

    /// An absolute URL's host is taken out of it: such gateways write every request so.
    fn put_url(&mut self, text: &'a str) {
        let mut request = self.escape.request(text);
        if let Cow::Borrowed(url) = request.path {
            if let Some((host, path)) = split_url(url) {
                self.raw.host = host_without_port(Cow::Borrowed(host));
                request.path = Cow::Borrowed(if path.is_empty() { "/" } else { path });
            }
        } else if let Some((host, path)) = split_url(&request.path) {
            self.raw.host = host_without_port(Cow::Owned(host.to_owned()));
            request.path = Cow::Owned(if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            });
        }
        self.put_request(request);
    }

    /// The request.
    ///
    /// # Errors
    /// What it lacks.
    pub(in crate::format) fn into_raw(mut self) -> Result<RawRequest<'a>, Reason> {
        self.raw.at = self.moment().ok_or(Reason::Invalid("time"))?;
        if !self.has_status {
            return Err(Reason::Missing("status"));
        }
        if !self.has_request {
            self.raw.request = self.pieces();
        }
        self.raw.is_ambiguous = self.is_ambiguous;
        Ok(self.raw)
    }

    fn moment(&self) -> Option<Timestamp> {
        match self.at {
            // A fraction that stands in a field of its own.
            Some(at) => Some(at.plus_millis(self.civil.millis_alone())),
            None => self.civil.moment(),
        }
    }

    /// The request, where its pieces are fields of their own.
    fn pieces(&mut self) -> RequestLine<'a> {
        let Some(method) = self.method.take() else {
            return RequestLine::unreadable("");
        };
        let protocol = self.protocol.take().map(with_http);
        let query = self.query.take();
        match (self.target.take(), self.path.take()) {
            (Some(target), _) => {
                let mut request = RequestLine::from_parts(method, target, protocol);
                request.query = request.query.or(query);
                request
            }
            (None, path) => RequestLine::from_path(method, path.unwrap_or_default(), query, protocol),
        }
    }
}

/// IIS and others write `HTTP/1.1` too, some only `1.1`.
fn with_http(protocol: Cow<'_, str>) -> Cow<'_, str> {
    match protocol.as_bytes() {
        [b'1'..=b'3', b'.', b'0'..=b'9'] | [b'2' | b'3'] => Cow::Owned(format!("HTTP/{protocol}")),
        _ => protocol,
    }
}

impl Escape {
    /// Undoes the escapes of a text.
    #[inline]
    pub(in crate::format) fn undo(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Nginx | Self::Apache => unescape(text),
            Self::Nothing => Cow::Borrowed(text),
            Self::Hash => undo_hash(text),
            Self::Json => undo_json(text),
        }
    }

    /// Takes a request line apart and undoes its escapes; an unreadable one stays as it was logged.
    #[inline]
    fn request(self, text: &str) -> RequestLine<'_> {
        // What gateways write for a request that they could not read.
        if text == "<BADREQ>" || text.starts_with("- ") {
            return RequestLine::unreadable("-");
        }
        let mut request = RequestLine::split(text);
        let mark = match self {
            Self::Nothing => return request,
            Self::Hash => b'#',
            _ => b'\\',
        };
        if memchr(mark, text.as_bytes()).is_some() && !request.method.is_empty() {
            let plain = |text: Cow<'_, str>| self.undo(&text).into_owned();
            request.path = Cow::Owned(plain(request.path));
            request.query = request.query.map(|query| Cow::Owned(plain(query)));
        }
        request
    }
}

/// HAProxy's `#HH`.
fn undo_hash(text: &str) -> Cow<'_, str> {
    if memchr(b'#', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'#', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    })
}

/// The escapes of a JSON string; a text that is none stays as it is.
fn undo_json(text: &str) -> Cow<'_, str> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let quoted = format!("\"{text}\"");
    sonic_rs::from_str::<String>(&quoted).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// An address; `None` where the gateway says that there is none, or that it is a socket of this machine.
#[inline]
fn address(text: &str) -> Result<Option<std::net::IpAddr>, Reason> {
    match parse_ip(text).or_else(|| parse_socket(text)) {
        Some(address) => Ok(Some(address)),
        None if matches!(text, "-" | "" | "unix" | "unix:") => Ok(None),
        None => Err(Reason::Invalid("client address")),
    }
}

/// A size; HAProxy writes a plus before one that is not the last word.
#[inline]
fn size(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// A duration; below zero means that it did not come to that.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a duration needs no more digits")]
fn millis(text: &str, scale: f64) -> Option<f32> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some((number * scale) as f32)
}

/// The sum of the times of all upstreams that were tried: `0.010, 0.020 : 0.005`; `-` counts nothing.
fn sum(text: &str, scale: f64) -> Option<f32> {
    if let Some(one) = millis(text, scale) {
        return Some(one);
    }
    let times = text
        .split([',', ':'])
        .filter_map(|part| millis(part.trim(), scale));
    times.reduce(|sum, time| sum + time)
}

/// Host and path of an absolute URL.
fn split_url(url: &str) -> Option<(&str, &str)> {
    let rest = url.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?.1;
    let end = memchr(b'/', rest.as_bytes()).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}
