//! What `formats explain` says of threats that are missed without a piece of the log is so: the piece is taken away, and of
//! every threat that it names fewer clients are found.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use ingest::format::{Column, losses};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Simulated logs: scenario and seed. Each is a day of a site with the attacks that it can suffer.
const PLAYED: [(&str, &str); 3] = [("mixed_api", "3"), ("mixed_content", "1"), ("mixed_cms", "2")];

/// By what name a log carries a piece; empty for pieces that only another one of the same loss carries.
fn key(column: Column) -> &'static str {
    match column {
        Column::Host => "host",
        Column::BytesIn => "request_length",
        Column::BytesOut => "bytes_sent",
        Column::Duration => "request_time",
        Column::Upstream => "upstream_response_time",
        Column::UserAgent => "user_agent",
        Column::Referer => "referer",
        Column::Fingerprint => "ja4",
        Column::Consumer => "consumer",
        // The query is a part of it.
        Column::Target => "uri",
        _ => "",
    }
}

/// A consumer's key, a day and more in one place, then used from twenty, beside consumers who stay where they are.
fn a_key_that_was_stolen() -> String {
    let mut log = String::new();
    let mut line = |at: u64, address: String, consumer: &str| {
        let _ = writeln!(
            log,
            r#"{{"time":{at},"client_ip":"{address}","consumer":"{consumer}","method":"GET","uri":"/api/orders","status":200,"bytes_sent":700,"user_agent":"app/7"}}"#
        );
    };
    for step in 0..400 {
        let at = 1_795_000_000 + step * 300;
        line(at, "145.1.7.9".to_owned(), "partner");
        line(at + 1, "146.1.7.9".to_owned(), "reader");
        if step >= 380 {
            line(at + 2, format!("147.{step}.7.9", step = step - 380), "partner");
        }
    }
    log
}

/// Three failed sign-ins of each of 24 clients with nothing in common but a program's greeting.
fn one_program_behind_many_addresses() -> String {
    let mut log = String::new();
    for client in 0..24 {
        for step in 0..4 {
            let at = 1_795_000_000 + client * 60 + step * 2;
            for (range, act, agent, more) in [
                (
                    198,
                    r#""method":"POST","uri":"/login","status":401"#,
                    client,
                    r#","ja4":"t13d1516h2_8daaf6152771_b186095e22b6""#,
                ),
                (
                    145,
                    r#""method":"GET","uri":"/welcome","status":200"#,
                    client + 100,
                    "",
                ),
            ] {
                let _ = writeln!(
                    log,
                    r#"{{"msec":{at}.000,"remote_addr":"{range}.{client}.77.9",{act},"bytes_sent":100,"user_agent":"agent/{agent}"{more}}}"#
                );
            }
        }
    }
    log
}

/// Names count before the address where a line carries one.
const SETTINGS: &str = r#"
[clients]
identity = ["consumer"]
[detector]
hash_key = "000102030405060708090a0b0c0d0e0f"
[[files]]
path = "/var/log/access.log"
[storage]
url = "sqlite://portcullis.db"
"#;

/// The log without those pieces.
fn without(log: &str, columns: &[Column]) -> String {
    let strip = |line: &str| {
        let mut line: Map<String, Value> = serde_json::from_str(line).unwrap();
        for column in columns {
            if *column == Column::Target {
                let path = line["uri"]
                    .as_str()
                    .unwrap()
                    .split('?')
                    .next()
                    .unwrap()
                    .to_owned();
                line.insert("uri".to_owned(), path.into());
            } else {
                line.remove(key(*column));
            }
        }
        Value::Object(line).to_string() + "\n"
    };
    log.lines().map(strip).collect()
}

const SCAN: [&str; 6] = [
    "scan",
    "--output",
    "json",
    "--config",
    "portcullis.toml",
    "access.log",
];

/// The clients that are found in a log, members of campaigns among them, by what is named first.
fn found(folder: &Path, log: &str) -> BTreeMap<String, BTreeSet<String>> {
    write(folder, "access.log", log.as_bytes());
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for alert in run(folder, &SCAN).alerts() {
        let kind = alert["threats"][0]["kind"].as_str().unwrap().to_owned();
        let members = alert["members"].as_array().into_iter().flatten();
        let clients = members.map(|member| &member["client"]).chain([&alert["client"]]);
        found
            .entry(kind)
            .or_default()
            .extend(clients.map(Value::to_string));
    }
    found
}

#[test]
fn of_every_threat_that_is_said_to_be_missed_fewer_clients_are_found() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "portcullis.toml", SETTINGS.as_bytes());
    let play = |(scenario, seed): (&str, &str)| {
        let arguments = [
            "simulate",
            "--scenario",
            scenario,
            "--seed",
            seed,
            "--requests",
            "60000",
            "--format",
            "nginx_json",
        ];
        run(folder.path(), &arguments).out
    };
    let mut logs: Vec<String> = PLAYED.into_iter().map(play).collect();
    logs.push(a_key_that_was_stolen());
    logs.push(one_program_behind_many_addresses());
    let count = |logs: &[String]| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for log in logs {
            for (kind, clients) in found(folder.path(), log) {
                *counts.entry(kind).or_default() += clients.len();
            }
        }
        counts
    };
    let whole = count(&logs);
    let of = |counts: &BTreeMap<String, usize>, kind: &str| counts.get(kind).copied().unwrap_or(0);
    let mut wrong = Vec::new();
    // Without a peer nothing is acted on, whatever it is, and request bodies stand in no log.
    let is_tried = |columns: &[Column]| columns.iter().any(|column| !key(*column).is_empty());
    for loss in losses(&[], 1).into_iter().filter(|loss| is_tried(loss.columns)) {
        let cut: Vec<String> = logs.iter().map(|log| without(log, loss.columns)).collect();
        let cut = count(&cut);
        for threat in loss.threats {
            let (before, after) = (of(&whole, threat.as_str()), of(&cut, threat.as_str()));
            if after >= before {
                wrong.push(format!(
                    "{:?}: {} {before} -> {after}",
                    loss.columns,
                    threat.as_str()
                ));
            }
        }
        // What is missed and not said is as wrong as what is said and not missed; a few more or less are chance.
        for (kind, before) in &whole {
            let after = of(&cut, kind);
            let is_said = loss.threats.iter().any(|threat| threat.as_str() == kind);
            if !is_said && after * 4 < before * 3 {
                wrong.push(format!(
                    "{:?}: {kind} {before} -> {after}, and it is not said",
                    loss.columns
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\nwhole: {whole:?}");
}
