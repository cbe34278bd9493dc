//! Scenarios as rules: what is carried over, what is named, what is refused.

use super::super::{read, rule_set};
use super::*;

const LEAKY: &str = "
type: leaky
name: Own/Path-Walk
description: \"walks\\nthrough\"
filter: \"evt.Meta.service == 'http' && evt.Meta.http_status in ['404', '403', '405'] && evt.Parsed.static_ressource == 'false'\"
groupby: \"evt.Meta.source_ip + '/' + evt.Parsed.target_fqdn\"
distinct: evt.Meta.http_path
capacity: 9
leakspeed: 500ms
blackhole: 5m
reprocess: true
labels:
  behavior: \"http:scan\"
  remediation: true
";

fn only(text: &str, action: Action) -> Imported {
    import(text, action).unwrap().remove(0)
}

#[test]
fn a_leaky_scenario_becomes_a_rule_that_says_what_is_missing() {
    let imported = only(LEAKY, Action::Block);
    let text = imported.rule.unwrap();
    let written = read("rules.toml", &text).unwrap();
    assert_eq!(rule_set(&written).unwrap().len(), 1);
    let expected = "# From the scenario Own/Path-Walk.
# Not carried over: distinct: paths count without their queries.
# Not carried over: blackhole: a rule is silent about a client for as long as its action holds.
# Not carried over: reprocess: what a rule says is not fed to other rules.
# Not carried over: name: written own/path-walk.
[[rule]]
name = \"own/path-walk\"
description = \"walks through\"
threat = \"reconnaissance\"
by = [\"address\", \"host\"]
count = 10
leak_secs = 0.5
distinct = \"path\"
action = \"block\"
for_secs = 14400
[[rule.when]]
is_asset = false
status = [\"403-405\"]
";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&text), sorted(expected), "{text}");
}

#[test]
fn triggers_counters_and_several_documents() {
    let text = "
type: trigger
name: own/once
filter: \"Lower(evt.Meta.http_path) contains '/.env' && !(evt.Parsed.verb == 'HEAD')\"
groupby: evt.Meta.source_ip
labels: { type: exploit }
---
type: counter
name: own/many
filter: evt.Meta.log_type == 'http_access-log'
groupby: evt.Meta.source_ip
capacity: 99
duration: 1m30s
";
    let all = import(text, Action::Observe).unwrap();
    let (once, many) = (all[0].rule.as_ref().unwrap(), all[1].rule.as_ref().unwrap());
    assert!(once.contains("count = 1\nwithin_secs = 1") && once.contains("threat = \"injection\""));
    assert!(
        once.contains("[rule.unless]\nmethod = \"HEAD\"\n[[rule.when]]\ntarget = \"*/.env*\""),
        "{once}"
    );
    assert!(
        many.contains("count = 100\nwithin_secs = 90") && !many.contains("rule.when"),
        "{many}"
    );
    assert_eq!(all[1].notes.len(), 2, "{:?}", all[1].notes);
}

#[test]
fn what_would_count_more_is_refused() {
    let refused = |from: &str, to: &str, why: &str| {
        assert!(LEAKY.contains(from));
        let error = only(&LEAKY.replace(from, to), Action::Observe).rule.unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused("type: leaky", "type: bayesian", "type bayesian");
    refused("capacity: 9", "capacity: -1", "capacity -1");
    refused("capacity: 9", "capacity: 900", "found 901");
    refused("leakspeed: 500ms", "leakspeed: soon", "\"soon\"");
    refused(
        "+ evt.Parsed.target_fqdn",
        "+ evt.Parsed.program",
        "evt.Parsed.program",
    );
    refused(
        "distinct: evt.Meta.http_path",
        "distinct: evt.Parsed.file_name",
        "evt.Parsed.file_name",
    );
    refused(
        "blackhole: 5m",
        "cancel_on: evt.Parsed.verb == 'GET'",
        "cancel_on",
    );
    refused("static_ressource == 'false'", "weather == 'fair'", "weather");
    refused("'http' &&", "'http' && &&", "filter");
}

#[test]
fn what_is_no_scenario_is_refused() {
    for text in ["", "a: b", "- 1", "a: [", "\u{0}", "type: &a [*a, *a]"] {
        assert!(
            import(text, Action::Observe).is_err() || import(text, Action::Observe).unwrap()[0].rule.is_err(),
            "{text}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_filter_is_translated_or_refused_without_a_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "evt.Meta.http_path", "evt.Meta.http_status", "evt.Parsed.verb", "'4'", "'a.*b'", "'('", "contains", "matches",
            "==", "!=", "in", "[", "]", "(", ")", "&&", "||", "not", "!", ",", "let", "x", "=", ";", "Lower(", "{", "#", "+",
        ]), 0..40),
    ) {
        let scenario = serde_json::json!({
            "type": "trigger", "name": "own/any", "filter": words.join(" "), "groupby": "evt.Meta.source_ip",
        });
        if let Some(scenario) = scenario.as_object()
            && let Ok(text) = import_one(scenario, Action::Observe).rule
        {
            proptest::prop_assert!(read("rules.toml", &text).is_ok());
        }
    }
}
