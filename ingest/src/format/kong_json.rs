//! The objects of Kong's `file-log`, `http-log`, `tcp-log`, `udp-log` and `kafka-log` plugins.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Consumer, Duration, Forwarded, Host, Method, Peer, Protocol, Referer, Status,
    Target, Tls, Token, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Pairs, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Millis;
use crate::gateway::Gateway;
use domain::{Client, RequestRecord, Scope};

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "kong_json",
    description: "objects of Kong's logging plugins",
    gateway: Gateway::Kong,
    provenance: Provenance::documented("https://developer.konghq.com/plugins/file-log/"),
    keys: &KEYS,
    marks: &[
        Mark::new(super::Column::At, "started_at"),
        Mark::new(Method, "request.method"),
        Mark::new(Status, "response.status"),
    ],
    signs: &["\"started_at\""],
    caution: "",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("started_at", Moment(Millis)),
    ("client_ip", Text(Peer)),
    ("request", Nested(&REQUEST)),
    ("response", Nested(&RESPONSE)),
    ("latencies", Nested(&LATENCIES)),
    ("consumer", Nested(&CONSUMER)),
    ("authenticated_entity", Nested(&ENTITY)),
]);

const RESPONSE: Keys = Keys::exact(&[("status", Text(Status)), ("size", Text(BytesOut))]);

const LATENCIES: Keys = Keys::exact(&[
    ("request", Scaled(Duration, 1.0)),
    ("proxy", Scaled(Upstream, 1.0)),
]);

const CONSUMER: Keys = Keys::exact(&[
    ("username", Text(Consumer)),
    ("custom_id", Text(Consumer)),
    ("id", Text(Consumer)),
]);

const ENTITY: Keys = Keys::exact(&[("consumer_id", Text(Consumer)), ("id", Text(Consumer))]);

const REQUEST: Keys = Keys::exact(&[
    ("method", Text(Method)),
    ("uri", Text(Target)),
    ("size", Text(BytesIn)),
    ("headers", Pairs(&HEADERS)),
    ("tls", Nested(&TLS)),
    // Kong 3.10 and later may log it; older versions do not say.
    ("protocol", Text(Protocol)),
]);

const TLS: Keys = Keys::exact(&[("version", Text(Tls))]);

/// Headers as Kong and APISIX log them, which both stand on NGINX. One that a client sent several times is a list.
pub(super) const HEADERS: Keys = Keys::headers(&[
    ("host", Text(Host)),
    ("user-agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("x-forwarded-for", Text(Forwarded)),
    ("apikey", Text(ApiKey)),
    ("x-api-key", Text(ApiKey)),
    ("authorization", Text(Token)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.object("response", |response| {
            response.number("size", record.bytes_out);
            response.number("status", Some(record.status));
        });
        line.text("client_ip", &address(record.address));
        line.object("request", |request| {
            request.object("headers", |headers| {
                let mut header = |name: &str, value: Option<&str>| {
                    if let Some(value) = value {
                        headers.text(name, value);
                    }
                };
                header("host", record.host.as_deref());
                header("user-agent", record.user_agent.as_deref());
                header("referer", record.referer.as_deref());
            });
            request.text("uri", &target(&record.path, record.query.as_deref()));
            request.number("size", record.bytes_in);
            request.text("method", &record.method);
            if let Some(version) = record.tls.as_deref() {
                request.object("tls", |tls| tls.text("version", version));
            }
        });
        if let Client::Named {
            scope: Scope::Consumer,
            value,
        } = &record.client
        {
            line.object("consumer", |consumer| consumer.text("username", value));
        }
        line.number("started_at", Some(record.at.as_millis()));
        line.object("latencies", |latencies| {
            latencies.number("request", record.duration_ms);
            latencies.number("proxy", record.upstream_ms);
        });
    });
}
