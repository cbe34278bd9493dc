//! A surge in words. It is shown and nothing else: a count names nobody.

use super::Circumstances;
use crate::population::{Expected, Quantity, Surge};
use crate::signal::RouteRole;
use crate::stage::cohort::CohortKey;
use crate::stage::kin::KinNames;
use domain::{Action, Alert, Client, DecisionId, Reason, Scope, ThreatClaim, ThreatKind, Timestamp, WhatIf};

/// What the reason of a surge's alert is called.
pub const SURGE: &str = "surge";

/// The name of the whole site: no host is called so.
const WHOLE_SITE: &str = "(all)";

/// Milliseconds of an hour and of a day.
const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// The days of the week, from that of 1970-01-01 on.
const WEEKDAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// Tells people of a surge.
pub(crate) fn alert(surge: &Surge, around: Circumstances<'_>) -> Alert {
    let client = client(surge);
    let threat = threat(surge);
    let value = f64::from(surge.count) as f32;
    Alert {
        id: identity(surge, &client, threat, around),
        threats: vec![ThreatClaim {
            kind: threat,
            // Of those that fail now, so many in a hundred an ordinary hour has as well.
            confidence: (1.0 - surge.expected.mean / f64::from(surge.count)).clamp(0.0, 0.99) as f32,
        }],
        client,
        score: (1.0 - surge.chance) as f32,
        p_value: surge.chance,
        action: Action::Observe,
        first_seen: surge.hour_at,
        alerted_at: surge.told_at,
        action_at: None,
        requests_before_alert: u64::from(surge.count),
        requests_before_action: None,
        reasons: vec![Reason {
            feature: SURGE,
            value,
            typical: surge.expected.mean as f32,
            contribution: 1.0,
            sentence: sentence(surge),
        }],
        what_if: vec![WhatIf {
            threat,
            quantity: surge.quantity.as_str(),
            value,
            asks_for: Some(Action::Observe),
            silent_at: Some(f64::from(surge.silent_at) as f32),
            milder_at: None,
            blocked_at: None,
        }],
        evidence: surge.evidence.clone(),
        held_back: None,
        model: around.scorer.version().to_owned(),
        members: Vec::new(),
        completeness: around.efforts.between(surge.hour_at, surge.told_at),
    }
}

/// The route, by the request of one of those who use it, or the whole site.
fn client(surge: &Surge) -> Client {
    let Some(template) = surge.template else {
        return Client::Named {
            scope: Scope::Host,
            value: WHOLE_SITE.into(),
        };
    };
    let route = CohortKey::Route(template);
    route.as_client(&route.name(&KinNames::default(), surge.evidence.first()))
}

/// What the hour names: another identity than that of a campaign on the same route, the same however often it is told.
fn identity(surge: &Surge, client: &Client, threat: ThreatKind, around: Circumstances<'_>) -> DecisionId {
    let mut id = around.hash_key.decision_id(client, threat, surge.hour_at);
    let mark = around.hash_key.hash(&("surge", surge.template)).to_le_bytes();
    id.0.iter_mut().zip(mark).for_each(|(byte, mark)| *byte ^= mark);
    id
}

fn threat(surge: &Surge) -> ThreatKind {
    match surge.role {
        RouteRole::OneTimeCode => ThreatKind::CredentialCracking,
        RouteRole::Login | RouteRole::PasswordReset => ThreatKind::CredentialStuffing,
        RouteRole::SignUp | RouteRole::Payment => ThreatKind::BusinessFlowAbuse,
        RouteRole::Admin => ThreatKind::PrivilegeProbing,
        _ if surge.quantity == Quantity::FailedSignIns => ThreatKind::CredentialStuffing,
        _ => ThreatKind::Reconnaissance,
    }
}

/// What is said of it. Holds no text from the log.
fn sentence(surge: &Surge) -> String {
    let place = if surge.template.is_some() {
        "on this route"
    } else {
        "on the whole site"
    };
    let in_all = surge.sign_ins.map_or_else(String::new, |(count, expected)| {
        format!(
            "; {count} failed sign-ins in all, where {} usual",
            usual(expected)
        )
    });
    format!(
        "{} {} {place} in this hour, where {} usual on a {}{in_all}",
        surge.count,
        surge.quantity.as_str(),
        usual(surge.expected),
        hour_of_week(surge.hour_at)
    )
}

/// What is usual, in words.
fn usual(expected: Expected) -> String {
    let (from, to) = expected.band();
    match (from.floor(), to.ceil()) {
        (_, to) if to < 1.0 => "none are".to_owned(),
        (_, to) if to < 2.0 => "at most one is".to_owned(),
        (from, to) if from < 1.0 => format!("at most {to} are"),
        (from, to) => format!("{from} to {to} are"),
    }
}

/// An hour as people say it: "Tuesday at 14 h UTC".
fn hour_of_week(at: Timestamp) -> String {
    let millis = at.as_millis();
    let day = WEEKDAYS[millis.div_euclid(DAY_MILLIS).rem_euclid(7) as usize];
    format!("{day} at {} h UTC", millis.rem_euclid(DAY_MILLIS) / HOUR_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_named_as_people_say_them() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", "Thursday at 0 h UTC"),
            ("2026-11-24T14:59:59Z", "Tuesday at 14 h UTC"),
            ("1969-12-31T23:00:00Z", "Wednesday at 23 h UTC"),
        ] {
            assert_eq!(hour_of_week(Timestamp::parse_rfc3339(text).unwrap()), expected);
        }
    }
}
