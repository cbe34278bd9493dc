//! `portcullis rules` and `scan --rules`: what they print, and their exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

mod binary;

use binary::{line, run, write};

const RULE: &str = r#"
[[rule]]
name = "own/reports"
threat = "scraping"
by = "client"
count = 4
within_secs = 60
action = "throttle"
for_secs = 60
when = { path = "/reports/*" }
[[rule.test]]
name = "four reports fire"
requests = "0 203.0.113.9 GET /reports/7 200 x4"
fires = ["203.0.113.9"]
"#;

#[test]
fn tests_of_rules_decide_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "right.toml", RULE.as_bytes());
    let right = run(folder, &["rules", "test", "right.toml"]);
    assert_eq!(right.code, 0, "{}", right.err);
    assert!(
        right.out.contains("1 rules, 1 tests passed, 0 failed"),
        "{}",
        right.out
    );

    write(folder, "failing.toml", RULE.replace("x4", "x3").as_bytes());
    let failing = run(folder, &["rules", "test", "failing.toml"]);
    assert_eq!(failing.code, 1);
    assert!(
        failing.out.contains("expected: it fires for 203.0.113.9")
            && failing.out.contains("it fires for nobody"),
        "{}",
        failing.out
    );

    write(
        folder,
        "wrong.toml",
        RULE.replace("count = 4", "count = 0").as_bytes(),
    );
    for command in [["rules", "test", "wrong.toml"], ["rules", "list", "wrong.toml"]] {
        let wrong = run(folder, &command);
        assert_eq!(wrong.code, 2);
        assert!(
            wrong.err.contains("wrong.toml:6: rule[0].count: found 0"),
            "{}",
            wrong.err
        );
    }
    assert_eq!(run(folder, &["rules", "test", "missing.toml"]).code, 1);
}

#[test]
fn the_shipped_rules_pass_and_are_listed_with_those_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(run(folder, &["rules", "test"]).code, 0);
    write(folder, "own.toml", RULE.as_bytes());
    let list = run(folder, &["rules", "list", "own.toml"]);
    assert!(
        list.out.contains("own/reports") && list.out.contains("sign-in-refusals"),
        "{}",
        list.out
    );
    let roles = run(folder, &["rules", "roles", "/api/v1/login", "/"]);
    assert!(roles.out.starts_with("login"), "{}", roles.out);
}

#[test]
fn a_scan_acts_by_a_rule_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "own.toml", RULE.as_bytes());
    let lines: String = (0..4)
        .map(|second| line(second, "203.0.113.9", "GET /reports/7 HTTP/1.1", 200))
        .collect();
    write(folder, "access.log", lines.as_bytes());
    let without = run(folder, &["scan", "--output", "json", "access.log"]);
    assert!(!without.out.contains("203.0.113.9"), "{}", without.out);
    let with = run(
        folder,
        &["scan", "--rules", "own.toml", "--output", "json", "access.log"],
    );
    assert!(
        with.out.contains("rule own/reports: 4 requests within 60 s")
            && with.out.contains("\"action\":\"throttle\""),
        "{}",
        with.out
    );
    let allowed = [
        "scan",
        "--rules",
        "own.toml",
        "--own-range",
        "203.0.113.0/24",
        "--fail-on",
        "throttle",
        "access.log",
    ];
    assert_eq!(run(folder, &allowed).code, 0);
}

#[test]
fn a_log_proposes_roles_that_the_configuration_takes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lines: String = (0..8u64)
        .flat_map(|client| [(client, 401), (client, 302)])
        .map(|(client, status)| {
            line(
                client,
                &format!("203.0.113.{client}"),
                "POST /konto/anmelden HTTP/1.1",
                status,
            )
        })
        .collect();
    write(folder, "access.log", lines.as_bytes());
    let proposed = run(folder, &["rules", "roles", "--log", "access.log"]);
    assert!(
        proposed.out.starts_with("# 8 of 8 clients"),
        "{} {}",
        proposed.out,
        proposed.err
    );
    write(folder, "portcullis.toml", proposed.out.as_bytes());
    let roles = run(
        folder,
        &["rules", "roles", "--config", "portcullis.toml", "/konto/anmelden"],
    );
    assert!(
        roles.out.starts_with("login ") && roles.out.contains("by the configuration"),
        "{}",
        roles.out
    );
}

#[test]
fn an_imported_scenario_is_a_rule_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let scenario = "type: leaky\nname: own/missing\nfilter: \"evt.Meta.http_status == '404'\"\n\
                    groupby: evt.Meta.source_ip\ncapacity: 5\nleakspeed: 10s\nblackhole: 1m\n\
                    labels: { behavior: 'http:scan' }\n";
    write(folder, "one.yaml", scenario.as_bytes());
    let import = run(folder, &["rules", "import", "one.yaml"]);
    assert_eq!(import.code, 0, "{}", import.err);
    assert!(import.err.contains("own/missing: blackhole"), "{}", import.err);
    write(folder, "imported.toml", import.out.as_bytes());
    assert_eq!(run(folder, &["rules", "test", "imported.toml"]).code, 0);

    write(
        folder,
        "two.yaml",
        scenario.replace("leaky", "bayesian").as_bytes(),
    );
    let refused = run(folder, &["rules", "import", "two.yaml"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("type bayesian"), "{}", refused.err);
}
