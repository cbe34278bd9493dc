//! `why` explains one client on one screen, whether or not it was ever alerted on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{Run, line, run, write};
use serde_json::Value;
use std::path::Path;

/// Guesses passwords, one every two seconds.
const ATTACKER: &str = "203.0.113.9";
/// Reads pages.
const VISITOR: &str = "198.51.100.7";
/// Guesses as the attacker does, and only a few times.
const FORGETFUL: &str = "192.0.2.44";

/// A log of the three, in which the attacker's lines name a secret and an escape sequence.
fn log(folder: &Path) {
    let mut text = String::new();
    for step in 0..40 {
        let path = format!("POST /login?token=s3cret{step} HTTP/1.1");
        text.push_str(&line(step * 2, ATTACKER, &path, 401));
        text.push_str(&line(
            step * 2 + 1,
            VISITOR,
            &format!("GET /page/{} HTTP/1.1", step % 7),
            200,
        ));
        if step < 6 {
            text.push_str(&line(step * 2 + 1, FORGETFUL, "POST /login HTTP/1.1", 401));
        }
    }
    write(folder, "access.log", text.as_bytes());
}

fn why(arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    log(folder.path());
    let arguments: Vec<&str> = ["why"].iter().chain(arguments).copied().collect();
    run(folder.path(), &arguments)
}

fn screen(arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
    let run = why(&all);
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn an_attacker_is_told_of_with_its_threat_its_action_and_what_less_would_have_done() {
    let run = why(&[ATTACKER, "access.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for part in [
        "ip 203.0.113.9",
        "40 requests",
        "action block at ",
        "credential_",
        "it failed to sign in ",
        "it would not have fired with at most ",
        " tries to sign in instead of ",
        "nothing: it was blocked",
        "features furthest from usual",
        "access.log:1 ",
        "token=***",
        "request bodies and cookies",
        "whole seconds",
    ] {
        assert!(run.out.contains(part), "{part} is missing in:\n{}", run.out);
    }
    assert!(!run.out.contains("s3cret"), "{}", run.out);
}

#[test]
fn what_less_would_have_done_is_true_of_a_log_with_less() {
    let found = screen(&[ATTACKER, "access.log"]);
    let what_if = &found["threats"][0]["what_if"];
    let silent_at = what_if["silent_at"].as_f64().unwrap();
    assert!(silent_at < what_if["milder_at"].as_f64().unwrap());
    let guesses = |count: u64| {
        let folder = tempfile::tempdir().unwrap();
        let lines = (0..count).map(|step| line(step * 2, ATTACKER, "POST /login HTTP/1.1", 401));
        write(folder.path(), "access.log", lines.collect::<String>().as_bytes());
        let run = run(folder.path(), &["scan", "--output", "json", "access.log"]);
        run.alerts().len()
    };
    assert_eq!(guesses(silent_at.floor() as u64), 0, "{silent_at}");
    assert_eq!(guesses(40), 1);
}

#[test]
fn nothing_speaks_against_an_ordinary_client() {
    let run = why(&[VISITOR, "access.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.contains("no action: nothing speaks against it"),
        "{}",
        run.out
    );
    assert!(run.out.contains("nothing it did names a threat"), "{}", run.out);
}

#[test]
fn who_was_not_blocked_is_told_what_was_missing() {
    let found = screen(&[FORGETFUL, "access.log"]);
    assert_ne!(found["action"], "block");
    let missing = found["missing_for_block"].as_array().unwrap();
    assert!(!missing.is_empty());
    assert_eq!(found["requests"], 6);
}

#[test]
fn a_client_that_is_in_no_line_is_said_to_be_in_none() {
    let run = why(&["203.0.113.200", "access.log"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.contains("203.0.113.200 sent none of the 86 requests")
            && run.err.contains("portcullis parse"),
        "{}",
        run.err
    );
    assert_eq!(why(&["alice", "access.log"]).code, 2);
}

#[test]
fn the_allowlist_is_named_where_it_holds_a_block_back() {
    let found = screen(&[ATTACKER, "--own-range", "203.0.113.0/24", "access.log"]);
    assert_eq!(
        (found["action"].as_str(), found["wanted"].as_str()),
        (Some("observe"), Some("block"))
    );
    let reason = "allowlist: one of your own ranges";
    assert!(
        found["held_back"][0].as_str().unwrap().starts_with(reason),
        "{found}"
    );
    let missing = found["missing_for_block"][0].as_str().unwrap();
    assert!(missing.contains(reason), "{missing}");
}

#[test]
fn shadow_mode_is_named_as_what_keeps_a_block_from_being_carried_out() {
    let run = why(&[ATTACKER, "--mode", "cold", "access.log"]);
    assert!(run.out.contains("shadow mode"), "{}", run.out);
}

#[test]
fn a_member_of_a_campaign_is_told_so_and_the_campaign_names_its_members() {
    let folder = tempfile::tempdir().unwrap();
    let lines = (0..54u64).map(|step| {
        let (member, guess) = (step / 9, step % 9);
        let request = format!("GET /old{member}x{guess}.php HTTP/1.1");
        line(step * 2, &format!("203.0.113.{}", 10 + member), &request, 404)
    });
    write(folder.path(), "access.log", lines.collect::<String>().as_bytes());
    let member = run(folder.path(), &["why", "203.0.113.14", "access.log"]);
    assert!(
        member.out.contains("it is one of the campaign 203.0.113.0/24"),
        "{}",
        member.out
    );
    // By itself it would not be blocked: what it would be depends on how the model scores so few requests.
    let alone = ["observe", "throttle"].map(|action| format!("its evidence alone asks for {action}"));
    assert!(
        member.out.contains("action block") && alone.iter().any(|alone| member.out.contains(alone)),
        "{}",
        member.out
    );
    let campaign = run(folder.path(), &["why", "203.0.113.0/24", "access.log"]);
    assert!(
        campaign.out.contains("it is a campaign of 203.0.113.10, "),
        "{}",
        campaign.out
    );
}

#[test]
fn without_a_log_or_a_key_standard_input_is_read() {
    let run = why(&[ATTACKER]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("none of the 0 requests"), "{}", run.err);
}
