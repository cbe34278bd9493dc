//! `evaluate` on simulated traffic: its figures agree with each other and with the truth, and its plots are there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use serde_json::Value;
use std::path::Path;

/// A folder with a labelled log, and the truth.
fn labelled() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        "simulate --scenario mixed --seed 5 --requests 40000 --attackers 10 --ways --truth truth.csv";
    let simulated = run(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
    assert_eq!(simulated.code, 0, "{}", simulated.err);
    write(folder.path(), "access.log", simulated.out.as_bytes());
    let truth = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
    (folder, truth)
}

fn evaluate(folder: &Path, options: &str) -> Value {
    let mut arguments = vec!["evaluate", "--truth", "truth.csv", "--output", "json"];
    arguments.extend(options.split_whitespace());
    let judged = run(folder, &arguments);
    assert_eq!(judged.code, 0, "{}", judged.err);
    serde_json::from_str(&judged.out).unwrap()
}

fn sum(list: &Value, name: &str) -> u64 {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry[name].as_u64().unwrap())
        .sum()
}

#[test]
fn figures_by_kind_by_way_and_by_day_add_up_to_those_of_all() {
    let (folder, truth) = labelled();
    let figures = evaluate(folder.path(), "--names access.log");
    for part in ["kinds", "variants"] {
        for name in ["attackers", "caught", "observed", "early", "named_rightly"] {
            assert_eq!(
                sum(&figures[part], name),
                figures[name].as_u64().unwrap(),
                "{part}: {name}"
            );
        }
    }
    let (attackers, caught) = (&figures["attackers"], &figures["caught"]);
    assert!(
        attackers.as_u64().unwrap() > 20 && caught.as_u64().unwrap() > 5,
        "{figures}"
    );
    let days = &figures["false_positives"];
    assert_eq!(
        sum(&figures["days"], "client_days"),
        days["client_days"].as_u64().unwrap()
    );
    assert_eq!(
        sum(&figures["days"], "acted_on"),
        days["acted_on"].as_u64().unwrap()
    );
    // Every innocent client was there on a day at least.
    let innocents = truth.lines().filter(|line| line.contains(",benign:")).count() as u64;
    assert!(days["client_days"].as_u64().unwrap() >= innocents);
    let missed = figures["missed"].as_array().unwrap().len() as u64;
    assert_eq!(missed, attackers.as_u64().unwrap() - caught.as_u64().unwrap());
}

#[test]
fn plots_and_thresholds_are_the_same_again() {
    let (folder, _) = labelled();
    let first = evaluate(folder.path(), "--plots one access.log");
    assert_eq!(first, evaluate(folder.path(), "--plots two access.log"));
    let points = first["thresholds"].as_array().unwrap();
    let in_use = points.iter().find(|point| point["threshold"] == 0.8).unwrap();
    assert_eq!(
        in_use["recall"], first["recall"],
        "the threshold in use judges as the pass did"
    );
    let mut plots = 0;
    for entry in std::fs::read_dir(folder.path().join("one")).unwrap() {
        let name = entry.unwrap().file_name();
        let [one, two] = ["one", "two"].map(|of| std::fs::read(folder.path().join(of).join(&name)).unwrap());
        assert!(one == two && one.starts_with(b"<svg"), "{}", name.display());
        plots += 1;
    }
    assert_eq!(plots, 5);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, _) = labelled();
    write(folder.path(), "taken", b"a file");
    let arguments = "evaluate --truth truth.csv --plots taken access.log";
    let judged = run(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
    assert_eq!(judged.code, 1);
    assert!(
        judged.err.contains("could not make the folder taken"),
        "{}",
        judged.err
    );
}
