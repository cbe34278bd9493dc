//! Log entries of Google Cloud with an `httpRequest`: external HTTP load balancers
//! (<https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring>), Cloud Run and their kin
//! (<https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest>).

use super::Column::{
    At, BytesIn, BytesOut, Duration, Fingerprint, Method, Peer, Protocol, Referer, Status, Tls, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Scaled, Text, Url, Verb};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, seconds, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "gcp_json",
    description: "Google Cloud's log entries of HTTP requests",
    gateway: Gateway::GoogleCloud,
    provenance: Provenance::documented(
        "https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring",
    ),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "timestamp"),
        Mark::new(Method, "httpRequest.requestMethod"),
        Mark::new(Status, "httpRequest.status"),
    ],
    signs: &["\"httpRequest\""],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

const KEYS: Keys = Keys::exact(&[
    ("timestamp", Moment(Guessed)),
    ("receiveTimestamp", Moment(Guessed)),
    ("httpRequest", Nested(&REQUEST)),
    ("jsonPayload", Nested(&PAYLOAD)),
]);

const REQUEST: Keys = Keys::exact(&[
    ("remoteIp", Text(Peer)),
    ("requestMethod", Verb),
    ("requestUrl", Url),
    ("requestSize", Text(BytesIn)),
    ("status", Text(Status)),
    ("responseSize", Text(BytesOut)),
    ("userAgent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("latency", Scaled(Duration, SECOND)),
    ("protocol", Text(Protocol)),
]);

const PAYLOAD: Keys = Keys::exact(&[
    ("remoteIp", Text(Peer)),
    ("tls", Nested(&TLS)),
    ("securityPolicyRequestData", Nested(&SECURITY)),
]);

const TLS: Keys = Keys::exact(&[("protocol", Text(Tls))]);

const SECURITY: Keys = Keys::exact(&[
    ("tlsJa4Fingerprint", Text(Fingerprint)),
    ("tlsJa3Fingerprint", Text(Fingerprint)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.object("httpRequest", |request| {
            request.text("requestMethod", &record.method);
            let whole = target(&record.path, record.query.as_deref());
            match record.host.as_deref() {
                Some(host) => request.text("requestUrl", &format!("https://{host}{whole}")),
                None => request.text("requestUrl", &whole),
            }
            let size = |bytes: Option<u64>| bytes.map(|bytes| bytes.to_string());
            request.optional("requestSize", size(record.bytes_in).as_deref());
            request.number("status", Some(record.status));
            request.optional("responseSize", size(record.bytes_out).as_deref());
            request.optional("userAgent", record.user_agent.as_deref());
            request.text("remoteIp", &address(record.address));
            request.optional("referer", record.referer.as_deref());
            let latency = seconds(record.duration_ms).map(|seconds| format!("{seconds}s"));
            request.optional("latency", latency.as_deref());
            request.optional("protocol", record.protocol.as_deref());
        });
        line.object("jsonPayload", |payload| {
            payload.object("tls", |tls| tls.optional("protocol", record.tls.as_deref()));
            payload.object("securityPolicyRequestData", |security| {
                security.optional("tlsJa4Fingerprint", record.fingerprint.as_deref());
            });
        });
        line.text("timestamp", &record.at.to_string());
    });
}
