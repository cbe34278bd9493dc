//! `portcullis policy`, and what a policy changes in `scan`, `why` and `config`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{Run, line, run, write};
use std::path::Path;

/// Guess passwords, one every two seconds: the second by way of a partner's range.
const ATTACKER: &str = "203.0.113.9";
const PARTNER: &str = "198.51.100.7";

const POLICY: &str = r#"
name = "shop"
version = "2026-11-28"
[[clause]]
name = "partner"
action = "observe"
when = { client = "198.51.100.0/24" }
[[clause]]
name = "guessers"
action = "throttle"
for_secs = [120, 600]
when = { threat = ["credential_cracking", "credential_stuffing"], only_role = "login" }
[[test]]
name = "the partner is let through"
given = { threat = "scraping", confidence = 0.99, client = "198.51.100.7" }
expect = { action = "observe", clause = "partner" }
[[test]]
name = "whoever guesses again is slowed down for longer"
given = { threat = "credential_cracking", confidence = 0.95, role = "login", offences = 1 }
expect = { action = "throttle", for_secs = 600, clause = "guessers" }
"#;

const CONFIG: &str = "[policy]\nfile = \"policy.toml\"\n";

/// The two among visitors who read pages.
fn log(folder: &Path) {
    let mut text = String::new();
    for step in 0..40 {
        for client in [ATTACKER, PARTNER] {
            let guess = format!("POST /login?token=s3cret{step} HTTP/1.1");
            text.push_str(&line(step * 2, client, &guess, 401));
        }
        for visitor in 1..=10 {
            let page = format!("GET /page/{} HTTP/1.1", (step + visitor) % 7);
            text.push_str(&line(step * 2 + 1, &format!("192.0.{visitor}.44"), &page, 200));
        }
    }
    write(folder, "access.log", text.as_bytes());
}

/// What was done about a client, and what held more of it back.
fn told(run: &Run, client: &str) -> (String, String) {
    let alerts = run.alerts();
    let alert = alerts.iter().find(|alert| alert["client"]["value"] == client);
    let alert = alert.unwrap_or_else(|| panic!("{client} is in the report: {}", run.out));
    let text = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
    (text("action"), text("held_back"))
}

#[test]
fn tests_of_a_policy_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "right.toml", POLICY.as_bytes());
    let right = run(folder, &["policy", "test", "right.toml"]);
    assert_eq!(right.code, 0, "{}", right.err);
    assert!(
        right
            .out
            .ends_with("policy shop 2026-11-28: 2 clauses, 2 tests passed, 0 failed\n"),
        "{}",
        right.out
    );

    write(
        folder,
        "failing.toml",
        POLICY.replace("for_secs = 600", "for_secs = 60").as_bytes(),
    );
    let failing = run(folder, &["policy", "test", "failing.toml"]);
    assert_eq!(failing.code, 1);
    for part in [
        "ok       the partner is let through\n",
        "FAILED   whoever guesses again is slowed down for longer (failing.toml:17)\n",
        "         expected: throttle, for 60 s, by clause guessers\n",
        "         found:    throttle, for 600 s, enforced, at all gateways, by clause guessers\n",
    ] {
        assert!(failing.out.contains(part), "{part}\n{}", failing.out);
    }

    write(
        folder,
        "wrong.toml",
        POLICY.replace("\"observe\"\nwhen", "\"ban\"\nwhen").as_bytes(),
    );
    for command in [
        ["policy", "test", "wrong.toml"],
        ["policy", "explain", "wrong.toml"],
    ] {
        let wrong = run(folder, &command);
        assert_eq!(wrong.code, 2);
        let expected = "wrong.toml:6: clause[0].action: found \"ban\", expected one of observe, challenge, throttle, block";
        assert!(wrong.err.contains(expected), "{}", wrong.err);
    }
    assert_eq!(run(folder, &["policy", "test", "missing.toml"]).code, 1);
}

#[test]
fn a_scan_with_a_policy_decides_otherwise_and_says_by_which_clause() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    log(folder);
    write(folder, "policy.toml", POLICY.as_bytes());
    write(folder, "portcullis.toml", CONFIG.as_bytes());
    let scan = ["scan", "--output", "json", "access.log"];
    let usual = run(folder, &scan);
    assert_eq!(told(&usual, ATTACKER), ("block".to_owned(), String::new()));
    assert_eq!(told(&usual, PARTNER).0, "block");
    for options in [["--config", "portcullis.toml"], ["--policy", "policy.toml"]] {
        let changed = run(folder, &[&scan[..], &options[..]].concat());
        assert_eq!(changed.code, 0, "{}", changed.err);
        let (action, held_back) = told(&changed, ATTACKER);
        assert_eq!(action, "throttle");
        let clause = "clause guessers of policy shop 2026-11-28 says throttle";
        assert!(
            held_back.is_empty() || held_back.starts_with(clause),
            "{held_back}"
        );
        assert!(changed.out.contains(clause), "{}", changed.out);
        assert_eq!(told(&changed, PARTNER).0, "observe");
        let clause = "clause partner of policy shop 2026-11-28 says observe";
        assert!(changed.out.contains(clause), "{}", changed.out);
    }
    let why = run(folder, &["why", PARTNER, "access.log", "--policy", "policy.toml"]);
    assert_eq!(why.code, 0, "{}", why.err);
    let held_back =
        "it was held back: clause partner of policy shop 2026-11-28 says observe, where block is usual";
    assert!(why.out.contains(held_back), "{}", why.out);
}

#[test]
fn the_whole_version_in_shadow_changes_what_is_stopped_and_not_what_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    log(folder);
    let shadow = "name = \"try\"\nversion = \"2\"\nmode = \"shadow\"\n[[clause]]\nname = \"all\"\naction = \"block\"\n";
    write(folder, "shadow.toml", shadow.as_bytes());
    let scan = ["scan", "--output", "json", "access.log"];
    let prevented = |run: &Run| {
        let alerts = run.alerts();
        let alert = alerts.iter().find(|alert| alert["client"]["value"] == ATTACKER);
        alert
            .and_then(|alert| alert["requests_prevented"].as_u64())
            .unwrap()
    };
    assert!(prevented(&run(folder, &scan)) > 0);
    let shadow = run(folder, &[&scan[..], &["--policy", "shadow.toml"]].concat());
    let (action, held_back) = told(&shadow, ATTACKER);
    assert_eq!((action.as_str(), prevented(&shadow)), ("block", 0));
    assert!(
        held_back.ends_with("in shadow: recorded and not carried out"),
        "{held_back}"
    );
}

#[test]
fn config_explains_the_policy_and_refuses_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "policy.toml", POLICY.as_bytes());
    write(folder, "portcullis.toml", CONFIG.as_bytes());
    let explained = run(folder, &["config", "explain", "portcullis.toml"]);
    assert_eq!(explained.code, 0, "{}", explained.err);
    for part in [
        "policy.file = \"policy.toml\"  # line 2\n",
        "# policy shop 2026-11-28 (policy.toml): 2 clauses, the first that fits decides\n",
        "# 1. partner: client 198.51.100.0/24 -> observe  # line 4\n",
    ] {
        assert!(explained.out.contains(part), "{part}\n{}", explained.out);
    }
    write(
        folder,
        "policy.toml",
        POLICY.replace("version", "versoin").as_bytes(),
    );
    for command in ["check", "explain"] {
        let wrong = run(folder, &["config", command, "portcullis.toml"]);
        assert_eq!(wrong.code, 2, "{}", wrong.err);
        let expected = "policy.toml:3: versoin: found an unknown key";
        assert!(wrong.out.contains(expected), "{}", wrong.out);
    }
}

#[test]
fn a_backtest_names_whom_another_policy_would_hit_and_whom_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    log(folder);
    write(folder, "policy.toml", POLICY.as_bytes());
    let backtest = |arguments: &[&str]| {
        let mut all = vec!["backtest", "--policy", "policy.toml", "--output", "json"];
        all.extend(arguments);
        all.push("access.log");
        run(folder, &all)
    };
    let found = backtest(&[]);
    assert_eq!(found.code, 0, "nobody is hit harder: {}", found.err);
    let rows: Vec<serde_json::Value> = found
        .out
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    let told: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["change"].as_str().unwrap(), row["client"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("hit less hard", ATTACKER), ("hit no more", PARTNER)]);
    // The other way round both are hit, and a pipeline is told.
    write(folder, "none.toml", b"name = \"none\"\nversion = \"1\"\n");
    let back = run(
        folder,
        &[
            "backtest",
            "--policy",
            "none.toml",
            "--against",
            "policy.toml",
            "access.log",
        ],
    );
    assert_eq!(back.code, 3, "{}", back.err);
    assert!(back.err.contains("1 newly hit, 1 hit harder"), "{}", back.err);
    let without = run(folder, &["backtest", "access.log"]);
    assert_eq!(without.code, 2, "{}", without.err);
}
