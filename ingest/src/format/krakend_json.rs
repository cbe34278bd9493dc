//! KrakenD's access log with `access_log_format: json`
//! (<https://www.krakend.io/docs/enterprise/logging/>): seven keys, the latency a duration of Go.

use super::Column::{At, Duration, Forwarded, Method, Status, Target, UserAgent};
use super::Provenance;
use super::fields::Node::{Moment, Scaled, Text, Timed};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address, target};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "krakend_json",
    description: "KrakenD's JSON access log",
    gateway: Gateway::KrakenD,
    provenance: Provenance::documented("https://www.krakend.io/docs/enterprise/logging/"),
    keys: &KEYS,
    marks: &[
        Mark::new(At, "time"),
        Mark::new(Method, "method"),
        Mark::new(Status, "status_code"),
    ],
    signs: &["\"prefix\""],
    caution: "whose the address is: KrakenD believes X-Forwarded-For of the proxies that its router trusts, by default of all, so that it is only claimed",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("time", Moment(Guessed)),
    ("status_code", Text(Status)),
    ("latency", Timed(Duration)),
    ("latency_ms", Scaled(Duration, 1.0)),
    ("client_ip", Text(Forwarded)),
    ("method", Text(Method)),
    ("path", Text(Target)),
    // A custom pattern may add it.
    ("user_agent", Text(UserAgent)),
]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("prefix", "");
        line.text("time", &record.at.to_string());
        line.number("status_code", Some(record.status));
        let latency = record.duration_ms.map(|millis| format!("{millis}ms"));
        line.text("latency", latency.as_deref().unwrap_or("-"));
        line.text("client_ip", &address(record.address));
        line.text("method", &record.method);
        line.text("path", &target(&record.path, record.query.as_deref()));
        line.optional("user_agent", record.user_agent.as_deref());
    });
}
