//! Documents that name routes, in what the commands print.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use std::fmt::Write as _;

const DOCUMENT: &str = "openapi: 3.1.0\nservers: [{ url: 'https://shop.example/api' }]\npaths:\n  /people/{name}: {}\n  /orders: {}\n";

/// Names that no look of a path tells from words.
fn name(number: usize) -> String {
    let (first, last) = ["ann", "bob", "cleo", "dan", "eve", "finn", "gus"]
        .into_iter()
        .flat_map(|first| ["adams", "baker", "clark", "davis", "evans", "frank"].map(|last| (first, last)))
        .nth(number)
        .unwrap();
    format!("{first}-{last}")
}

/// Somebody guesses names, others look each other up; one more asks for what nobody documented.
fn log() -> String {
    let mut log = String::new();
    let mut line = |at: usize, address: &str, path: &str, status: u16| {
        let (minute, second) = (at / 60 % 60, at % 60);
        let _ = writeln!(
            log,
            "{address} - - [22/Nov/2026:10:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} 120 \"-\" \"client/1.0\""
        );
    };
    for number in 0..40 {
        let status = if number % 4 == 0 { 200 } else { 404 };
        line(
            number * 2,
            "203.0.113.9",
            &format!("/api/people/{}", name(number)),
            status,
        );
        line(
            number * 2 + 1,
            &format!("198.51.100.{}", number % 10 + 1),
            "/api/people/ann-adams",
            200,
        );
        line(
            number * 2 + 1,
            "192.0.2.7",
            &format!("/api/internal/{}/dump", number % 3),
            200,
        );
    }
    log
}

#[test]
fn who_guesses_names_walks_through_the_objects_that_a_document_tells_of() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api.yaml", DOCUMENT.as_bytes());
    write(folder.path(), "access.log", log().as_bytes());
    let threats = |more: &[&str]| -> Vec<String> {
        let run = run(
            folder.path(),
            &[&["scan", "--output", "json"], more, &["access.log"]].concat(),
        );
        let alerts = run.alerts();
        let of_guesser = alerts
            .iter()
            .filter(|alert| alert["client"]["value"] == "203.0.113.9");
        of_guesser
            .flat_map(|alert| alert["threats"].as_array().unwrap())
            .map(|threat| threat["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    let (without, with) = (threats(&[]), threats(&["--openapi", "api.yaml"]));
    assert_eq!(with, ["object_enumeration"]);
    assert_eq!(
        without,
        ["reconnaissance"],
        "every name looks like a page of its own"
    );
}

#[test]
fn a_rule_counts_what_nobody_documented() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api.yaml", DOCUMENT.as_bytes());
    write(folder.path(), "access.log", log().as_bytes());
    let rule = "[[rule]]\nname = \"own/undocumented\"\nthreat = \"reconnaissance\"\nby = \"client\"\ncount = 30\nwithin_secs = 600\n\
                action = \"throttle\"\nfor_secs = 600\nwhen = { is_documented = false }\n";
    write(folder.path(), "rules.toml", rule.as_bytes());
    let fired = |more: &[&str]| -> Vec<String> {
        let common = ["scan", "--output", "json", "--rules", "rules.toml"];
        let run = run(folder.path(), &[&common, more, &["access.log"]].concat());
        let alerts = run.alerts();
        let is_ours = |alert: &&serde_json::Value| alert.to_string().contains("own/undocumented");
        alerts
            .iter()
            .filter(is_ours)
            .map(|alert| alert["client"]["value"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(fired(&["--openapi", "api.yaml"]), ["192.0.2.7"]);
    assert_eq!(fired(&[]), [""; 0], "without documents nothing is undocumented");
}

#[test]
fn a_file_is_explained_with_the_routes_that_were_asked_for_and_those_that_were_not() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api.yaml", DOCUMENT.as_bytes());
    write(folder.path(), "access.log", log().as_bytes());
    let told = run(
        folder.path(),
        &["formats", "explain", "--openapi", "api.yaml", "access.log"],
    );
    assert_eq!(told.code, 0, "{}", told.err);
    let lines: Vec<String> = told
        .out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expected in [
        "documented routes: 1 of 2 asked for, by 80 of 120 requests",
        "not asked for:",
        "/api/orders",
        "/api/internal/{id}/dump 40 40",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}: {}",
            told.out
        );
    }
}

#[test]
fn a_document_that_cannot_be_used_ends_the_command_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "access.log", log().as_bytes());
    write(
        folder.path(),
        "api.yaml",
        b"openapi: 3.1.0\npaths: { people: {} }\n",
    );
    for command in [
        &["scan", "--openapi", "api.yaml", "access.log"][..],
        &["parse", "--openapi", "api.yaml", "access.log"],
        &["formats", "explain", "--openapi", "api.yaml", "access.log"],
    ] {
        let told = run(folder.path(), command);
        assert_ne!(told.code, 0, "{command:?}");
        let why = "api.yaml: found the path \"people\", expected a path that begins with a slash";
        assert!(told.err.contains(why), "{command:?}: {}", told.err);
    }
}

#[test]
fn what_no_document_names_is_marked_by_parse() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "api.yaml", DOCUMENT.as_bytes());
    write(folder.path(), "access.log", log().as_bytes());
    let told = run(
        folder.path(),
        &["parse", "--ids", "--openapi", "api.yaml", "access.log"],
    );
    let lines: Vec<serde_json::Value> = told
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["route"], "/api/people/{id}");
    assert_eq!(lines[0]["ids"][0]["kind"], "slug");
    assert_eq!(
        (&lines[0]["undocumented"], &lines[2]["undocumented"]),
        (&serde_json::Value::Null, &true.into())
    );
}
