//! Simulated sites whose paths tell nothing: what is caught there with roles that are learned, and without.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{run, write};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

/// A configuration in which a person says of every route that it is for nothing in particular: nothing is learned then.
const UNLEARNED: &str = "[[routes]]\npath = \"/*\"\nrole = \"plain\"\n";

/// Simulates a day of a scenario into `access.log` and `truth.csv`, with a pseudonym for every segment of its paths.
fn play(folder: &Path, scenario: &str, requests: u32) {
    let arguments =
        format!("simulate --scenario {scenario} --seed 1 --requests {requests} --ways --truth truth.csv");
    let simulated = run(folder, &arguments.split(' ').collect::<Vec<_>>());
    assert_eq!(simulated.code, 0, "{}", simulated.err);
    let hidden: String = simulated.out.lines().map(hide_line).collect();
    write(folder, "access.log", hidden.as_bytes());
    write(folder, "unlearned.toml", UNLEARNED.as_bytes());
}

/// A combined line; what is not read as one stays as it is.
fn hide_line(line: &str) -> String {
    let mut parts: Vec<String> = line.split('"').map(str::to_owned).collect();
    if parts.len() >= 7 {
        let mut request: Vec<String> = parts[1].split(' ').map(str::to_owned).collect();
        if request.len() == 3 && request[1].starts_with('/') && request[1] != "/robots.txt" {
            request[1] = hide_path(&request[1]);
        }
        parts[1] = request.join(" ");
        if let Some((site, path)) = parts[3]
            .split_once("://")
            .and_then(|(scheme, rest)| Some((format!("{scheme}://"), rest.split_once('/')?)))
            .map(|(scheme, (host, path))| (format!("{scheme}{host}/"), path.to_owned()))
        {
            parts[3] = site + &hide_path(&path);
        }
    }
    parts.join("\"") + "\n"
}

fn hide_path(target: &str) -> String {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let segments: Vec<String> = path.split('/').map(hide_segment).collect();
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    segments.join("/") + &query
}

/// Letters for a segment. Ids stay, they are no words, and so do endings, which tell files that pages load.
fn hide_segment(segment: &str) -> String {
    let is_id = segment.len() == 36 || segment.bytes().all(|byte| byte.is_ascii_digit());
    if is_id {
        return segment.to_owned();
    }
    let is_ending = |(_, ending): &(&str, &str)| (2..=5).contains(&ending.len()) && *ending != "php";
    let (stem, ending) = match segment.rsplit_once('.').filter(is_ending) {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (segment, String::new()),
    };
    let mut hasher = DefaultHasher::new();
    stem.hash(&mut hasher);
    let letters = hasher
        .finish()
        .to_be_bytes()
        .map(|byte| char::from(b'a' + byte % 26));
    letters.iter().collect::<String>() + &ending
}

/// Attackers of a kind that were acted on, and those of them whose kind was named rightly; innocents that were acted on.
fn caught(folder: &Path, kind: &str, options: &[&str]) -> (u64, u64, u64) {
    let mut arguments = vec![
        "evaluate",
        "--truth",
        "truth.csv",
        "--output",
        "json",
        "access.log",
    ];
    arguments.extend(options);
    let judged = run(folder, &arguments);
    assert_eq!(judged.code, 0, "{}", judged.err);
    let figures: Value = serde_json::from_str(&judged.out).unwrap();
    let kinds = figures["kinds"].as_array().unwrap();
    let of_kind = kinds.iter().find(|entry| entry["kind"] == kind).unwrap();
    let count = |from: &Value, name: &str| from[name].as_u64().unwrap();
    (
        count(of_kind, "caught"),
        count(of_kind, "named_rightly"),
        count(&figures, "wrong"),
    )
}

fn more_is_caught(scenario: &str, requests: u32, kind: &str) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    play(folder.path(), scenario, requests);
    let without = caught(folder.path(), kind, &["--config", "unlearned.toml"]);
    let with = caught(folder.path(), kind, &[]);
    assert!(
        with.0 > without.0 && with.1 > without.1 && with.2 <= without.2,
        "(caught, named, wrong): {without:?} without learned roles, {with:?} with them"
    );
    let scan = run(folder.path(), &["scan", "--output", "json", "access.log"]);
    let summary: Value = serde_json::from_str(scan.out.lines().last().unwrap()).unwrap();
    assert!(
        summary["learned_roles"]
            .as_array()
            .is_some_and(|roles| !roles.is_empty()),
        "{summary}"
    );
    (without.0, with.0)
}

#[test]
fn where_wrong_passwords_are_answered_200_stuffing_is_caught_once_the_login_is_learned() {
    let (without, with) = more_is_caught("mixed_cms", 300_000, "credential_stuffing");
    assert!(
        with >= without * 5,
        "{without} without learned roles, {with} with them"
    );
}

#[test]
fn guessed_vouchers_are_business_abuse_once_paying_is_learned() {
    more_is_caught("mixed_api", 250_000, "business_flow_abuse");
}
