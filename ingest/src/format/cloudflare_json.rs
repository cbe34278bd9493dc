//! Cloudflare's Logpush, data set `http_requests`
//! (<https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/>), its times in any of RFC 3339,
//! `unix` and `unixnano`.
//!
//! `EdgeTimeToFirstByteMs` is as near as it comes to a duration. The fingerprint of a client's certificate is not read:
//! it stands there whether or not `ClientMTLSAuthStatus` says that the certificate was good.

use super::Column::{
    ApiKey, At, BytesIn, BytesOut, Duration, Fingerprint, Forwarded, Host, Method, Path, Peer, Protocol,
    Referer, Status, Target, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Pairs, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "cloudflare_json",
    description: "Cloudflare's Logpush of HTTP requests",
    gateway: Gateway::Cloudflare,
    provenance: Provenance::documented(
        "https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/",
    ),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "EdgeStartTimestamp"),
        Mark::new(Method, "ClientRequestMethod"),
        Mark::new(Status, "EdgeResponseStatus"),
    ],
    signs: &["\"EdgeResponseStatus\""],
    caution: "",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("EdgeStartTimestamp", Moment(Guessed)),
    ("EdgeEndTimestamp", Moment(Guessed)),
    ("ClientIP", Text(Peer)),
    ("ClientRequestMethod", Text(Method)),
    ("ClientRequestHost", Text(Host)),
    ("ClientRequestURI", Text(Target)),
    ("ClientRequestPath", Text(Path)),
    ("ClientRequestProtocol", Text(Protocol)),
    ("ClientRequestBytes", Text(BytesIn)),
    ("ClientRequestUserAgent", Text(UserAgent)),
    ("ClientRequestReferer", Text(Referer)),
    ("ClientSSLProtocol", Text(Tls)),
    ("EdgeResponseStatus", Text(Status)),
    ("EdgeResponseBytes", Text(BytesOut)),
    ("EdgeTimeToFirstByteMs", Scaled(Duration, 1.0)),
    ("OriginResponseDurationMs", Scaled(Upstream, 1.0)),
    ("JA4", Text(Fingerprint)),
    ("JA3Hash", Text(Fingerprint)),
    ("RequestHeaders", Pairs(&HEADERS)),
]);

/// Headers that a custom field of Logpush adds.
const HEADERS: Keys = Keys::headers(&[
    ("x-api-key", Text(ApiKey)),
    ("apikey", Text(ApiKey)),
    ("x-forwarded-for", Text(Forwarded)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("ClientIP", &address(record.address));
        line.text("ClientRequestHost", record.host.as_deref().unwrap_or(""));
        line.text("ClientRequestMethod", &record.method);
        line.text("ClientRequestURI", &target(&record.path, record.query.as_deref()));
        line.text("ClientRequestProtocol", record.protocol.as_deref().unwrap_or(""));
        line.number("ClientRequestBytes", record.bytes_in);
        line.text(
            "ClientRequestUserAgent",
            record.user_agent.as_deref().unwrap_or(""),
        );
        line.text("ClientRequestReferer", record.referer.as_deref().unwrap_or(""));
        line.text("ClientSSLProtocol", record.tls.as_deref().unwrap_or("none"));
        line.number("EdgeResponseStatus", Some(record.status));
        line.number("EdgeResponseBytes", record.bytes_out);
        line.text("EdgeStartTimestamp", &record.at.to_string());
        line.number("EdgeTimeToFirstByteMs", record.duration_ms);
        line.number("OriginResponseDurationMs", record.upstream_ms);
        line.text("JA4", record.fingerprint.as_deref().unwrap_or(""));
    });
}
