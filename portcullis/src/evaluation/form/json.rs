//! For programs: one object a log, on one line.

use super::Shown;
use crate::evaluation::{ClientDays, MILLION, Named, Separation, Tally, Wrong};
use domain::ThreatKind;
use models::interval::{Proportion, median};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

pub(super) fn write(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut object = totals(shown);
    let figures = shown.figures;
    let kinds = figures.kinds.iter().map(|(kind, counts)| {
        let mut object = tally(counts);
        object.insert("kind".to_owned(), json!(kind));
        Value::Object(object)
    });
    object.insert("kinds".to_owned(), kinds.collect());
    let variants = figures.variants.iter().map(|((kind, variant), counts)| {
        let mut object = tally(counts);
        object.insert("kind".to_owned(), json!(kind));
        object.insert("variant".to_owned(), json!(variant));
        Value::Object(object)
    });
    object.insert("variants".to_owned(), variants.collect());
    let named = figures.named.iter().map(|(name, counts)| named(name, *counts));
    object.insert("named".to_owned(), named.collect());
    let warnings = figures.rows.separations();
    object.insert(
        "separations".to_owned(),
        warnings.iter().map(separation).collect(),
    );
    object.insert(
        "best_feature".to_owned(),
        figures.rows.best().as_ref().map(separation).into(),
    );
    if let Some(sweep) = shown.sweep {
        let points = sweep.points.iter().map(|point| {
            json!({
                "threshold": decimal(point.threshold), "precision": share(point.precision),
                "recall": share(point.recall), "false_positives": days(point.days),
            })
        });
        object.insert("thresholds".to_owned(), points.collect());
    }
    if shown.names {
        let wrong = figures.wrong.iter().chain(&figures.wrong_small);
        object.insert("wrongly_acted_on".to_owned(), wrong.map(wrongly).collect());
        let missed = figures
            .missed
            .iter()
            .map(|missed| json!({"client": missed.client.to_string(), "label": missed.label}));
        object.insert("missed".to_owned(), missed.collect());
    }
    serde_json::to_writer(&mut *out, &object)?;
    writeln!(out)
}

fn totals(shown: &Shown<'_>) -> Map<String, Value> {
    let figures = shown.figures;
    let mut object = tally(&figures.all);
    let mut add = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    add("log", json!(shown.name));
    add("lines", json!(figures.lines));
    add("parsed", json!(figures.parsed));
    add("innocent", json!(figures.innocent));
    add("innocent_members_of_campaigns", json!(figures.innocent_members));
    add("wrong", json!(figures.wrong.len()));
    add("wrong_small", json!(figures.wrong_small.len()));
    add("precision", share(figures.precision()));
    add("false_positive_rate", share(figures.false_positive_rate()));
    add("false_positives", days(figures.days()));
    let by_day = figures.by_day.iter().map(|(day, of_day)| {
        json!({"day": day.to_string().get(..10), "acted_on": of_day.acted, "client_days": of_day.all})
    });
    add("days", by_day.collect());
    let budgets = shown.verdicts().map(|(budget, verdict, can_be_shown)| {
        json!({"per_million_client_days": budget, "verdict": verdict.as_str(), "can_be_shown": can_be_shown})
    });
    add("budgets", budgets.collect());
    let left_out = figures
        .left_out
        .iter()
        .map(|(label, (clients, acted))| json!({"label": label, "clients": clients, "acted_on": acted}));
    add("left_out", left_out.collect());
    object
}

fn tally(tally: &Tally) -> Map<String, Value> {
    let delay = |sorted: &[u64], unit: f64| {
        median(sorted).map(|median| {
            let scaled = |value: u64| value as f64 / unit;
            json!({"value": scaled(median.estimate), "low": median.low.map(scaled), "high": median.high.map(scaled)})
        })
    };
    let pairs = [
        ("attackers", json!(tally.attackers)),
        ("caught", json!(tally.caught)),
        ("observed", json!(tally.observed)),
        ("early", json!(tally.early)),
        ("members_of_campaigns", json!(tally.members)),
        ("named_rightly", json!(tally.named)),
        ("recall", share(tally.recall())),
        ("prevented", share(tally.prevented_share())),
        ("median_requests_to_detection", whole(&tally.requests)),
        ("median_seconds_to_detection", delay(&tally.millis, 1e3).into()),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A median of counts.
fn whole(sorted: &[u64]) -> Value {
    median(sorted)
        .map(|median| json!({"value": median.estimate, "low": median.low, "high": median.high}))
        .into()
}

fn share(share: Proportion) -> Value {
    json!({
        "value": share.estimate, "low": share.low, "high": share.high, "count": share.successes, "of": share.trials
    })
}

fn days(days: ClientDays) -> Value {
    let rate = days.rate();
    json!({
        "acted_on": days.acted, "client_days": days.all, "per_million": rate.estimate * MILLION,
        "low": rate.low * MILLION, "high": rate.high * MILLION, "resolution": days.resolution(),
    })
}

fn named(name: &str, named: Named) -> Value {
    json!({
        "threat": name, "acted_on": named.acted, "attackers": named.attackers, "precision": share(named.precision())
    })
}

fn separation(separation: &Separation) -> Value {
    json!({
        "kind": separation.kind, "feature": separation.feature, "area_under_roc": separation.area,
        "attackers": separation.attackers, "innocent": separation.innocents,
    })
}

fn wrongly(wrong: &Wrong) -> Value {
    json!({
        "client": wrong.client.to_string(), "label": wrong.label, "action": wrong.action.as_str(),
        "threat": wrong.threat.map(ThreatKind::as_str), "feature": wrong.feature,
    })
}

/// A threshold as it was meant: 0.8, not the nearest single-precision number written out.
fn decimal(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}
