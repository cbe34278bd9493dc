//! The objects of Apache APISIX's logger plugins (`kafka-logger`, `http-logger`, `file-logger` and their kin) in their
//! default shape (<https://apisix.apache.org/docs/apisix/plugins/kafka-logger/>), and flat ones of a `log_format`.
//!
//! A `log_format` that lacks nothing:
//!
//! ```text
//! {"@timestamp":"$time_iso8601","client_ip":"$remote_addr","x_forwarded_for":"$http_x_forwarded_for",
//!  "method":"$request_method","host":"$host","uri":"$request_uri","protocol":"$server_protocol",
//!  "status":"$status","bytes_sent":"$bytes_sent","request_length":"$request_length",
//!  "request_time":"$request_time","upstream_response_time":"$upstream_response_time",
//!  "referer":"$http_referer","user_agent":"$http_user_agent","consumer":"$consumer_name"}
//! ```
//!
//! APISIX adds `route_id` to both. `meta_format: origin` is the request's text without an answer: no access log.

use super::Column::{
    At, BytesIn, BytesOut, Consumer, Duration, Forwarded, Host, Method, Peer, Protocol, Referer, Status,
    Target, Upstream, UserAgent,
};
use super::fields::Node::{Moment, Object as Nested, Or, Pairs, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use super::{Provenance, kong_json};
use crate::clock::EpochUnit::{Guessed, Millis};
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "apisix_json",
    description: "objects of APISIX's logger plugins",
    gateway: Gateway::Apisix,
    provenance: Provenance::documented("https://apisix.apache.org/docs/apisix/plugins/kafka-logger/"),
    keys: &KEYS,
    marks: &[Mark::new(At, "start_time"), Mark::new(Status, "response.status")],
    signs: &["\"apisix_latency\"", "\"route_id\""],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

const KEYS: Keys = Keys::exact(&[
    ("start_time", Moment(Millis)),
    ("client_ip", Text(Peer)),
    ("request", Nested(&REQUEST)),
    ("response", Nested(&RESPONSE)),
    ("latency", Scaled(Duration, 1.0)),
    ("upstream_latency", Scaled(Upstream, 1.0)),
    ("consumer", Or(&Text(Consumer), &CONSUMER)),
    // A `log_format` has these.
    ("@timestamp", Moment(Guessed)),
    ("remote_addr", Text(Peer)),
    ("x_forwarded_for", Text(Forwarded)),
    ("method", Text(Method)),
    ("host", Text(Host)),
    ("uri", Text(Target)),
    ("protocol", Text(Protocol)),
    ("status", Text(Status)),
    ("bytes_sent", Text(BytesOut)),
    ("body_bytes_sent", Text(BytesOut)),
    ("request_length", Text(BytesIn)),
    ("request_time", Scaled(Duration, SECOND)),
    ("upstream_response_time", Scaled(Upstream, SECOND)),
    ("referer", Text(Referer)),
    ("user_agent", Text(UserAgent)),
    ("http_user_agent", Text(UserAgent)),
    ("consumer_name", Text(Consumer)),
]);

const REQUEST: Keys = Keys::exact(&[
    ("method", Text(Method)),
    ("uri", Text(Target)),
    ("size", Text(BytesIn)),
    ("headers", Pairs(&kong_json::HEADERS)),
]);

const RESPONSE: Keys = Keys::exact(&[("status", Text(Status)), ("size", Text(BytesOut))]);

const CONSUMER: Keys = Keys::exact(&[("username", Text(Consumer))]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("client_ip", &address(record.address));
        line.number("start_time", Some(record.at.as_millis()));
        line.number("latency", record.duration_ms);
        line.number("upstream_latency", record.upstream_ms);
        line.text("route_id", "");
        line.object("request", |request| {
            request.text("method", &record.method);
            request.text("uri", &target(&record.path, record.query.as_deref()));
            request.number("size", record.bytes_in);
            request.object("headers", |headers| {
                headers.optional("host", record.host.as_deref());
                headers.optional("user-agent", record.user_agent.as_deref());
                headers.optional("referer", record.referer.as_deref());
            });
        });
        line.object("response", |response| {
            response.number("status", Some(record.status));
            response.number("size", record.bytes_out);
        });
        // Only a `log_format` carries it.
        line.optional("protocol", record.protocol.as_deref());
    });
}
