//! The defences of a browser's session: host names, origins, and the headers that every page carries.
//!
//! A page of an attacker can make a browser send requests here with the session's cookie (cross-site request
//! forgery), or reach a port of the machine itself under its own name (DNS rebinding). The cookie is same-site; the
//! origin of every changing request must be ours; and only known host names are answered at all.

use crate::peer::Peer;
use crate::problem::Problem;
use crate::surface::Entrance;
use axum::extract::{Extension, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// What a browser may load: our own files, nothing inline, nothing from elsewhere, no frame around it.
const CONTENT_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
                              frame-ancestors 'none'; object-src 'none'";

/// Host names that always mean this machine.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Answers only requests for host names that are ours.
pub(crate) async fn require_known_host(
    Extension(entrance): Extension<Arc<Entrance>>,
    request: Request,
    next: Next,
) -> Response {
    match host_of(request.uri(), request.headers()) {
        Some(host) if is_known_host(host, &entrance.hosts) => next.run(request).await,
        _ => Problem::misdirected().into_response(),
    }
}

/// Refuses changing requests that another site made a browser send.
pub(crate) async fn require_own_origin(
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let host = host_of(request.uri(), request.headers()).unwrap_or_default();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || is_own_origin(request.headers(), host, peer.is_tls) {
        next.run(request).await
    } else {
        Problem::forbidden("the request comes from another origin").into_response()
    }
}

/// Adds the headers that every answer of the dashboard and its API carries.
pub(crate) async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What an API answers is about now and about people: no cache keeps it. Files say otherwise themselves.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The host that a request names: of the URI with HTTP/2, of the header before.
fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Whether a host, with or without a port, is loopback or configured.
fn is_known_host(host: &str, configured: &[String]) -> bool {
    let name = without_port(host);
    LOOPBACK_NAMES
        .into_iter()
        .chain(configured.iter().map(String::as_str))
        .any(|known| known.eq_ignore_ascii_case(name))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a changing request comes from our own page, or from a program that is no browser. A browser names the
/// origin with every changing request; where it does not, it says what kind of site asked.
fn is_own_origin(headers: &HeaderMap, host: &str, is_tls: bool) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(origin) = text(header::ORIGIN) {
        let rest = match is_tls {
            true => origin.strip_prefix("https://"),
            // A proxy in front may have ended the encryption.
            false => origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://")),
        };
        return rest.is_some_and(|origin| !host.is_empty() && origin.eq_ignore_ascii_case(host));
    }
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        // No browser: it would have sent one of both. A session's cookie is not enough then, see `caller`.
        None => !headers.contains_key(header::COOKIE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_hosts_are_answered() {
        let check = |host: &str, expected: bool| {
            let configured = ["gate.example.org".to_owned()];
            assert_eq!(is_known_host(host, &configured), expected, "{host}");
        };
        check("127.0.0.1:8600", true);
        check("LOCALHOST", true);
        check("[::1]:8600", true);
        check("gate.example.org:443", true);
        check("attacker.example", false);
        check("127.0.0.1.attacker.example:8600", false);
        check("localhost.attacker.example", false);
        check("", false);
    }

    #[test]
    fn a_changing_request_must_come_from_our_own_page() {
        let check = |headers: &[(&'static str, &'static str)], is_tls: bool, expected: bool| {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(is_own_origin(&map, "gate:8600", is_tls), expected, "{headers:?}");
        };
        check(&[("origin", "http://gate:8600")], false, true);
        check(&[("origin", "https://gate:8600")], true, true);
        check(&[("origin", "http://gate:8600")], true, false);
        check(&[("origin", "http://gate")], false, false);
        check(&[("origin", "null")], false, false);
        check(&[("origin", "http://attacker.example")], false, false);
        check(&[("sec-fetch-site", "cross-site")], false, false);
        check(&[("sec-fetch-site", "same-site")], false, false);
        check(&[("sec-fetch-site", "same-origin")], false, true);
        check(&[("cookie", "portcullis_session=x")], false, false);
        check(&[], false, true);
    }
}
