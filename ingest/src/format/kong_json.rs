//! The objects of Kong's `file-log`, `http-log`, `tcp-log`, `udp-log` and `kafka-log` plugins.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Consumer, Duration, Forwarded, Host, Method, Peer, Protocol, Referer, Status,
    Target, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Scaled, Text};
use super::fields::{JsonFormat, Mark, Tree};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Millis;
use crate::gateway::Gateway;
use domain::{Client, RequestRecord, Scope};

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "kong_json",
    description: "objects of Kong's logging plugins",
    gateway: Gateway::Kong,
    provenance: Provenance::documented("https://developer.konghq.com/plugins/file-log/"),
    tree: TREE,
    marks: &[
        Mark {
            column: super::Column::At,
            path: "started_at",
        },
        Mark {
            column: Method,
            path: "request.method",
        },
        Mark {
            column: Status,
            path: "response.status",
        },
    ],
    render,
};

const TREE: Tree = &[
    ("started_at", Moment(Millis)),
    ("client_ip", Text(Peer)),
    ("request", Nested(REQUEST)),
    (
        "response",
        Nested(&[("status", Text(Status)), ("size", Text(BytesOut))]),
    ),
    (
        "latencies",
        Nested(&[
            ("request", Scaled(Duration, 1.0)),
            ("proxy", Scaled(Upstream, 1.0)),
        ]),
    ),
    (
        "consumer",
        Nested(&[
            ("username", Text(Consumer)),
            ("custom_id", Text(Consumer)),
            ("id", Text(Consumer)),
        ]),
    ),
    (
        "authenticated_entity",
        Nested(&[("consumer_id", Text(Consumer)), ("id", Text(Consumer))]),
    ),
];

const REQUEST: Tree = &[
    ("method", Text(Method)),
    ("uri", Text(Target)),
    ("size", Text(BytesIn)),
    ("headers", Nested(HEADERS)),
    ("tls", Nested(&[("version", Text(Tls))])),
    // Kong 3.10 and later may log it; older versions do not say.
    ("protocol", Text(Protocol)),
];

const HEADERS: Tree = &[
    ("host", Text(Host)),
    ("user-agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("x-forwarded-for", Text(Forwarded)),
    ("apikey", Text(ApiKey)),
    ("x-api-key", Text(ApiKey)),
];

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
