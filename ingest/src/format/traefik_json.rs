//! Traefik's JSON access log. Durations are nanoseconds; an empty `ClientHost` gives way to `ClientAddr`, and one that holds a
//! forwarded chain is one.

use super::Column::{
    ApiKey, BytesIn, BytesOut, Certificate, Duration, Forwarded, Host, Method, Peer, Protocol, Referer,
    Status, Target, Tls, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "traefik_json",
    description: "Traefik's JSON access log",
    gateway: Gateway::Traefik,
    provenance: Provenance::seen("an issue of fosrl/pangolin, number 3054"),
    keys: &KEYS,
    marks: &[
        Mark::new(super::Column::At, "StartUTC"),
        Mark::new(Method, "RequestMethod"),
        Mark::new(Status, "DownstreamStatus"),
    ],
    signs: &["\"DownstreamStatus\""],
    caution: "",
    render,
};

/// Milliseconds in a nanosecond.
const NANOSECOND: f64 = 1e-6;

const KEYS: Keys = Keys::exact(&[
    ("ClientHost", Text(Peer)),
    ("ClientAddr", Text(Peer)),
    ("DownstreamContentSize", Text(BytesOut)),
    ("DownstreamStatus", Text(Status)),
    ("Duration", Scaled(Duration, NANOSECOND)),
    ("OriginDuration", Scaled(Upstream, NANOSECOND)),
    ("RequestContentSize", Text(BytesIn)),
    ("RequestHost", Text(Host)),
    ("RequestAddr", Text(Host)),
    ("RequestMethod", Text(Method)),
    ("RequestPath", Text(Target)),
    ("RequestProtocol", Text(Protocol)),
    ("StartUTC", Moment(Guessed)),
    ("StartLocal", Moment(Guessed)),
    ("time", Moment(Guessed)),
    ("TLSVersion", Text(Tls)),
    ("request_User-Agent", Text(UserAgent)),
    ("request_Referer", Text(Referer)),
    ("request_X-Forwarded-For", Text(Forwarded)),
    ("request_X-Api-Key", Text(ApiKey)),
    // No `ClientUsername`: it may be what a client wrote into the URL, checked by nobody.
    ("TLSClientSubject", Text(Certificate)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("ClientHost", &address(record.address));
        line.number("DownstreamContentSize", record.bytes_out);
        line.number("DownstreamStatus", Some(record.status));
        let nanos = |millis: f32| f64::from(millis) / NANOSECOND;
        line.number("Duration", record.duration_ms.map(nanos));
        line.number("OriginDuration", record.upstream_ms.map(nanos));
        line.number("RequestContentSize", record.bytes_in);
        line.text("RequestHost", record.host.as_deref().unwrap_or("-"));
        line.text("RequestMethod", &record.method);
        line.text("RequestPath", &target(&record.path, record.query.as_deref()));
        line.text("RequestProtocol", record.protocol.as_deref().unwrap_or(""));
        line.text("StartUTC", &record.at.to_string());
        if let Some(version) = record.tls.as_deref() {
            line.text("TLSVersion", version);
        }
        line.text("request_User-Agent", record.user_agent.as_deref().unwrap_or("-"));
        line.text("request_Referer", record.referer.as_deref().unwrap_or("-"));
    });
}
