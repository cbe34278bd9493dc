//! A burst is alerted on within a second of event time, beside ordinary traffic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use std::fmt::Write as _;

/// When the log begins: 2026-11-22T23:00:00Z, in milliseconds.
const START_MILLIS: u64 = 1_795_388_400_000;

/// When the burst begins, in milliseconds of the log.
const BURST_MILLIS: u64 = 120_000;

/// Milliseconds from one request of the burst to the next: a hundred a second.
const BURST_GAP_MILLIS: u64 = 10;

/// How late the alert may be.
const LATE_MILLIS_MAX: u64 = 1000;

/// The log: forty visitors who ask for a page every three seconds or so, and the burst.
fn log() -> String {
    let visits = (0..1600u64).map(|visit| (visit * 100, 10 + visit * 7 % 40, visit * 13 % 60));
    let burst = (0..500).map(|request| (BURST_MILLIS + request * BURST_GAP_MILLIS, 200, 1));
    let mut requests: Vec<(u64, u64, u64)> = visits.chain(burst).collect();
    requests.sort_unstable();
    let mut log = String::new();
    for (millis, client, page) in requests {
        let at = START_MILLIS + millis;
        let _ = writeln!(
            log,
            "{{\"msec\":\"{}.{:03}\",\"remote_addr\":\"203.0.113.{client}\",\"request\":\"GET /pages/p{page} HTTP/1.1\",\"status\":\"200\",\"body_bytes_sent\":\"5120\",\"http_user_agent\":\"Mozilla/5.0\"}}",
            at / 1000,
            at % 1000
        );
    }
    log
}

/// Milliseconds of the log at a moment as the report writes it.
fn millis_of_log(moment: &str) -> u64 {
    let time = moment
        .strip_prefix("2026-11-22T23:")
        .and_then(|rest| rest.strip_suffix('Z'))
        .unwrap();
    let (minutes, seconds) = time.split_once(':').unwrap();
    let millis = seconds.parse::<f64>().unwrap() * 1000.0;
    minutes.parse::<u64>().unwrap() * 60_000 + millis as u64
}

#[test]
fn a_burst_is_alerted_on_within_a_second_of_event_time() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "access.log", log().as_bytes());
    let run = run(folder.path(), &["scan", "--output", "json", "access.log"]);
    assert_eq!(run.summary()["rejected"], 0);
    let alerts = run.alerts();
    assert_eq!(alerts.len(), 1, "the burst and nobody else: {}", run.out);
    assert_eq!(alerts[0]["client"]["value"], "203.0.113.200");
    let late = millis_of_log(alerts[0]["alerted_at"].as_str().unwrap()) - BURST_MILLIS;
    assert!(late <= LATE_MILLIS_MAX, "{late} ms");
}
