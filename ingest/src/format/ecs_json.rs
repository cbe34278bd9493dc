//! Events of the Elastic Common Schema (<https://www.elastic.co/docs/reference/ecs/ecs-field-reference>), as Filebeat's
//! modules and Elastic Agent's integrations make them: nested objects, or names joined by dots.

use super::Column::{
    At, BytesIn, BytesOut, Certificate, Duration, Fingerprint, Forwarded, Host, Path, Peer, Protocol, Query,
    Referer, Status, Subject, Tls, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Scaled, Text, Url, Verb};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, http_version, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "ecs_json",
    description: "Elastic Common Schema",
    gateway: Gateway::Any,
    provenance: Provenance::documented("https://www.elastic.co/docs/reference/ecs/ecs-field-reference"),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "@timestamp"),
        Mark::new(super::Column::Method, "http.request.method"),
        Mark::new(Status, "http.response.status_code"),
    ],
    signs: &[
        "\"ecs\"",
        "\"ecs.version\"",
        "\"url.original\"",
        "\"http.response.status_code\"",
    ],
    caution: "",
    render,
};

/// Milliseconds in a nanosecond.
const NANOSECOND: f64 = 1e-6;

const KEYS: Keys = Keys::dotted(&[
    ("@timestamp", Moment(Guessed)),
    ("http", Nested(&HTTP)),
    ("url", Nested(&URL)),
    ("client", Nested(&ENDPOINT)),
    ("source", Nested(&ENDPOINT)),
    ("network", Nested(&NETWORK)),
    ("user_agent", Nested(&USER_AGENT)),
    ("event", Nested(&EVENT)),
    ("tls", Nested(&TLS)),
    ("user", Nested(&USER)),
]);

const HTTP: Keys = Keys::dotted(&[
    ("request", Nested(&REQUEST)),
    ("response", Nested(&RESPONSE)),
    ("version", Text(Protocol)),
]);

const REQUEST: Keys = Keys::dotted(&[
    ("method", Verb),
    ("referrer", Text(Referer)),
    ("bytes", Text(BytesIn)),
    ("body", Nested(&REQUEST_BODY)),
]);

const RESPONSE: Keys = Keys::dotted(&[
    ("status_code", Text(Status)),
    ("bytes", Text(BytesOut)),
    ("body", Nested(&RESPONSE_BODY)),
]);

const REQUEST_BODY: Keys = Keys::exact(&[("bytes", Text(BytesIn))]);

const RESPONSE_BODY: Keys = Keys::exact(&[("bytes", Text(BytesOut))]);

const URL: Keys = Keys::exact(&[
    ("original", Url),
    ("full", Url),
    ("path", Text(Path)),
    ("query", Text(Query)),
    ("domain", Text(Host)),
]);

const ENDPOINT: Keys = Keys::exact(&[("ip", Text(Peer)), ("address", Text(Peer))]);

const NETWORK: Keys = Keys::exact(&[("forwarded_ip", Text(Forwarded))]);

const USER_AGENT: Keys = Keys::exact(&[("original", Text(UserAgent))]);

const EVENT: Keys = Keys::exact(&[
    ("duration", Scaled(Duration, NANOSECOND)),
    ("start", Moment(Guessed)),
]);

const TLS: Keys = Keys::dotted(&[("version", Text(Tls)), ("client", Nested(&TLS_CLIENT))]);

const TLS_CLIENT: Keys = Keys::exact(&[
    ("ja4", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("subject", Text(Certificate)),
]);

const USER: Keys = Keys::exact(&[("id", Text(Subject)), ("name", Text(Subject))]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("@timestamp", &record.at.to_string());
        line.object("ecs", |ecs| ecs.text("version", "8.11.0"));
        line.object("http", |http| {
            http.object("request", |request| {
                request.text("method", &record.method);
                request.optional("referrer", record.referer.as_deref());
                request.number("bytes", record.bytes_in);
            });
            http.object("response", |response| {
                response.number("status_code", Some(record.status));
                response.number("bytes", record.bytes_out);
            });
            http.optional("version", http_version(record.protocol.as_deref()));
        });
        line.object("url", |url| {
            url.text("original", &target(&record.path, record.query.as_deref()));
            url.optional("domain", record.host.as_deref());
        });
        line.object("source", |source| source.text("ip", &address(record.address)));
        line.object("user_agent", |agent| {
            agent.optional("original", record.user_agent.as_deref());
        });
        let nanos = record.duration_ms.map(|millis| f64::from(millis) / NANOSECOND);
        line.object("event", |event| event.number("duration", nanos));
        line.object("tls", |tls| {
            tls.optional("version", record.tls.as_deref());
            tls.object("client", |client| {
                client.optional("ja4", record.fingerprint.as_deref());
            });
        });
    });
}
