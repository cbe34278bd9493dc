//! Access logs of Azure Application Gateway v2
//! (<https://learn.microsoft.com/azure/application-gateway/monitor-application-gateway-reference>) and Front Door
//! (<https://learn.microsoft.com/azure/frontdoor/monitor-front-door-reference>): the record, or `records` with one in it.
//! Event Hubs sends many in one message; they are cut apart before ([`crate::source::kafka`]).
//!
//! Front Door's `clientIp` is what `X-Forwarded-For` says, `socketIp` the connection's peer. `requestQuery` is not read:
//! Application Gateway appends its own parameters; the client's query stands in `originalRequestUriWithArgs`. Version 1
//! of Application Gateway, retired in 2026, counted `timeTaken` in milliseconds; here it is seconds.

use super::Column::{
    At, BytesIn, BytesOut, Duration, Fingerprint, Forwarded, Host, Method, Peer, Protocol, Referer, Status,
    Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Only, Scaled, Text, Url};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, seconds, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "azure_json",
    description: "access logs of Azure Application Gateway and Front Door",
    gateway: Gateway::Azure,
    provenance: Provenance::documented(
        "https://learn.microsoft.com/azure/application-gateway/monitor-application-gateway-reference",
    ),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "timeStamp"),
        Mark::new(Method, "properties.httpMethod"),
        Mark::new(Status, "properties.httpStatus"),
    ],
    signs: &["\"properties\""],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

const KEYS: Keys = Keys::exact(&[
    ("timeStamp", Moment(Guessed)),
    ("time", Moment(Guessed)),
    ("properties", Nested(&PROPERTIES)),
    ("records", Only(&RECORD)),
]);

const RECORD: Keys = Keys::exact(&[
    ("timeStamp", Moment(Guessed)),
    ("time", Moment(Guessed)),
    ("properties", Nested(&PROPERTIES)),
]);

const PROPERTIES: Keys = Keys::exact(&[
    ("clientIP", Text(Peer)),
    ("socketIp", Text(Peer)),
    ("clientIp", Text(Forwarded)),
    ("httpMethod", Text(Method)),
    ("originalRequestUriWithArgs", Url),
    ("requestUri", Url),
    ("httpVersion", Text(Protocol)),
    ("userAgent", Text(UserAgent)),
    ("referer", Text(Referer)),
    ("httpStatus", Text(Status)),
    ("httpStatusCode", Text(Status)),
    ("receivedBytes", Text(BytesIn)),
    ("requestBytes", Text(BytesIn)),
    ("sentBytes", Text(BytesOut)),
    ("responseBytes", Text(BytesOut)),
    ("timeTaken", Scaled(Duration, SECOND)),
    ("serverResponseLatency", Scaled(Upstream, SECOND)),
    ("originalHost", Text(Host)),
    ("host", Text(Host)),
    ("hostName", Text(Host)),
    ("sslProtocol", Text(Tls)),
    ("securityProtocol", Text(Tls)),
    ("clientJA4FingerPrint", Text(Fingerprint)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("timeStamp", &record.at.to_string());
        line.text("operationName", "ApplicationGatewayAccess");
        line.text("category", "ApplicationGatewayAccessLog");
        line.object("properties", |properties| {
            properties.text("clientIP", &address(record.address));
            properties.text("httpMethod", &record.method);
            let whole = target(&record.path, record.query.as_deref());
            properties.text("originalRequestUriWithArgs", &whole);
            properties.text("requestUri", &record.path);
            properties.text("userAgent", record.user_agent.as_deref().unwrap_or("-"));
            properties.optional("referer", record.referer.as_deref());
            properties.number("httpStatus", Some(record.status));
            properties.text("httpVersion", record.protocol.as_deref().unwrap_or(""));
            properties.number("receivedBytes", record.bytes_in);
            properties.number("sentBytes", record.bytes_out);
            properties.number("timeTaken", seconds(record.duration_ms));
            properties.text("sslProtocol", record.tls.as_deref().unwrap_or(""));
            let upstream = seconds(record.upstream_ms).map(|seconds| seconds.to_string());
            properties.text("serverResponseLatency", upstream.as_deref().unwrap_or("-"));
            properties.text("originalHost", record.host.as_deref().unwrap_or(""));
            properties.optional("clientJA4FingerPrint", record.fingerprint.as_deref());
        });
    });
}
