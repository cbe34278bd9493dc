//! Log records of OpenTelemetry in OTLP's JSON
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/examples/logs.json>), with the semantic conventions
//! for HTTP of today and of before 1.23
//! (<https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/>), and Envoy's keys, which Envoy Gateway sends
//! as attributes.
//!
//! A line is a record, or a whole request with one record in it. Messages with many are cut apart before
//! ([`crate::source::kafka`]), those in protobuf written as JSON first. `client.address` is what proxies forwarded, and
//! so only claimed; `network.peer.address` is the connection's peer. A record whose body is an access log's line is a
//! wrapper around that ([`crate::envelope`]).

use super::Column::{
    ApiKey, At, BytesIn, BytesOut, Certificate, Duration, Fingerprint, Forwarded, Host, Path, Peer, Protocol,
    Query, Referer, Session, Status, Subject, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::envoy_json;
use super::fields::Node::{Moment, Object as Nested, Only, Pairs, Scaled, Text, Url, Verb};
use super::fields::{JsonFormat, Keys, Mark, Node};
use super::json_write::{List, Object, address, http_version, path_and_query, seconds};
use crate::clock::EpochUnit::Nanos;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "otlp_json",
    description: "OpenTelemetry log records with HTTP attributes",
    gateway: Gateway::Any,
    provenance: Provenance::documented(
        "https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/",
    ),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "timeUnixNano"),
        Mark::new(super::Column::Method, "http.request.method"),
        Mark::new(Status, "http.response.status_code"),
    ],
    signs: &["\"timeUnixNano\"", "\"observedTimeUnixNano\""],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

const KEYS: Keys = Keys::exact(&[
    ("timeUnixNano", Moment(Nanos)),
    ("observedTimeUnixNano", Moment(Nanos)),
    ("attributes", Pairs(&ATTRIBUTES)),
    ("body", Nested(&BODY)),
    ("resourceLogs", Only(&RESOURCE)),
]);

const RESOURCE: Keys = Keys::exact(&[("scopeLogs", Only(&SCOPE))]);

const SCOPE: Keys = Keys::exact(&[("logRecords", Only(&RECORD))]);

const RECORD: Keys = Keys::exact(&[
    ("timeUnixNano", Moment(Nanos)),
    ("observedTimeUnixNano", Moment(Nanos)),
    ("attributes", Pairs(&ATTRIBUTES)),
    ("body", Nested(&BODY)),
]);

/// A body may hold the same names as the attributes.
const BODY: Keys = Keys::exact(&[("kvlistValue", Nested(&BODY_VALUES))]);

const BODY_VALUES: Keys = Keys::exact(&[("values", Pairs(&ATTRIBUTES))]);

const ATTRIBUTES: Keys = Keys::exact(&WITH_ENVOY);

const SEMANTIC: [(&str, Node); 48] = [
    ("http.request.method", Verb),
    ("http.method", Verb),
    ("url.path", Text(Path)),
    ("url.query", Text(Query)),
    ("url.full", Url),
    ("url.original", Url),
    ("http.target", Url),
    ("http.url", Url),
    ("http.response.status_code", Text(Status)),
    ("http.status_code", Text(Status)),
    ("network.peer.address", Text(Peer)),
    ("net.sock.peer.addr", Text(Peer)),
    ("net.peer.ip", Text(Peer)),
    ("source.address", Text(Peer)),
    ("client.address", Text(Forwarded)),
    ("http.client_ip", Text(Forwarded)),
    ("http.request.header.x-forwarded-for", Text(Forwarded)),
    ("http.request.header.x_forwarded_for", Text(Forwarded)),
    ("user_agent.original", Text(UserAgent)),
    ("http.user_agent", Text(UserAgent)),
    ("http.request.header.user-agent", Text(UserAgent)),
    ("server.address", Text(Host)),
    ("http.host", Text(Host)),
    ("http.server_name", Text(Host)),
    ("net.host.name", Text(Host)),
    ("http.request.header.host", Text(Host)),
    ("http.request.header.referer", Text(Referer)),
    ("http.request.body.size", Text(BytesIn)),
    ("http.request.size", Text(BytesIn)),
    ("http.request_content_length", Text(BytesIn)),
    ("http.response.body.size", Text(BytesOut)),
    ("http.response.size", Text(BytesOut)),
    ("http.response_content_length", Text(BytesOut)),
    ("network.protocol.version", Text(Protocol)),
    ("http.flavor", Text(Protocol)),
    ("http.server.request.duration", Scaled(Duration, SECOND)),
    ("http.server.duration", Scaled(Duration, 1.0)),
    ("http.client.request.duration", Scaled(Upstream, SECOND)),
    ("tls.protocol.version", Text(Tls)),
    ("tls.client.ja4", Text(Fingerprint)),
    ("tls.client.ja3", Text(Fingerprint)),
    ("tls.client.subject", Text(Certificate)),
    ("http.request.header.x-api-key", Text(ApiKey)),
    ("http.request.header.apikey", Text(ApiKey)),
    ("enduser.id", Text(Subject)),
    ("user.id", Text(Subject)),
    ("session.id", Text(Session)),
    ("duration_ms", Scaled(Duration, 1.0)),
];

/// The semantic conventions, then Envoy's keys.
const WITH_ENVOY: [(&str, Node); SEMANTIC.len() + envoy_json::ENTRIES.len()] = {
    let mut all = [("", Verb); SEMANTIC.len() + envoy_json::ENTRIES.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < SEMANTIC.len() {
            SEMANTIC[at]
        } else {
            envoy_json::ENTRIES[at - SEMANTIC.len()]
        };
        at += 1;
    }
    all
};

/// Writes an attribute that is a text.
fn attribute(list: &mut List<'_>, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        list.object(|pair| {
            pair.text("key", key);
            pair.object("value", |value| value.text("stringValue", text));
        });
    }
}

/// Writes an attribute that is a number; whole ones are texts in OTLP's JSON.
fn number(list: &mut List<'_>, key: &str, kind: &str, number: Option<String>) {
    if let Some(number) = number {
        list.object(|pair| {
            pair.text("key", key);
            pair.object("value", |value| match kind {
                "intValue" => value.text(kind, &number),
                kind => value.number(kind, Some(&number)),
            });
        });
    }
}

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("timeUnixNano", &format!("{}000000", record.at.as_millis()));
        line.list("attributes", |list| {
            attribute(list, "http.request.method", Some(&record.method));
            let (path, query) = path_and_query(&record.path, record.query.as_deref());
            attribute(list, "url.path", Some(&path));
            attribute(list, "url.query", query);
            let status = Some(record.status.to_string());
            number(list, "http.response.status_code", "intValue", status);
            attribute(list, "network.peer.address", Some(&address(record.address)));
            attribute(list, "user_agent.original", record.user_agent.as_deref());
            attribute(list, "server.address", record.host.as_deref());
            let version = http_version(record.protocol.as_deref());
            attribute(list, "network.protocol.version", version);
            attribute(list, "http.request.header.referer", record.referer.as_deref());
            attribute(list, "tls.protocol.version", record.tls.as_deref());
            attribute(list, "tls.client.ja4", record.fingerprint.as_deref());
            let size = |bytes: Option<u64>| bytes.map(|bytes| bytes.to_string());
            number(list, "http.request.body.size", "intValue", size(record.bytes_in));
            number(
                list,
                "http.response.body.size",
                "intValue",
                size(record.bytes_out),
            );
            let time = |millis| seconds(millis).map(|seconds| seconds.to_string());
            let duration = time(record.duration_ms);
            number(list, "http.server.request.duration", "doubleValue", duration);
            let upstream = time(record.upstream_ms);
            number(list, "http.client.request.duration", "doubleValue", upstream);
        });
    });
}
