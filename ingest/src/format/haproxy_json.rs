//! JSON written by HAProxy's `log-format`: the set that we recommend, and the names of HAProxy's own examples
//! (<https://www.haproxy.com/blog/encoding-haproxy-logs-in-machine-readable-json-or-cbor>, HAProxy 3.0 and later).
//!
//! The recommended set stands in `gateway/haproxy.rs`, for every version from 2.0; a real HAProxy writes it in our tests.
//! `json(utf8s)` escapes what clients send: without it a quote in a user agent would shift the fields behind it.
//!
//! A status of -1 is none: the client left. `request_date` names no zone and is taken for UTC; `accept_date(ms)` needs
//! none.

use super::Column::{
    ApiKey, At, BytesIn, BytesOut, Certificate, Duration, Fingerprint, Forwarded, Host, Method, Path, Peer,
    Protocol, Query, Referer, RequestLine, Status, Target, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::{Guessed, Millis};
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "haproxy_json",
    description: "JSON of HAProxy's log-format",
    gateway: Gateway::HaProxy,
    provenance: Provenance::run("HAProxy, Debian's package"),
    keys: &KEYS,
    marks: &[Mark::new(At, "time_ms"), Mark::new(Status, "status_code")],
    signs: &[
        "\"termination_state\"",
        "\"termination_state_cookie\"",
        "\"time_active\"",
        "\"time_active_ms\"",
        "\"fe_name_transport\"",
    ],
    caution: "",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("time_ms", Moment(Millis)),
    ("client_ip", Text(Peer)),
    ("method", Text(Method)),
    ("uri", Text(Target)),
    ("protocol", Text(Protocol)),
    ("host", Text(Host)),
    ("user_agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("x_forwarded_for", Text(Forwarded)),
    ("status_code", Text(Status)),
    ("bytes_uploaded", Text(BytesIn)),
    ("bytes_read", Text(BytesOut)),
    ("time_active_ms", Scaled(Duration, 1.0)),
    ("time_response_ms", Scaled(Upstream, 1.0)),
    ("ssl_version", Text(Tls)),
    ("ja4", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("ssl_client_subject", Text(Certificate)),
    ("api_key", Text(ApiKey)),
    // HAProxy's examples.
    ("accept_date", Moment(Guessed)),
    ("request_date", Moment(Guessed)),
    ("timestamp", Moment(Guessed)),
    ("time", Moment(Guessed)),
    ("client", Text(Peer)),
    ("src", Text(Peer)),
    ("http_method", Text(Method)),
    ("request_method", Text(Method)),
    ("http_uri", Text(Target)),
    ("request_uri", Text(Target)),
    ("http_path", Text(Path)),
    ("path", Text(Path)),
    ("http_query", Text(Query)),
    ("query", Text(Query)),
    ("http_request", Text(RequestLine)),
    ("request", Text(RequestLine)),
    ("http_version", Text(Protocol)),
    ("http_host", Text(Host)),
    ("http_user_agent", Text(UserAgent)),
    ("http_referer", Text(Referer)),
    ("status", Text(Status)),
    ("http_status", Text(Status)),
    ("bytes_sent", Text(BytesOut)),
    ("bytes_received", Text(BytesIn)),
    ("time_active", Scaled(Duration, 1.0)),
    ("time_response", Scaled(Upstream, 1.0)),
    ("tls_version", Text(Tls)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.number("time_ms", Some(record.at.as_millis()));
        line.text("client_ip", &address(record.address));
        line.text("method", &record.method);
        line.text("uri", &target(&record.path, record.query.as_deref()));
        line.text("protocol", record.protocol.as_deref().unwrap_or(""));
        line.text("host", record.host.as_deref().unwrap_or(""));
        line.text("user_agent", record.user_agent.as_deref().unwrap_or(""));
        line.text("referer", record.referer.as_deref().unwrap_or(""));
        line.number("status_code", Some(record.status));
        line.number("bytes_uploaded", record.bytes_in);
        line.number("bytes_read", record.bytes_out);
        line.number("time_active_ms", record.duration_ms);
        line.number("time_response_ms", record.upstream_ms);
        line.text("ssl_version", record.tls.as_deref().unwrap_or("-"));
        line.optional("ja4", record.fingerprint.as_deref());
        line.text("termination_state", "--");
    });
}
