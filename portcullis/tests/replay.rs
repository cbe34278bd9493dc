//! The same recorded input gives the same alerts, byte for byte, however many threads share the work and although there
//! is room for a fraction of the clients only.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use std::path::Path;

/// Room for clients: the least that can be asked for, sixteen in each of 256 shards, and fewer than come.
const CLIENTS_MAX: &str = "256";

/// The runs: one thread, then eight, twice.
const THREADS: [&str; 3] = ["1", "8", "8"];

/// The lines that `scan` prints, without the last one, which tells how long it took.
fn alerts(folder: &Path, threads: &str) -> (String, u64) {
    let options = ["--clients-max", CLIENTS_MAX, "--threads", threads];
    let arguments = [&["scan", "--output", "json"][..], &options, &["access.log"]].concat();
    let run = run(folder, &arguments);
    assert_eq!(run.code, 0, "{}", run.err);
    let forgotten = run.summary()["clients_forgotten"].as_u64().unwrap();
    let (alerts, _summary) = run.out.trim_end().rsplit_once('\n').unwrap();
    (alerts.to_owned(), forgotten)
}

#[test]
fn one_thread_and_eight_give_the_same_bytes_under_caps_that_bite() {
    let folder = tempfile::tempdir().unwrap();
    let play = [
        "simulate",
        "--scenario",
        "million",
        "--seed",
        "5",
        "--requests",
        "200000",
    ];
    let simulated = run(folder.path(), &play);
    assert_eq!(simulated.code, 0, "{}", simulated.err);
    write(folder.path(), "access.log", simulated.out.as_bytes());
    let runs = THREADS.map(|threads| alerts(folder.path(), threads));
    let (first, forgotten) = &runs[0];
    assert!(*forgotten > 1000, "the cap bites: {forgotten}");
    assert!(first.lines().count() > 20, "there is something to compare");
    for other in &runs[1..] {
        assert_eq!(&other.0, first);
    }
}
