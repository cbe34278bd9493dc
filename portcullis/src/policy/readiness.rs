//! Whether what was decided in shadow may be carried out: it was watched for long enough, a person has looked at whom it would have cost
//! most, nobody of them was harmless, and nothing makes it blind.

use domain::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// So long decisions have to be watched: people do other things at weekends.
const DAYS_MIN: i64 = 7;

/// Successful requests from which on a client is somebody whom a wrong decision would cost.
const SUCCESSES_MIN: u64 = 10;

/// What is missing, a sentence each; nothing when decisions in shadow may be carried out. `decisions`, `alerts` and `alarms` are as the
/// API lists them.
pub(crate) fn missing(
    decisions: &[Value],
    alerts: &[Value],
    alarms: &[Value],
    now: Timestamp,
) -> Vec<String> {
    let mut missing = Vec::new();
    let moment = |value: &Value| value.as_str().and_then(Timestamp::parse_rfc3339);
    let days = |at: Timestamp| now.millis_since(at) / 86_400_000;
    let first = decisions
        .iter()
        .filter_map(|decision| moment(&decision["event_at"]))
        .min();
    match first.map(days) {
        None => missing.push("nothing was decided in shadow yet: there is nothing to look at".to_owned()),
        Some(watched) if watched < DAYS_MIN => missing.push(format!(
            "the first decision in shadow is {watched} days old: watch it for {DAYS_MIN}, a weekend included"
        )),
        Some(_) => {}
    }
    let is_late = |at: &Value| moment(at).is_some_and(|at| days(at) < DAYS_MIN);
    let verdicts: BTreeMap<&str, Option<&str>> = alerts
        .iter()
        .filter_map(|alert| Some((alert["id"].as_str()?, alert["verdict"]["judgement"].as_str())))
        .collect();
    let costly: BTreeSet<&str> = decisions
        .iter()
        .filter(|decision| is_late(&decision["event_at"]) && is_costly(decision))
        .filter_map(|decision| decision["alert_id"].as_str())
        .collect();
    let of_costly = |judgement: Option<&str>| {
        let known = costly.iter().map(|id| verdicts.get(id).copied().flatten());
        known.filter(|known| *known == judgement).count()
    };
    let open = of_costly(None);
    if open > 0 {
        missing.push(format!(
            "{open} of {} alerts about clients with {SUCCESSES_MIN} or more successful requests, or with others at their address, are not judged: \
             `portcullis alerts --verdict none` lists them",
            costly.len()
        ));
    }
    let wrong = alerts
        .iter()
        .filter(|alert| is_late(&alert["alerted_at"]) && alert["verdict"]["judgement"] == "false_positive");
    let wrong = wrong.count();
    if wrong > 0 {
        missing.push(format!(
            "{wrong} alerts of the last {DAYS_MIN} days were judged false positives: find out what they have in common, and make a clause or an \
             allowlist entry of it"
        ));
    }
    let raised: BTreeSet<&str> = alarms
        .iter()
        .filter(|alarm| alarm["cleared_at"].is_null())
        .filter_map(|alarm| alarm["name"].as_str())
        .collect();
    if !raised.is_empty() {
        let names: Vec<&str> = raised.into_iter().collect();
        missing.push(format!("alarms are raised: {}", names.join(", ")));
    }
    missing
}

/// Whether a decision would cost something if it were wrong.
fn is_costly(decision: &Value) -> bool {
    let price = |name: &str| decision["price"][name].as_u64().unwrap_or_default();
    price("successful_requests") >= SUCCESSES_MIN || price("clients") > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2027-01-31T00:00:00Z").unwrap()
    }

    fn decision(alert: &str, day: u32, successes: u64) -> Value {
        json!({
            "alert_id": alert,
            "event_at": format!("2027-01-{day:02}T00:00:00Z"),
            "price": {"clients": 0, "successful_requests": successes},
        })
    }

    fn alert(id: &str, judgement: Option<&str>) -> Value {
        json!({
            "id": id,
            "alerted_at": "2027-01-30T00:00:00Z",
            "verdict": judgement.map(|judgement| json!({"judgement": judgement})),
        })
    }

    #[test]
    fn it_is_ready_when_it_was_watched_and_those_that_cost_were_attacks() {
        let decisions = [decision("a", 10, 0), decision("b", 30, 50), decision("c", 30, 0)];
        let alerts = [alert("b", Some("attack")), alert("c", None)];
        assert_eq!(missing(&decisions, &alerts, &[], now()), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let told = |decisions: &[Value], alerts: &[Value], alarms: &[Value]| {
            missing(decisions, alerts, alarms, now())
        };
        assert!(told(&[], &[], &[])[0].starts_with("nothing was decided"));
        assert!(told(&[decision("a", 29, 0)], &[], &[])[0].contains("2 days old"));
        let decisions = [decision("a", 10, 0), decision("b", 30, 50)];
        assert!(told(&decisions, &[alert("b", None)], &[])[0].starts_with("1 of 1 alerts"));
        let wrong = told(&decisions, &[alert("b", Some("false_positive"))], &[]);
        assert!(wrong[0].contains("judged false positives"), "{wrong:?}");
        let alarms = [
            json!({"name": "lag", "cleared_at": null}),
            json!({"name": "degraded", "cleared_at": "2027-01-30T00:00:00Z"}),
        ];
        let blind = told(&decisions, &[alert("b", Some("attack"))], &alarms);
        assert_eq!(blind, ["alarms are raised: lag"]);
    }
}
