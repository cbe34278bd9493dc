//! What a format reads from one line, before anybody decides who the client is.

use domain::Timestamp;
use std::borrow::Cow;
use std::net::IpAddr;

/// Longest method that is believed: the longest registered one has 17 letters.
const METHOD_BYTES_MAX: usize = 32;

/// The pieces of one line. Text borrows from the line; absent pieces are `None`, never zero or "-".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawRequest<'a> {
    /// When, by the gateway's clock.
    pub at: Timestamp,
    /// The connection's peer, or the address that the gateway itself resolved.
    pub peer: Option<IpAddr>,
    /// The forwarded chain as the client and the proxies wrote it.
    pub forwarded: Option<Cow<'a, str>>,
    /// The gateway's authenticated consumer.
    pub consumer: Option<Cow<'a, str>>,
    /// The authenticated subject of a token.
    pub subject: Option<Cow<'a, str>>,
    /// The API key as it was sent: a secret, kept only as its keyed hash.
    pub api_key: Option<Cow<'a, str>>,
    /// The session's cookie or token as it was sent: a secret, kept only as its keyed hash.
    pub session: Option<Cow<'a, str>>,
    /// A token, or what it holds, as it was sent: whose it says that it is may be looked at, it is never kept.
    pub token: Option<Cow<'a, str>>,
    /// The subject of the client certificate that the gateway checked.
    pub certificate: Option<Cow<'a, str>>,
    /// Virtual host, without the port.
    pub host: Option<Cow<'a, str>>,
    /// What was asked for.
    pub request: RequestLine<'a>,
    /// Status sent to the client; 0 when there was none.
    pub status: u16,
    /// Bytes received from the client.
    pub bytes_in: Option<u64>,
    /// Bytes sent to the client.
    pub bytes_out: Option<u64>,
    /// Duration in milliseconds.
    pub duration_ms: Option<f32>,
    /// Upstream time in milliseconds.
    pub upstream_ms: Option<f32>,
    /// User agent.
    pub user_agent: Option<Cow<'a, str>>,
    /// Referer.
    pub referer: Option<Cow<'a, str>>,
    /// TLS version, as logged.
    pub tls: Option<Cow<'a, str>>,
    /// Fingerprint of the client's TLS hello, as logged.
    pub fingerprint: Option<Cow<'a, str>>,
    /// Whether the line can be read in more than one way.
    pub is_ambiguous: bool,
}

impl RawRequest<'_> {
    /// Copies whatever it borrows, so that it outlives its line.
    #[must_use]
    pub fn into_owned(self) -> RawRequest<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        RawRequest {
            at: self.at,
            peer: self.peer,
            forwarded: own(self.forwarded),
            consumer: own(self.consumer),
            subject: own(self.subject),
            api_key: own(self.api_key),
            session: own(self.session),
            token: own(self.token),
            certificate: own(self.certificate),
            host: own(self.host),
            request: self.request.into_owned(),
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            duration_ms: self.duration_ms,
            upstream_ms: self.upstream_ms,
            user_agent: own(self.user_agent),
            referer: own(self.referer),
            tls: own(self.tls),
            fingerprint: own(self.fingerprint),
            is_ambiguous: self.is_ambiguous,
        }
    }
}

/// Method, target and protocol of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// Empty when the gateway could not read the request.
    pub method: Cow<'a, str>,
    /// Without the query; the raw request text when there is no method.
    pub path: Cow<'a, str>,
    /// Without the question mark.
    pub query: Option<Cow<'a, str>>,
    /// As logged.
    pub protocol: Option<Cow<'a, str>>,
    /// Whether a piece is missing or cannot be what it should be.
    pub is_malformed: bool,
}

impl<'a> RequestLine<'a> {
    /// Takes `GET /path?query HTTP/1.1` apart; what is not that becomes a malformed request.
    ///
    /// A request without a protocol (HTTP/0.9, or a hand-typed probe) is malformed but keeps its method and
    /// path. A target with spaces in it keeps them: the method ends at the first space, the protocol begins
    /// after the last.
    #[must_use]
    pub fn split(text: &'a str) -> Self {
        let Some((method, rest)) = split_method(text) else {
            return Self::unreadable(text);
        };
        let (target, protocol) = split_protocol(rest);
        if target.is_empty() || is_protocol(target) {
            return Self::unreadable(text);
        }
        let (path, query) = match memchr::memchr(b'?', target.as_bytes()) {
            Some(at) => (&target[..at], Some(Cow::Borrowed(&target[at + 1..]))),
            None => (target, None),
        };
        Self {
            method: Cow::Borrowed(method),
            path: Cow::Borrowed(path),
            query,
            protocol: protocol.map(Cow::Borrowed),
            is_malformed: protocol.is_none() || !is_target(path),
        }
    }

    /// Puts a request together from a method, a target with its query, and a protocol.
    #[must_use]
    pub fn from_parts(method: Cow<'a, str>, target: Cow<'a, str>, protocol: Option<Cow<'a, str>>) -> Self {
        let (path, query) = split_target(target);
        Self::from_path(method, path, query, protocol)
    }

    /// Puts a request together from pieces that the log keeps apart.
    #[must_use]
    pub fn from_path(
        method: Cow<'a, str>,
        path: Cow<'a, str>,
        query: Option<Cow<'a, str>>,
        protocol: Option<Cow<'a, str>>,
    ) -> Self {
        let is_malformed = !is_method(&method) || !is_target(&path);
        Self {
            method,
            path,
            query,
            protocol,
            is_malformed,
        }
    }

    /// Copies whatever it borrows.
    #[must_use]
    pub fn into_owned(self) -> RequestLine<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        RequestLine {
            method: own(self.method),
            path: own(self.path),
            query: self.query.map(own),
            protocol: self.protocol.map(own),
            is_malformed: self.is_malformed,
        }
    }

    /// A request that the gateway could not read; "-" means that there was no text at all.
    #[must_use]
    pub fn unreadable(text: &'a str) -> Self {
        let path = if text == "-" { "" } else { text };
        Self {
            path: Cow::Borrowed(path),
            is_malformed: true,
            ..Self::default()
        }
    }
}

/// The method and what follows it, when it begins with what could be one: found and checked in one short walk.
fn split_method(text: &str) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .take(METHOD_BYTES_MAX + 1)
        .position(|byte| byte == b' ')?;
    let (method, rest) = (&text[..end], &text[end + 1..]);
    is_method(method).then_some((method, rest))
}

/// Bytes of ` HTTP/1.1`.
const PROTOCOL_BYTES: usize = 9;

/// The target and the protocol behind its last space. The usual protocol is looked for where it would stand.
fn split_protocol(rest: &str) -> (&str, Option<&str>) {
    let usual = rest.len().checked_sub(PROTOCOL_BYTES);
    let is_usual = |at: &usize| {
        let tail = &rest.as_bytes()[*at..];
        tail.starts_with(b" HTTP/") && !tail[1..].contains(&b' ')
    };
    let last = usual.filter(is_usual);
    match last.or_else(|| memchr::memrchr(b' ', rest.as_bytes())) {
        Some(last) if is_protocol(&rest[last + 1..]) => (&rest[..last], Some(&rest[last + 1..])),
        _ => (rest, None),
    }
}

/// Splits a target at its first question mark.
fn split_target(target: Cow<'_, str>) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
    let Some(at) = memchr::memchr(b'?', target.as_bytes()) else {
        return (target, None);
    };
    match target {
        Cow::Borrowed(text) => (Cow::Borrowed(&text[..at]), Some(Cow::Borrowed(&text[at + 1..]))),
        Cow::Owned(mut text) => {
            let query = text.split_off(at + 1);
            text.truncate(at);
            (Cow::Owned(text), Some(Cow::Owned(query)))
        }
    }
}

/// Whether it could be a method: a few capital letters, perhaps with `-` or `_`.
fn is_method(text: &str) -> bool {
    let is_method_byte = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
    !text.is_empty()
        && text.len() <= METHOD_BYTES_MAX
        && text.as_bytes()[0].is_ascii_uppercase()
        && text.bytes().all(is_method_byte)
}

fn is_protocol(text: &str) -> bool {
    text.starts_with("HTTP/")
}

/// Whether it could be a target: a path, an absolute URL, `*`, or the `host:port` of a CONNECT.
fn is_target(path: &str) -> bool {
    let first = path.as_bytes().first().copied();
    first == Some(b'/')
        || path == "*"
        || path.contains("://")
        || path
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A virtual host without its port; `None` for "" and "-".
#[must_use]
pub fn host_without_port(host: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let end = match host.rsplit_once(':') {
        // The colons of a bare IPv6 address are no port's.
        Some((name, port)) if is_port(port) && (!name.contains(':') || name.ends_with(']')) => name.len(),
        _ => host.len(),
    };
    let host = match host {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    };
    present(host)
}

/// The text, unless it says that there is none.
#[must_use]
pub fn present(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.is_empty() && text != "-").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        text: &str,
        method: &str,
        path: &str,
        query: Option<&str>,
        protocol: Option<&str>,
        is_malformed: bool,
    ) {
        let line = RequestLine::split(text);
        let read = (
            &*line.method,
            &*line.path,
            line.query.as_deref(),
            line.protocol.as_deref(),
            line.is_malformed,
        );
        assert_eq!(read, (method, path, query, protocol, is_malformed), "{text}");
    }

    #[test]
    fn a_request_line_is_taken_apart() {
        let http = Some("HTTP/1.1");
        check("GET / HTTP/1.1", "GET", "/", None, http, false);
        check("GET /a?b=c?d HTTP/1.1", "GET", "/a", Some("b=c?d"), http, false);
        check("GET /a b c HTTP/1.1", "GET", "/a b c", None, http, false);
        check("OPTIONS * HTTP/1.1", "OPTIONS", "*", None, http, false);
        check(
            "CONNECT a.example:443 HTTP/1.1",
            "CONNECT",
            "a.example:443",
            None,
            http,
            false,
        );
        check(
            "GET http://a.example/x HTTP/1.1",
            "GET",
            "http://a.example/x",
            None,
            http,
            false,
        );
        check(
            "VERSION-CONTROL /x HTTP/1.1",
            "VERSION-CONTROL",
            "/x",
            None,
            http,
            false,
        );
        check("GET /? HTTP/2.0", "GET", "/", Some(""), Some("HTTP/2.0"), false);
    }

    #[test]
    fn what_is_no_request_is_kept_as_it_was_logged() {
        check("-", "", "", None, None, true);
        check("", "", "", None, None, true);
        check("\\x16\\x03\\x01", "", "\\x16\\x03\\x01", None, None, true);
        check("\\x16 \\x03", "", "\\x16 \\x03", None, None, true);
        check("GET HTTP/1.1", "", "GET HTTP/1.1", None, None, true);
        check("get / HTTP/1.1", "", "get / HTTP/1.1", None, None, true);
        check("GET /", "GET", "/", None, None, true);
        check("GET foo HTTP/1.1", "GET", "foo", None, Some("HTTP/1.1"), true);
    }

    #[test]
    fn a_host_loses_its_port_and_nothing_else() {
        let host = |text: &'static str| host_without_port(Cow::Borrowed(text)).map(Cow::into_owned);
        assert_eq!(host("a.example:8443").as_deref(), Some("a.example"));
        assert_eq!(host("[2001:db8::1]:443").as_deref(), Some("[2001:db8::1]"));
        assert_eq!(host("2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(host("a.example").as_deref(), Some("a.example"));
        assert_eq!(host("-"), None);
    }
}
