//! Analytics records of Tyk as Tyk Pump sends them to Kafka and others
//! (<https://github.com/TykTechnologies/tyk-pump/blob/master/pumps/kafka.go>).
//!
//! `raw_request` and `raw_response` are whole messages in Base64, bodies and tokens included: they are never read, so that
//! nothing of them is kept or shown. The query stands nowhere else. `ip_address` is what Tyk took for the client's.

use super::Column::{
    ApiKey, At, BytesIn, Consumer, Duration, Forwarded, Host, Method, Path, Status, Upstream, UserAgent,
};
use super::Provenance;
use super::fields::Node::{Moment, Object as Nested, Scaled, Text};
use super::fields::{JsonFormat, Keys, Mark};
use super::json_write::{Object, address};
use crate::clock::EpochUnit::Guessed;
use crate::gateway::Gateway;
use domain::RequestRecord;

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "tyk_json",
    description: "analytics records of Tyk Pump",
    gateway: Gateway::Tyk,
    provenance: Provenance::documented(
        "https://github.com/TykTechnologies/tyk-pump/blob/master/pumps/kafka.go",
    ),
    keys: &KEYS,
    marks: &[Mark::new(At, "timestamp"), Mark::new(Status, "response_code")],
    signs: &["\"api_id\""],
    caution: "whose the address is: Tyk believes X-Real-IP and X-Forwarded-For of anybody, so that it is only claimed",
    render,
};

const KEYS: Keys = Keys::exact(&[
    ("timestamp", Moment(Guessed)),
    ("ip_address", Text(Forwarded)),
    ("method", Text(Method)),
    ("host", Text(Host)),
    ("raw_path", Text(Path)),
    ("path", Text(Path)),
    ("response_code", Text(Status)),
    ("content_length", Text(BytesIn)),
    ("request_time_ms", Scaled(Duration, 1.0)),
    ("request_time", Scaled(Duration, 1.0)),
    ("latency", Nested(&LATENCY)),
    ("user_agent", Text(UserAgent)),
    ("api_key", Text(ApiKey)),
    ("alias", Text(Consumer)),
    ("oauth_id", Text(Consumer)),
]);

const LATENCY: Keys = Keys::exact(&[("upstream", Scaled(Upstream, 1.0))]);

fn render(record: &RequestRecord<'_>, out: &mut Vec<u8>) {
    Object::write(out, |line| {
        line.text("timestamp", &record.at.to_string());
        line.text("method", &record.method);
        line.text("path", &record.path);
        line.text("raw_path", &record.path);
        line.number("response_code", Some(record.status));
        line.text("api_key", "00000000");
        line.text("api_id", "");
        line.number("request_time_ms", record.duration_ms);
        line.object("latency", |latency| {
            latency.number("upstream", record.upstream_ms);
        });
        line.text("ip_address", &address(record.address));
        line.text("host", record.host.as_deref().unwrap_or(""));
        line.number("content_length", record.bytes_in);
        line.text("user_agent", record.user_agent.as_deref().unwrap_or(""));
    });
}
