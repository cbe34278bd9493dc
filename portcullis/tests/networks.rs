//! Clients that an autonomous system, or a TLS fingerprint, has in common, in what `scan` prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use libmaxminddb_rs::{MetadataBuilder, Value, Writer};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A database in which 198.0.0.0/8 belongs to AS 64500.
fn database() -> Vec<u8> {
    let metadata = MetadataBuilder::new().ip_version(6).database_type("GeoLite2-ASN");
    let mut writer = Writer::with_metadata(metadata.build().unwrap());
    let system = Value::Map(BTreeMap::from([(
        "autonomous_system_number".into(),
        Value::Uint32(64500),
    )]));
    writer
        .insert_value("198.0.0.0/8".parse().unwrap(), system)
        .unwrap();
    writer.finish().unwrap()
}

/// Three failed sign-ins of each of 24 clients, each from a /24 and with an agent of its own, and as many clients who read.
fn log(fingerprint: Option<&str>) -> String {
    let mut log = String::new();
    let mut line = |at: u64,
                    address: String,
                    (method, uri, status): (&str, &str, u16),
                    (agent, more): (u64, &str)| {
        let _ = writeln!(
            log,
            r#"{{"msec":{at}.000,"time":"x","remote_addr":"{address}","method":"{method}","uri":"{uri}","status":{status},"bytes_sent":100,"user_agent":"agent/{agent}"{more}}}"#
        );
    };
    let more = fingerprint.map_or(String::new(), |text| format!(r#","ja4":"{text}""#));
    for client in 0..24 {
        for step in 0..4 {
            let at = 1_795_000_000 + client * 60 + step * 2;
            let (guessing, reading) = (("POST", "/login", 401), ("GET", "/welcome", 200));
            line(at, format!("198.{client}.77.9"), guessing, (client, &more));
            line(at + 1, format!("145.{client}.77.9"), reading, (client + 100, ""));
        }
    }
    log
}

#[test]
fn clients_of_one_autonomous_system_or_one_fingerprint_are_judged_together() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "asn.mmdb", &database());
    write(folder.path(), "plain.log", log(None).as_bytes());
    write(
        folder.path(),
        "tls.log",
        log(Some("t13d1516h2_8daaf6152771_b186095e22b6")).as_bytes(),
    );
    let scan = ["scan", "--output", "json"];
    let campaigns = |more: &[&str]| {
        let run = run(folder.path(), &[&scan, more].concat());
        let is_campaign =
            |alert: &&serde_json::Value| alert["members"].as_array().is_some_and(|all| !all.is_empty());
        let campaigns = run.alerts();
        campaigns
            .iter()
            .filter(is_campaign)
            .map(|alert| {
                let client = &alert["client"];
                let name = format!("{} {}", client["scope"], client["value"]).replace('"', "");
                (
                    name,
                    alert["action"].as_str().unwrap().to_owned(),
                    alert["members"].as_array().unwrap().len(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(campaigns(&["plain.log"]), [], "nothing joins them");
    let together = |name: &str| [(name.to_owned(), "block".to_owned(), 24)];
    assert_eq!(
        campaigns(&["--networks", "asn.mmdb", "plain.log"]),
        together("as 64500")
    );
    assert_eq!(
        campaigns(&["tls.log"]),
        together("ja4 t13d1516h2_8daaf6152771_b186095e22b6")
    );
}
