//! JSON written by NGINX (`log_format … escape=json`): a documented set of fields, and the other names that
//! [`custom_json`] knows.
//!
//! The documented set is `deploy/nginx/log-format.conf`, which `formats explain` prints and a real NGINX writes in our tests.
//! `api_key` (`$http_x_api_key`) and `jwt_claim_sub` may be added. `duration` alone says no unit and is not read.

use super::fields::{JsonFormat, Mark};
use super::json_write::{Object, address, target};
use super::{Column, Provenance, custom_json};
use crate::gateway::Gateway;
use domain::{Client, RequestRecord, Scope};

pub(super) const FORMAT: JsonFormat = JsonFormat {
    name: "nginx_json",
    description: "JSON of NGINX, with the names of its variables",
    gateway: Gateway::Nginx,
    provenance: Provenance::run("NGINX and Apache httpd, Debian's packages"),
    keys: &custom_json::KEYS,
    marks: &[Mark::new(Column::At, "time"), Mark::new(Column::Status, "status")],
    // Names of NGINX's variables that nobody else gives by chance.
    signs: &[
        "\"remote_addr\"",
        "\"msec\"",
        "\"time_iso8601\"",
        "\"time_local\"",
        "\"body_bytes_sent\"",
        "\"http_user_agent\"",
        "\"upstream_response_time\"",
    ],
    caution: "",
    render,
};

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

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
