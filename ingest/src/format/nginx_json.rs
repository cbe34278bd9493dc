//! JSON written by NGINX (`log_format … escape=json`): a documented set of fields, and the names that people
//! give the same things in formats of their own.
//!
//! The documented set, for nginx.conf:
//!
//! ```text
//! log_format portcullis escape=json '{"msec":$msec,"remote_addr":"$remote_addr",'
//!   '"x_forwarded_for":"$http_x_forwarded_for","method":"$request_method","host":"$host",'
//!   '"uri":"$request_uri","protocol":"$server_protocol","status":$status,'
//!   '"bytes_sent":$bytes_sent,"request_length":$request_length,"request_time":$request_time,'
//!   '"upstream_response_time":"$upstream_response_time","referer":"$http_referer",'
//!   '"user_agent":"$http_user_agent","ssl_protocol":"$ssl_protocol","request_id":"$request_id"}';
//! ```
//!
//! `api_key` (`$http_x_api_key`) and `jwt_claim_sub` may be added. `duration` alone says no unit and is not read.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Consumer, Duration, Fingerprint, Forwarded, Host, Method, Path, Peer,
    Protocol, Query, Referer, RequestLine, Status, Subject, Target, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Scaled, Text};
use super::fields::{JsonFormat, Mark, Tree};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::{Guessed, Seconds};
use crate::gateway::Gateway;
use domain::{Client, RequestRecord, Scope};

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "nginx_json",
    description: "JSON of NGINX, or home-made JSON with its usual names",
    gateway: Gateway::Nginx,
    provenance: Provenance::seen("an issue of crowdsecurity/crowdsec, number 3543"),
    tree: TREE,
    marks: &[
        Mark {
            column: super::Column::At,
            path: "time",
        },
        Mark {
            column: Status,
            path: "status",
        },
    ],
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// The documented set in its order, then the names seen elsewhere.
const TREE: Tree = &[
    ("msec", Moment(Seconds)),
    ("remote_addr", Text(Peer)),
    ("x_forwarded_for", Text(Forwarded)),
    ("method", Text(Method)),
    ("host", Text(Host)),
    ("uri", Text(Target)),
    ("protocol", Text(Protocol)),
    ("status", Text(Status)),
    ("bytes_sent", Text(BytesOut)),
    ("request_length", Text(BytesIn)),
    ("request_time", Scaled(Duration, SECOND)),
    ("upstream_response_time", Scaled(Upstream, SECOND)),
    ("referer", Text(Referer)),
    ("user_agent", Text(UserAgent)),
    ("ssl_protocol", Text(Tls)),
    ("api_key", Text(ApiKey)),
    ("jwt_claim_sub", Text(Subject)),
    ("request", Text(RequestLine)),
    ("time", Moment(Guessed)),
    ("time_iso8601", Moment(Guessed)),
    ("time_local", Moment(Guessed)),
    ("timestamp", Moment(Guessed)),
    ("ts", Moment(Guessed)),
    ("start_time", Moment(Guessed)),
    ("date", Moment(Guessed)),
    ("datetime", Moment(Guessed)),
    ("@timestamp", Moment(Guessed)),
    ("client_ip", Text(Peer)),
    ("clientip", Text(Peer)),
    ("clientIp", Text(Peer)),
    ("remote_ip", Text(Peer)),
    ("remoteIp", Text(Peer)),
    ("remoteAddr", Text(Peer)),
    ("remote_address", Text(Peer)),
    ("source_ip", Text(Peer)),
    ("src_ip", Text(Peer)),
    ("ip", Text(Peer)),
    ("http_x_forwarded_for", Text(Forwarded)),
    ("x-forwarded-for", Text(Forwarded)),
    ("xff", Text(Forwarded)),
    ("request_method", Text(Method)),
    ("http_method", Text(Method)),
    ("httpMethod", Text(Method)),
    ("verb", Text(Method)),
    ("request_uri", Text(Target)),
    ("requestUri", Text(Target)),
    ("url", Text(Target)),
    ("path", Text(Path)),
    ("request_path", Text(Path)),
    ("request_query", Text(Query)),
    ("query_string", Text(Query)),
    ("query", Text(Query)),
    ("args", Text(Query)),
    ("vhost", Text(Host)),
    ("http_host", Text(Host)),
    ("server_name", Text(Host)),
    ("server_protocol", Text(Protocol)),
    ("request_proto", Text(Protocol)),
    ("http_version", Text(Protocol)),
    ("status_code", Text(Status)),
    ("response_status", Text(Status)),
    ("code", Text(Status)),
    ("body_bytes_sent", Text(BytesOut)),
    ("bytes", Text(BytesOut)),
    ("bytes_out", Text(BytesOut)),
    ("response_length", Text(BytesOut)),
    ("bytes_in", Text(BytesIn)),
    ("bytes_received", Text(BytesIn)),
    ("request_time_ms", Scaled(Duration, 1.0)),
    ("duration_ms", Scaled(Duration, 1.0)),
    ("upstream_time", Scaled(Upstream, SECOND)),
    ("http_user_agent", Text(UserAgent)),
    ("http_useragent", Text(UserAgent)),
    ("userAgent", Text(UserAgent)),
    ("agent", Text(UserAgent)),
    ("user-agent", Text(UserAgent)),
    ("http_referer", Text(Referer)),
    ("http_referrer", Text(Referer)),
    ("referrer", Text(Referer)),
    ("tls_version", Text(Tls)),
    ("ja4", Text(Fingerprint)),
    ("tls_ja4", Text(Fingerprint)),
    ("ssl_ja4", Text(Fingerprint)),
    ("ja4_fingerprint", Text(Fingerprint)),
    ("http_ssl_ja4", Text(Fingerprint)),
    ("tls_fingerprint", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("ja3_hash", Text(Fingerprint)),
    ("tls_ja3", Text(Fingerprint)),
    ("ssl_ja3_hash", Text(Fingerprint)),
    ("http_ssl_ja3_hash", Text(Fingerprint)),
    ("http_x_api_key", Text(ApiKey)),
    ("consumer", Text(Consumer)),
    ("subject", Text(Subject)),
];

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        let millis = record.at.as_millis();
        line.number(
            "msec",
            Some(format_args!(
                "{}.{:03}",
                millis.div_euclid(1000),
                millis.rem_euclid(1000)
            )),
        );
        line.text("remote_addr", &address(record.address));
        line.text("method", &record.method);
        line.text("host", record.host.as_deref().unwrap_or(""));
        if record.method.is_empty() {
            line.text("uri", "");
            line.text("request", &record.path);
        } else {
            line.text("uri", &target(&record.path, record.query.as_deref()));
        }
        line.text("protocol", record.protocol.as_deref().unwrap_or(""));
        line.number("status", Some(record.status));
        line.number("bytes_sent", record.bytes_out);
        line.number("request_length", record.bytes_in);
        line.number(
            "request_time",
            record.duration_ms.map(|millis| f64::from(millis) / SECOND),
        );
        match record.upstream_ms {
            Some(millis) => line.text(
                "upstream_response_time",
                &(f64::from(millis) / SECOND).to_string(),
            ),
            None => line.text("upstream_response_time", "-"),
        }
        line.text("referer", record.referer.as_deref().unwrap_or(""));
        line.text("user_agent", record.user_agent.as_deref().unwrap_or(""));
        line.text("ssl_protocol", record.tls.as_deref().unwrap_or(""));
        if let Some(fingerprint) = &record.fingerprint {
            line.text("ja4", fingerprint);
        }
        if let Client::Named {
            scope: Scope::Subject,
            value,
        } = &record.client
        {
            line.text("jwt_claim_sub", value);
        }
    });
}
