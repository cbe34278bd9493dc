//! What only the volume of an hour shows, in what `scan` prints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};

#[test]
fn addresses_that_try_one_password_each_are_told_of_as_a_surge_of_their_route() {
    let folder = tempfile::tempdir().unwrap();
    let play = [
        "simulate",
        "--scenario",
        "slow_stuffing",
        "--seed",
        "3",
        "--requests",
        "300000",
    ];
    let simulated = run(folder.path(), &play);
    assert_eq!(simulated.code, 0, "{}", simulated.err);
    write(folder.path(), "access.log", simulated.out.as_bytes());
    let scanned = run(folder.path(), &["scan", "--output", "json", "access.log"]);
    let alerts = scanned.alerts();
    let surges: Vec<_> = alerts
        .iter()
        .filter(|alert| alert["reasons"][0]["feature"] == "surge")
        .collect();
    assert_eq!(surges.len(), 1, "{surges:?}");
    let surge = surges[0];
    assert_eq!(surge["client"]["scope"], "route");
    assert!(surge["client"]["value"].as_str().unwrap().starts_with("POST /"));
    assert_eq!(surge["threats"][0]["kind"], "credential_stuffing");
    assert_eq!(surge["action"], "observe");
    let sentence = surge["reasons"][0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("usual on a Thursday at"), "{sentence}");
    assert!(!surge["evidence"].as_array().unwrap().is_empty());
    // A count names nobody, and here nobody did enough to be acted on.
    assert!(alerts.iter().all(|alert| alert["action"] == "observe"));
}
