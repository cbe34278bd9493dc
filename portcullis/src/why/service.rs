//! The screen of a client from the running service: its page, as the dashboard shows it.

use super::missing::for_block;
use super::{
    ClientForm, EVIDENCE_SHOWN, EvidenceForm, FeatureForm, Screen, ThreatForm, Thresholds, WhatIfForm,
    furthest,
};
use crate::operator::{Api, ApiOptions};
use anyhow::bail;
use detector::policy::PolicySettings;
use domain::{Action, Client};
use serde_json::Value;

/// Asks the service for a client's page and explains it. Thresholds are known only with the service's configuration.
///
/// # Errors
/// When the API cannot be reached or refuses, or nothing is kept of the client.
pub(crate) fn from_service(
    client: &Client,
    options: &ApiOptions,
    policy: Option<&PolicySettings>,
) -> anyhow::Result<Screen> {
    let page = Api::new(options)?.get(&format!("/clients/{}", api::client_reference(client)), &[])?;
    if is_empty(&page) {
        bail!(
            "the service keeps nothing of {client}: pages are kept of those who stood out; `portcullis why {client} FILE` \
             explains anybody in a log"
        );
    }
    Ok(screen(client, &page, policy))
}

/// Whether nothing at all is said on a page.
fn is_empty(page: &Value) -> bool {
    let lists = ["alerts", "decisions", "orders"];
    let holds_none = lists
        .iter()
        .all(|list| page[list].as_array().is_none_or(Vec::is_empty));
    page["summary"].is_null() && page["protected_by"].is_null() && holds_none
}

fn screen(client: &Client, page: &Value, policy: Option<&PolicySettings>) -> Screen {
    let summary = &page["summary"];
    let mut screen = Screen {
        client: ClientForm::new(client),
        requests: summary["requests"].as_u64(),
        stopped: stopped(page),
        first_seen: text(&summary["first_seen"]),
        last_seen: text(&summary["last_seen"]),
        score: summary["score"].as_f64(),
        thresholds: policy.map(Thresholds::of),
        features: furthest(items(&page["features"]).map(feature).collect()),
        ..Screen::default()
    };
    if let Some(alert) = strongest(page) {
        judge(&mut screen, alert);
    }
    let protected = text(&page["protected_by"]).map(|reason| format!("allowlist: {reason}"));
    if let Some(reason) = protected.filter(|reason| !screen.held_back.contains(reason)) {
        screen.held_back.push(reason);
    }
    let mut decisions = items(&page["decisions"]);
    let is_shadow = decisions
        .next()
        .is_some_and(|decision| decision["mode"] == "shadow");
    if is_shadow {
        screen
            .held_back
            .push("shadow mode: decisions are recorded and not carried out".to_owned());
    }
    screen.notes.extend(notes(page));
    screen.missing_for_block = for_block(&screen, is_shadow);
    screen
}

/// Requests that were stopped, as the timeline counts them; `None` without one.
fn stopped(page: &Value) -> Option<u64> {
    let points = page["timeline"].as_array()?;
    Some(points.iter().filter_map(|point| point["stopped"].as_u64()).sum())
}

/// The latest of the alerts with the strongest action.
fn strongest(page: &Value) -> Option<&Value> {
    let action = |alert: &Value| {
        alert["action"]
            .as_str()
            .and_then(|name| name.parse::<Action>().ok())
    };
    // They stand the latest first, and the last of equals wins.
    items(&page["alerts"]).rev().max_by_key(|alert| action(alert))
}

/// What was said and done about it.
fn judge(screen: &mut Screen, alert: &Value) {
    screen.score = alert["score"].as_f64().or(screen.score);
    screen.p_value = alert["p_value"].as_f64();
    screen.action = text(&alert["action"]);
    screen.action_at = text(&alert["action_at"]).or_else(|| text(&alert["alerted_at"]));
    let before = &alert["requests_before_action"];
    screen.requests_before_action = before.as_u64().or(alert["requests_before_alert"].as_u64());
    screen.held_back.extend(text(&alert["held_back"]));
    screen.blind_spots = items(&alert["blind_spots"]).filter_map(text).collect();
    let sentence = |kind: &str| {
        items(&alert["reasons"])
            .find(|reason| reason["feature"] == kind)
            .and_then(|reason| text(&reason["sentence"]))
    };
    let by_clause = sentence("policy").filter(|said| !screen.held_back.contains(said));
    screen.notes.extend(by_clause);
    screen.threats = items(&alert["threats"])
        .map(|threat| {
            let kind = text(&threat["kind"]).unwrap_or_default();
            let told = items(&alert["what_if"]).find(|what_if| what_if["threat"] == kind.as_str());
            ThreatForm {
                confidence: threat["confidence"].as_f64().unwrap_or_default() as f32,
                sentence: sentence(&kind).unwrap_or_default(),
                less: told.and_then(|what_if| text(&what_if["sentence"])),
                what_if: told.map(what_if),
                kind,
                ..ThreatForm::default()
            }
        })
        .collect();
    screen.evidence = items(&alert["evidence"])
        .take(EVIDENCE_SHOWN)
        .map(evidence)
        .collect();
}

fn what_if(told: &Value) -> WhatIfForm {
    let number = |name: &str| told[name].as_f64().map(|value| value as f32);
    WhatIfForm {
        quantity: text(&told["quantity"]).unwrap_or_default(),
        value: number("value").unwrap_or_default(),
        silent_at: number("silent_at"),
        milder_at: number("milder_at"),
        blocked_at: number("blocked_at"),
    }
}

fn evidence(entry: &Value) -> EvidenceForm {
    EvidenceForm {
        file: format!("source {}", entry["source"]),
        line: entry["line"].as_u64().unwrap_or_default(),
        at: text(&entry["at"]).unwrap_or_default(),
        request: text(&entry["request"]).unwrap_or_default(),
        status: entry["status"].as_u64().unwrap_or_default(),
    }
}

fn feature(feature: &Value) -> FeatureForm {
    FeatureForm {
        name: text(&feature["name"]).unwrap_or_default(),
        unit: text(&feature["unit"]).unwrap_or_default(),
        value: feature["value"].as_f64().unwrap_or_default(),
        typical: feature["typical"].as_f64(),
        contribution: feature["contribution"].as_f64().unwrap_or_default(),
    }
}

/// What is in force, what people ordered, and where the rest of an explanation is to be had.
fn notes(page: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(text(&page["in_force"]).map(|id| format!("the decision {id} is in force about it")));
    let orders = items(&page["orders"]).take(3).map(|order| {
        let part = |name: &str| text(&order[name]).unwrap_or_default();
        format!("ordered by {}: {} ({})", part("by"), part("kind"), part("reason"))
    });
    notes.extend(orders);
    notes
}

fn items(list: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Scope;
    use serde_json::json;

    #[test]
    fn a_page_becomes_a_screen() {
        let page = json!({
            "summary": {"requests": 40, "first_seen": "a", "last_seen": "b", "score": 0.4},
            "features": [{"name": "visit_rate", "unit": "1/s", "value": 2.0, "typical": 0.1, "contribution": 0.5}],
            "timeline": [{"stopped": 3}, {"stopped": 4}],
            "alerts": [
                {"action": "observe", "threats": [], "reasons": [], "evidence": []},
                {"action": "throttle", "score": 0.9, "held_back": "allowlist: partner",
                 "threats": [{"kind": "scraping", "confidence": 0.85}],
                 "reasons": [{"feature": "scraping", "sentence": "it took 300 pages"}],
                 "blind_spots": ["rhythm within a second"],
                 "what_if": [{"threat": "scraping", "quantity": "pages", "value": 300.0, "silent_at": 120.0,
                              "sentence": "at most 120 pages"}],
                 "evidence": [{"source": 1, "line": 7, "at": "t", "request": "GET /", "status": 200}]},
            ],
            "decisions": [], "orders": [], "in_force": null, "protected_by": "partner",
        });
        let client = Client::parse(Scope::Ip, "203.0.113.9").unwrap();
        let policy = PolicySettings::default();
        let found = screen(&client, &page, Some(&policy));
        assert_eq!((found.requests, found.stopped), (Some(40), Some(7)));
        assert_eq!(found.action.as_deref(), Some("throttle"));
        assert_eq!(found.threats[0].sentence, "it took 300 pages");
        assert_eq!(found.threats[0].less.as_deref(), Some("at most 120 pages"));
        assert_eq!(found.blind_spots, ["rhythm within a second"]);
        assert_eq!(found.held_back, ["allowlist: partner"]);
        assert!(found.missing_for_block[0].contains("0.850"));
        assert_eq!((found.features.len(), found.evidence.len()), (1, 1));
        assert!(!is_empty(&page));
    }

    #[test]
    fn a_page_that_says_nothing_is_empty() {
        let page =
            json!({"summary": null, "alerts": [], "decisions": [], "orders": [], "protected_by": null});
        assert!(is_empty(&page));
    }
}
