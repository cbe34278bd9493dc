//! One causal pass: at each line `scan` knows nothing later, so cutting a log changes no decision before the cut.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{noise, run, write};
use serde_json::Value;
use std::path::Path;

/// Requests of the log: enough for every kind of attack of the scenario to be decided.
const REQUESTS: &str = "30000";

/// Seed of the lines after which the log is cut.
const SEED: u64 = 11;

/// How often it is cut.
const CUTS: usize = 6;

fn alerts(folder: &Path, content: &str) -> Vec<Value> {
    write(folder, "access.log", content.as_bytes());
    let run = run(folder, &["scan", "--output", "json", "access.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    run.alerts()
}

/// What was decided about a client, and from what: everything but totals that go on growing.
fn decided(alert: &Value) -> Value {
    let mut decided = alert.clone();
    for growing in ["requests", "requests_prevented", "members"] {
        decided.as_object_mut().unwrap().remove(growing);
    }
    decided
}

/// Moment of a line in combined format, as the report writes it.
fn moment(line: &str) -> String {
    let run = line.split_once('[').and_then(|(_, rest)| rest.split_once(' '));
    let (day, time) = run.unwrap().0.split_once(':').unwrap();
    let (day, month_year) = day.split_once('/').unwrap();
    let (month, year) = month_year.split_once('/').unwrap();
    assert_eq!(month, "Jan", "the scenario's days lie in January");
    format!("{year}-01-{day}T{time}Z")
}

#[test]
fn cutting_a_log_changes_no_decision_before_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = run(
        folder.path(),
        &[
            "simulate",
            "--scenario",
            "mixed",
            "--seed",
            "3",
            "--requests",
            REQUESTS,
        ],
    );
    let lines: Vec<&str> = simulated.out.lines().collect();
    let whole = alerts(folder.path(), &simulated.out);
    assert!(whole.iter().filter(|alert| alert["action"] == "block").count() >= 5);
    for place in noise(SEED, CUTS) {
        let cut = 1 + (lines.len() - 1) * usize::from(place) / 256;
        let early = alerts(folder.path(), &(lines[..cut].join("\n") + "\n"));
        // Decisions come into force when a tick ends: those of the cut's own second may come with the next line.
        let end = moment(lines[cut - 1]);
        let is_before = |alert: &&Value| alert["action_at"].as_str().is_some_and(|at| at < end.as_str());
        for expected in whole.iter().filter(is_before) {
            let found = early.iter().find(|alert| alert["client"] == expected["client"]);
            assert_eq!(
                found.map(decided),
                Some(decided(expected)),
                "cut after line {cut}"
            );
        }
    }
}
