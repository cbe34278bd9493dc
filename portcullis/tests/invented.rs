//! Clients that invent names: addresses, paths, hosts, user agents and keys, a new one with every request. Every table keeps
//! to its limit and says what it left out; everybody else is judged as if the inventors were not there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{Run, noise, run, write};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Requests of the log that the inventors hide among, and of each kind of inventor.
const ORDINARY: &str = "30000";
const INVENTED: u64 = 150_000;

/// Clients that are remembered: fewer than are invented, more than are ordinary.
const CLIENTS_MAX: &str = "16384";

/// Tables that so many inventions must overflow. Of the others, a flood that is not acted on gives no cause.
const OVERFLOWN: [&str; 7] = [
    "clients",
    "suspects",
    "names",
    "cohorts",
    "routes",
    "role_witnesses",
    "rule_keys",
];

/// How the addresses of the inventors begin: of the one with a /64, and of the many.
const INVENTORS: [&str; 2] = ["2001:db8:1:2:", "2001:db9:"];

/// Rules that count by what the inventors invent.
const RULES: &str = r#"
[[rule]]
name = "by-route"
threat = "denial_of_service"
by = "route"
count = 100000
within_secs = 86400
action = "observe"
for_secs = 300

[[rule]]
name = "by-client"
threat = "denial_of_service"
by = "client"
count = 100000
within_secs = 86400
action = "throttle"
for_secs = 300
"#;

/// A word of letters that nobody has used: a path segment that is no identifier, a host, a program.
fn word(number: u64) -> String {
    let letters = noise(number.wrapping_mul(0x9E37_79B9_7F4A_7C15), 12);
    letters.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

/// One inventor at one address after the other of its own /64, and many at /64s all over a /32: each request has a new
/// path, host, user agent and key. Half of them are answered as ordinary requests are.
fn flood(start_secs: u64, span_secs: u64) -> String {
    let mut log = String::new();
    for number in 0..2 * INVENTED {
        let millis = start_secs * 1000 + number * span_secs * 1000 / (2 * INVENTED);
        let (high, low) = (number / 65_536, number % 65_536);
        let address = if number % 2 == 0 {
            format!("2001:db8:1:2::{high:x}:{low:x}")
        } else {
            format!("2001:db9:{low:x}:{high:x}::1")
        };
        let (method, status) = match number / 2 % 4 {
            0 => ("GET", 404),
            1 => ("POST", 401),
            _ => ("GET", 200),
        };
        let (path, host, agent) = (word(4 * number), word(4 * number + 1), word(4 * number + 2));
        let _ = writeln!(
            log,
            r#"{{"msec":{}.{:03},"remote_addr":"{address}","method":"{method}","host":"{host}.example","uri":"/{path}","protocol":"HTTP/1.1","status":{status},"bytes_sent":512,"user_agent":"{agent}/1.0","http_x_api_key":"{}"}}"#,
            millis / 1000,
            millis % 1000,
            word(4 * number + 3),
        );
    }
    log
}

/// Whom something was done about, by address.
fn acted_on(run: &Run) -> BTreeSet<String> {
    let alerts = run.alerts().into_iter();
    let acted = alerts.filter(|alert| alert["action"] != "observe" && alert["members"].is_null());
    acted
        .map(|alert| alert["client"]["value"].as_str().unwrap().to_owned())
        .collect()
}

/// What each client of the ordinary log is.
fn truth(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join("truth.csv")).unwrap();
    let rows = text.lines().skip(1).map(|row| {
        let mut fields = row.split(',').map(str::to_owned);
        (fields.next().unwrap(), fields.next().unwrap())
    });
    rows.collect()
}

fn tables(run: &Run) -> BTreeMap<String, (u64, u64, u64)> {
    let summary = run.summary();
    let tables = summary["tables"].as_array().unwrap().iter();
    tables
        .map(|table| {
            let figure = |name: &str| table[name].as_u64().unwrap();
            let name = table["name"].as_str().unwrap().to_owned();
            (name, (figure("held"), figure("most"), figure("left_out")))
        })
        .collect()
}

/// The seconds of the first and the last line.
fn span(log: &str) -> (u64, u64) {
    let secs = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["msec"].as_f64().unwrap() as u64
    };
    (
        secs(log.lines().next().unwrap()),
        secs(log.lines().last().unwrap()),
    )
}

#[test]
fn whoever_invents_names_fills_no_more_than_the_limits_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = run(
        folder.path(),
        &[
            "simulate",
            "--scenario",
            "mixed",
            "--seed",
            "11",
            "--requests",
            ORDINARY,
            "--format",
            "nginx_json",
            "--truth",
            "truth.csv",
        ],
    );
    write(folder.path(), "ordinary.log", simulated.out.as_bytes());
    let (first, last) = span(&simulated.out);
    // The inventors come when half of the ordinary ones have been seen.
    let middle = first + (last - first) / 2;
    write(
        folder.path(),
        "flood.log",
        flood(middle, last - middle).as_bytes(),
    );
    write(folder.path(), "rules.toml", RULES.as_bytes());
    let scan = |logs: &[&str]| {
        let options = [
            "scan",
            "--output",
            "json",
            "--identity",
            "api_key",
            "--clients-max",
            CLIENTS_MAX,
            "--rules",
            "rules.toml",
        ];
        run(folder.path(), &[&options, logs].concat())
    };
    let (alone, flooded) = (scan(&["ordinary.log"]), scan(&["ordinary.log", "flood.log"]));

    for (name, (held, most, left_out)) in tables(&flooded) {
        println!("{name:<16} {held:>8} of {most:>8}, {left_out:>8} left out");
        assert!(held <= most, "{name}: {held} of {most}");
        if OVERFLOWN.contains(&name.as_str()) {
            assert!(left_out > 0, "{name} is flooded and says nothing");
            assert_eq!(tables(&alone)[&name].2, 0, "{name} has room for the ordinary");
        }
    }

    let truth = truth(folder.path());
    let (before, after) = (acted_on(&alone), acted_on(&flooded));
    let innocents = after
        .iter()
        .filter(|client| truth.get(*client).is_some_and(|label| !is_attack(label)));
    assert_eq!(innocents.count(), 0, "{after:?}");
    assert!(before.len() > 20, "attackers are found: {before:?}");
    // Whoever was found alone is found beside the flood, and of others only inventors.
    let lost: Vec<_> = before.difference(&after).collect();
    let strangers = after
        .difference(&before)
        .filter(|client| !INVENTORS.iter().any(|range| client.starts_with(range)));
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(strangers.count(), 0, "{after:?}");
}

fn is_attack(label: &str) -> bool {
    !matches!(label, "benign" | "unknown")
}
