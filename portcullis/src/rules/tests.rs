//! Files of rules: what is wrong is named with its line, and what they say is what the detector does.

use super::{read, read_shipped, rule_set, run_trial, unheard};
use detector::rule::{By, DistinctOf, Pace, Who};
use domain::{Action, Scope};
use ingest::{IdentityPolicy, NamedIdentity};

const RULE: &str = r#"
[[rule]]
name = "mine"
threat = "scraping"
by = "client"
count = 3
within_secs = 10
action = "throttle"
for_secs = 60
"#;

fn problems(text: &str) -> Vec<String> {
    let report = read("rules.toml", text).expect_err("it is wrong").to_string();
    let mut lines: Vec<String> = report.lines().map(str::to_owned).collect();
    lines.pop();
    lines
}

#[test]
fn every_key_is_read() {
    let text = r#"
[[rule]]
name = "all/keys"
description = "every key"
threat = "object_enumeration"
by = ["api_key", "route", "host"]
count = 7
distinct = "object"
leak_secs = 2.5
action = "block"
for_secs = 3600
unless = { path = "/public/*", status = "3xx" }
[[rule.when]]
method = ["GET", "HEAD"]
status = [404, "5xx", "400-403"]
role = ["plain", "search"]
path = "/api/*"
query = "*id=*"
host = ["a.example", "b.example"]
user_agent = "*bot*"
referer = "https://*"
has_query = true
has_user_agent = true
has_referer = true
is_asset = false
is_malformed = false
is_probe = false
has_payload = false
feature = ["client_error_ratio > 0.5", "route_count<=9"]
[[rule.when]]
path = "/old/*"
"#;
    let written = read("rules.toml", text).unwrap().remove(0);
    let rule = written.rule;
    assert_eq!(
        (rule.action, rule.for_secs, written.line),
        (Action::Block, 3600, 2)
    );
    let by = By {
        who: Some(Who::Named(Scope::ApiKey)),
        route: true,
        host: true,
    };
    assert_eq!(rule.by, by);
    assert_eq!(rule.limit.pace, Pace::Leak { millis: 2500 });
    assert_eq!(rule.limit.distinct, Some(DistinctOf::Object));
    assert_eq!(rule.when.len(), 2);
    assert_eq!(rule.when[0].statuses, [(404, 404), (500, 599), (400, 403)]);
    assert_eq!(
        (rule.when[0].features.len(), rule.when[0].user_agents.len()),
        (2, 1)
    );
    assert_eq!((rule.unless.paths.len(), rule.unless.statuses.len()), (1, 1));
}

#[test]
fn what_is_wrong_is_named_with_line_value_and_what_was_expected() {
    let check = |from: &str, to: &str, expected: &str| {
        assert!(RULE.contains(from));
        let found = problems(&RULE.replace(from, to));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{} is not {expected}", found[0]);
    };
    check(
        "\"mine\"",
        "\"My rule\"",
        "rules.toml:3: rule[0].name: found \"My rule\", expected 1 to 64 lower-case",
    );
    check(
        "\"scraping\"",
        "\"scrapping\"",
        "rules.toml:4: rule[0].threat: found \"scrapping\", expected one of",
    );
    check(
        "\"client\"",
        "[\"client\", \"address\"]",
        "rules.toml:5: rule[0].by: found two kinds of clients",
    );
    check(
        "\"client\"",
        "\"route\"",
        "rules.toml:8: rule[0].action: found throttle, expected observe, or a client",
    );
    check(
        "count = 3",
        "count = 0",
        "rules.toml:6: rule[0].count: found 0, expected 1 to 1000000",
    );
    check(
        "count = 3",
        "count = \"3\"",
        "rules.toml:6: rule[0].count: found \"3\", expected a whole number",
    );
    check(
        "within_secs = 10",
        "within_secs = 0",
        "rules.toml:7: rule[0].within_secs: found 0",
    );
    check(
        "within_secs = 10\n",
        "",
        "rules.toml:2: rule[0].within_secs: found neither",
    );
    check(
        "for_secs = 60\n",
        "",
        "rules.toml:2: rule[0].for_secs: found nothing, expected how long",
    );
    check(
        "\"throttle\"",
        "\"challenge\"",
        "rules.toml:8: rule[0].action: found \"challenge\", expected one of",
    );
    check(
        "count = 3",
        "count = 3\ncuont = 4",
        "rules.toml:7: rule[0].cuont: found an unknown key",
    );
    check(
        "[[rule]]",
        "[[rules]]",
        "rules.toml:2: rules: found an unknown key, expected one of rule; did you mean rule?",
    );
}

#[test]
fn what_is_wrong_in_a_condition_is_named_with_line_value_and_what_was_expected() {
    let with = |key: &str, expected: &str| {
        let found = problems(&format!("{RULE}[rule.when]\n{key}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{} is not {expected}", found[0]);
    };
    with(
        "status = \"6xx\"",
        "rules.toml:11: rule[0].when.status: found \"6xx\", expected a status such as 404",
    );
    with(
        "role = [\"login\", \"logon\"]",
        "rules.toml:11: rule[0].when.role[1]: found \"logon\"",
    );
    with(
        "path = \"*a*b*c*d*e*\"",
        "rules.toml:11: rule[0].when.path: found \"*a*b*c*d*e*\", expected a pattern with at",
    );
    with(
        "feature = \"speed > 1\"",
        "rules.toml:11: rule[0].when.feature: found \"speed > 1\", expected a feature held",
    );
}

#[test]
fn a_rule_by_a_name_that_no_client_is_given_is_named() {
    let written = read("rules.toml", &RULE.replace("\"client\"", "\"subject\"")).unwrap();
    let warnings = unheard(&written, &IdentityPolicy::default());
    assert!(
        warnings[0].contains("mine (rules.toml:2) never fires: it counts by subject"),
        "{warnings:?}"
    );
    let identity = IdentityPolicy::preferring(vec![NamedIdentity::Subject]);
    assert!(unheard(&written, &identity).is_empty());
}

#[test]
fn several_problems_are_named_at_once() {
    let found = problems("[[rule]]\nname = 7\nby = \"clients\"\n[[rule]]\n");
    assert!(found.len() >= 8, "{found:?}");
}

#[test]
fn the_shipped_rules_pass_their_tests_and_each_has_one_that_fires_and_one_that_does_not() {
    let all = read_shipped().unwrap();
    assert!(rule_set(&all).unwrap().len() >= 5);
    for written in &all {
        let name = &written.rule.name;
        assert!(
            !written.rule.description.is_empty() && written.rule.action < Action::Block,
            "{name}"
        );
        let mut counts = (0, 0);
        for trial in &written.trials {
            let verdict = run_trial(written, trial).unwrap();
            assert!(verdict.is_right(), "{name}: {}: {verdict:?}", trial.name);
            if verdict.expected.is_empty() {
                counts.1 += 1;
            } else {
                counts.0 += 1;
            }
        }
        assert!(counts.0 > 0 && counts.1 > 0, "{name}");
    }
}

#[test]
fn the_rules_of_the_manual_are_right_and_do_what_it_says() {
    let page = include_str!("../../../docs/rules.md");
    let blocks = page.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let mut trials = 0;
    for block in blocks.filter(|block| block.contains("[[rule]]")) {
        let all = read("rules.md", block)
            .map_err(|report| report.to_string())
            .unwrap();
        rule_set(&all).unwrap();
        for (written, trial) in all
            .iter()
            .flat_map(|written| written.trials.iter().map(move |trial| (written, trial)))
        {
            let verdict = run_trial(written, trial).unwrap();
            assert!(verdict.is_right(), "{}: {verdict:?}", trial.name);
            trials += 1;
        }
    }
    assert!(trials >= 5);
}

#[test]
fn a_test_that_expects_the_wrong_client_fails() {
    let verdict = |fires: &str, requests: &str| {
        let text = format!("{RULE}[[rule.test]]\nname = \"it\"\nfires = {fires}\n{requests}\n");
        let written = read("rules.toml", &text)
            .map_err(|report| report.to_string())
            .unwrap();
        run_trial(&written[0], &written[0].trials[0]).unwrap()
    };
    let table = "requests = \"\"\"\n0 203.0.113.9 GET /a 200 x3/1\n5 203.0.113.10 GET /a?b=1 404 agent=\\\"a b\\\"\n\"\"\"";
    assert!(verdict("[\"203.0.113.9\"]", table).is_right());
    assert!(!verdict("[\"203.0.113.10\"]", table).is_right());
    assert!(!verdict("[\"203.0.113.9\", \"203.0.113.10\"]", table).is_right());
    assert!(!verdict("[]", table).is_right());
    let line = |second: u32| {
        format!(
            "203.0.113.9 - - [25/Nov/2026:10:00:{second:02} +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8\"\n"
        )
    };
    let log = format!("log = '''\n{}{}{}'''", line(0), line(1), line(2));
    let verdict = verdict("[\"203.0.113.9\"]", &log);
    assert!(verdict.is_right(), "{verdict:?}");
}

#[test]
fn a_test_that_cannot_be_read_says_how_one_is_written() {
    for requests in [
        "0 203.0.113.9 GET /a",
        "0 nobody GET /a 200",
        "0 203.0.113.9 GET /a 200 y3",
        "0 203.0.113.9 GET /a 200 x20000",
    ] {
        let text = format!("{RULE}[[rule.test]]\nname = \"it\"\nfires = []\nrequests = \"{requests}\"\n");
        let found = problems(&text);
        assert!(
            found[0].contains("rule[0].test[0].requests") && found[0].contains("SECONDS CLIENT"),
            "{found:?}"
        );
    }
}
