//! HTTP Activity of the Open Cybersecurity Schema Framework, class 4002
//! (<https://schema.ocsf.io/classes/http_activity>). Other classes have no request and are not read.

use super::Column::{
    ApiKey, At, BytesIn, BytesOut, Certificate, Duration, Fingerprint, Forwarded, Host, Path, Peer, Protocol,
    Query, Referer, Session, Status, Subject, Tls, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Pairs, Scaled, Text, Url, Verb};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, http_version, path_and_query};
use crate::clock::EpochUnit::{Guessed, Millis};
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "ocsf_json",
    description: "HTTP Activity of OCSF, class 4002",
    gateway: Gateway::Any,
    provenance: Provenance::documented("https://schema.ocsf.io/classes/http_activity"),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "time"),
        Mark::new(super::Column::Method, "http_request.http_method"),
        Mark::new(Status, "http_response.code"),
    ],
    signs: &["\"class_uid\""],
    caution: "",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("time", Moment(Millis)),
    ("time_dt", Moment(Guessed)),
    ("start_time", Moment(Millis)),
    ("http_request", Nested(&REQUEST)),
    ("http_response", Nested(&RESPONSE)),
    ("http_status", Text(Status)),
    ("src_endpoint", Nested(&ENDPOINT)),
    ("duration", Scaled(Duration, 1.0)),
    ("traffic", Nested(&TRAFFIC)),
    ("tls", Nested(&TLS)),
    ("actor", Nested(&ACTOR)),
]);

const REQUEST: Keys = Keys::exact(&[
    ("http_method", Verb),
    ("url", Nested(&URL)),
    ("version", Text(Protocol)),
    ("http_version", Text(Protocol)),
    ("hostname", Text(Host)),
    ("user_agent", Text(UserAgent)),
    ("referrer", Text(Referer)),
    ("x_forwarded_for", Text(Forwarded)),
    ("length", Text(BytesIn)),
    ("http_headers", Pairs(&HEADERS)),
]);

const RESPONSE: Keys = Keys::exact(&[("code", Text(Status)), ("length", Text(BytesOut))]);

const URL: Keys = Keys::exact(&[
    ("path", Text(Path)),
    ("query_string", Text(Query)),
    ("url_string", Url),
    ("text", Url),
    ("hostname", Text(Host)),
]);

const ENDPOINT: Keys = Keys::exact(&[("ip", Text(Peer))]);

const TRAFFIC: Keys = Keys::exact(&[("bytes_in", Text(BytesIn)), ("bytes_out", Text(BytesOut))]);

const TLS: Keys = Keys::exact(&[
    ("version", Text(Tls)),
    ("ja4_fingerprint", Nested(&FINGERPRINT)),
    ("ja3_hash", Nested(&FINGERPRINT)),
    ("certificate", Nested(&CERTIFICATE)),
]);

const FINGERPRINT: Keys = Keys::exact(&[("value", Text(Fingerprint))]);

const CERTIFICATE: Keys = Keys::exact(&[("subject", Text(Certificate))]);

const ACTOR: Keys = Keys::exact(&[("user", Nested(&USER)), ("session", Nested(&SESSION))]);

const USER: Keys = Keys::exact(&[("uid", Text(Subject)), ("name", Text(Subject))]);

const SESSION: Keys = Keys::exact(&[("uid", Text(Session))]);

const HEADERS: Keys = Keys::headers(&[
    ("host", Text(Host)),
    ("user-agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("x-forwarded-for", Text(Forwarded)),
    ("x-api-key", Text(ApiKey)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.number("class_uid", Some(4002));
        line.number("time", Some(record.at.as_millis()));
        line.object("http_request", |request| {
            request.text("http_method", &record.method);
            request.object("url", |url| {
                let (path, query) = path_and_query(&record.path, record.query.as_deref());
                url.text("path", &path);
                url.optional("query_string", query);
                url.optional("hostname", record.host.as_deref());
            });
            request.optional("version", http_version(record.protocol.as_deref()));
            request.optional("user_agent", record.user_agent.as_deref());
            request.optional("referrer", record.referer.as_deref());
            request.number("length", record.bytes_in);
        });
        line.object("http_response", |response| {
            response.number("code", Some(record.status));
            response.number("length", record.bytes_out);
        });
        line.object("src_endpoint", |endpoint| {
            endpoint.text("ip", &address(record.address));
        });
        line.number("duration", record.duration_ms);
        line.object("tls", |tls| {
            tls.optional("version", record.tls.as_deref());
            tls.object("ja4_fingerprint", |print| {
                print.optional("value", record.fingerprint.as_deref());
            });
        });
    });
}
