//! Caddy's JSON access log. `client_ip` honours Caddy's trusted proxies and goes before `remote_ip`.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Certificate, Duration, Forwarded, Host, Method, Peer, Protocol, Referer,
    Status, Subject, Target, Tls, Token, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Pairs, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Seconds;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "caddy_json",
    description: "Caddy's JSON access log",
    gateway: Gateway::Caddy,
    provenance: Provenance::run("Caddy, Debian's package"),
    keys: &KEYS,
    marks: &[
        Mark::new(super::Column::At, "ts"),
        Mark::new(Method, "request.method"),
        Mark::new(Status, "status"),
    ],
    signs: &["\"remote_ip\"", "\"remote_addr\""],
    caution: "requests that cannot be read: Caddy answers them with 400 before it logs",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

const KEYS: Keys = Keys::exact(&[
    ("ts", Moment(Seconds)),
    ("request", Nested(&REQUEST)),
    ("bytes_read", Text(BytesIn)),
    ("user_id", Text(Subject)),
    ("duration", Scaled(Duration, SECOND)),
    ("size", Text(BytesOut)),
    ("status", Text(Status)),
]);

const REQUEST: Keys = Keys::exact(&[
    ("client_ip", Text(Peer)),
    ("remote_ip", Text(Peer)),
    // Caddy before 2.5 wrote address and port as one.
    ("remote_addr", Text(Peer)),
    ("proto", Text(Protocol)),
    ("method", Text(Method)),
    ("host", Text(Host)),
    ("uri", Text(Target)),
    ("headers", Pairs(&HEADERS)),
    ("tls", Nested(&TLS)),
]);

const HEADERS: Keys = Keys::headers(&[
    ("user-agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("x-forwarded-for", Text(Forwarded)),
    ("x-api-key", Text(ApiKey)),
    ("authorization", Text(Token)),
]);

/// The client's certificate is named where Caddy was told to ask for one.
const TLS: Keys = Keys::exact(&[("version", Text(Tls)), ("client_common_name", Text(Certificate))]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("level", "info");
        let millis = record.at.as_millis();
        line.number(
            "ts",
            Some(format_args!(
                "{}.{:03}",
                millis.div_euclid(1000),
                millis.rem_euclid(1000)
            )),
        );
        line.text("logger", "http.log.access");
        line.text("msg", "handled request");
        line.object("request", |request| {
            let peer = address(record.address);
            request.text("remote_ip", &peer);
            request.text("client_ip", &peer);
            request.text("proto", record.protocol.as_deref().unwrap_or(""));
            request.text("method", &record.method);
            request.text("host", record.host.as_deref().unwrap_or(""));
            request.text("uri", &target(&record.path, record.query.as_deref()));
            request.object("headers", |headers| {
                if let Some(agent) = record.user_agent.as_deref() {
                    headers.texts("User-Agent", agent);
                }
                if let Some(referer) = record.referer.as_deref() {
                    headers.texts("Referer", referer);
                }
            });
            if let Some(version) = record.tls.as_deref() {
                request.object("tls", |tls| tls.text("version", version));
            }
        });
        line.number("bytes_read", record.bytes_in);
        line.text("user_id", "");
        line.number(
            "duration",
            record.duration_ms.map(|millis| f64::from(millis) / SECOND),
        );
        line.number("size", record.bytes_out);
        line.number("status", Some(record.status));
    });
}
