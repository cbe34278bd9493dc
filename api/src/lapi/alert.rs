//! Alerts as CrowdSec's machines push and read them. One of ours stands for one decision, or for one report of a machine: both are
//! numbered by the one counter, so that a number names either.

use super::duration::{push_go_duration, read_go_duration};
use super::wire::{SCENARIO_PREFIX, Wire, scope_name};
use crate::neutral::neutralise;
use crate::wire::ORDER_SECS_MAX;
use domain::blocklist::Entry;
use domain::{Client, Order, OrderKind, Scope, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use storage::{REASON_BYTES_MAX, SCENARIO_BYTES_MAX};

/// Most alerts of one push: CrowdSec's machines send what one second brought.
const ALERTS_MAX: usize = 500;
/// Most orders and reports that one push may come to: `cscli decisions import` sends a thousand at a time.
const ORDERS_MAX: usize = 1_000;

/// An alert as it is pushed, as far as it is read: its events and meta stay with the machine.
#[derive(Debug, Deserialize)]
pub(super) struct PushedAlert {
    #[serde(default)]
    scenario: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    simulated: bool,
    #[serde(default)]
    events_count: i64,
    source: Option<Source>,
    #[serde(default)]
    decisions: Option<Vec<PushedDecision>>,
}

#[derive(Debug, Deserialize)]
struct Source {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    ip: String,
}

#[derive(Debug, Deserialize)]
struct PushedDecision {
    duration: String,
    scope: String,
    value: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    simulated: bool,
}

/// What a pushed alert comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) kind: OrderKind,
    pub(super) client: Client,
    pub(super) reason: String,
}

/// Reads a push: for each alert what it comes to. What an operator's machine decides is ordered, everything else reported.
pub(super) fn read(body: &[u8], is_operator: bool, now: Timestamp) -> Result<Vec<Vec<Pushed>>, String> {
    let alerts: Vec<PushedAlert> =
        serde_json::from_slice(body).map_err(|error| format!("could not read the alerts: {error}"))?;
    if alerts.len() > ALERTS_MAX {
        return Err(format!(
            "{} alerts at once, at most {ALERTS_MAX} are taken",
            alerts.len()
        ));
    }
    let pushed: Vec<Vec<Pushed>> = alerts
        .iter()
        .map(|alert| alert.read(is_operator, now))
        .collect::<Result<_, _>>()?;
    let count: usize = pushed.iter().map(Vec::len).sum();
    if count > ORDERS_MAX {
        return Err(format!(
            "{count} decisions at once, at most {ORDERS_MAX} are taken"
        ));
    }
    Ok(pushed)
}

impl PushedAlert {
    fn read(&self, is_operator: bool, now: Timestamp) -> Result<Vec<Pushed>, String> {
        let decisions = self.decisions.as_deref().unwrap_or_default();
        if decisions.is_empty() {
            let source = self.source.as_ref().ok_or("an alert without a source")?;
            let value = if source.value.is_empty() {
                &source.ip
            } else {
                &source.value
            };
            let client = client(&source.scope, value)?;
            return Ok(vec![self.report(client, None)]);
        }
        let each = decisions.iter().map(|decision| {
            let client = client(&decision.scope, &decision.value)?;
            let secs = read_go_duration(&decision.duration)
                .map(|millis| millis / 1000)
                .filter(|secs| (1..=i64::from(ORDER_SECS_MAX)).contains(secs))
                .ok_or_else(|| {
                    let text: String = decision.duration.chars().take(32).collect();
                    format!("a decision holds for a second to {ORDER_SECS_MAX} of them, not {text:?}")
                })?;
            let is_simulated = self.simulated || decision.simulated;
            if !is_operator || is_simulated {
                let until = (!is_simulated).then(|| now.plus_secs(secs));
                return Ok(self.report(client, until));
            }
            if !decision.kind.eq_ignore_ascii_case("ban") {
                return Err(
                    "a person orders bans: who is throttled or challenged is decided here".to_owned(),
                );
            }
            Ok(Pushed {
                kind: OrderKind::Block {
                    ttl_secs: secs as u32,
                },
                client,
                reason: self.reason(),
            })
        });
        each.collect()
    }

    fn report(&self, client: Client, until: Option<Timestamp>) -> Pushed {
        Pushed {
            kind: OrderKind::Report {
                scenario: cut(&self.scenario, SCENARIO_BYTES_MAX),
                until,
                events: u32::try_from(self.events_count.max(0)).unwrap_or(u32::MAX),
            },
            client,
            reason: cut(&self.message, REASON_BYTES_MAX),
        }
    }

    /// Why a person ordered it: a journal's reason is never empty.
    fn reason(&self) -> String {
        let text = if self.scenario.trim().is_empty() {
            &self.message
        } else {
            &self.scenario
        };
        match cut(text.trim(), REASON_BYTES_MAX) {
            text if text.is_empty() => "ordered through /v1/alerts".to_owned(),
            text => text,
        }
    }
}

/// Harmless, and no longer than that.
fn cut(text: &str, bytes_max: usize) -> String {
    let mut text = neutralise(text).into_owned();
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// A client by CrowdSec's words for scopes, whatever their case.
pub(super) fn client(scope: &str, value: &str) -> Result<Client, String> {
    let known = Scope::ALL
        .into_iter()
        .find(|known| scope_name(*known).eq_ignore_ascii_case(scope) || known.as_str() == scope);
    let scope = match known {
        Some(Scope::Ip) if value.contains('/') => Scope::Range,
        Some(scope) => scope,
        None => return Err(format!("unknown scope {:?}", cut(scope, 64))),
    };
    Client::parse(scope, value).map_err(|error| error.to_string())
}

/// What both kinds of alerts say.
struct Said<'a> {
    seq: u64,
    machine: &'a str,
    client: &'a Client,
    scenario: String,
    message: String,
    events: u32,
    is_simulated: bool,
    at: Timestamp,
}

impl Said<'_> {
    fn json(&self, decisions: &[Value]) -> Value {
        let value = neutralise(&self.client.value()).into_owned();
        let ip = self.client.range().map(|_| value.clone()).unwrap_or_default();
        json!({
            "capacity": 0,
            "created_at": self.at.to_string(),
            "decisions": decisions,
            "events": [],
            "events_count": self.events,
            "id": self.seq,
            "labels": null,
            "leakspeed": "0",
            "machine_id": self.machine,
            "message": self.message,
            "meta": [],
            "scenario": self.scenario,
            "scenario_hash": "",
            "scenario_version": "",
            "simulated": self.is_simulated,
            "source": { "scope": scope_name(self.client.scope()), "value": value, "ip": ip },
            "start_at": self.at.to_string(),
            "stop_at": self.at.to_string(),
        })
    }
}

/// The alert that stands for a decision; `message` is why it was taken.
pub(super) fn of_decision(entry: &Entry, message: &str, wire: &Wire, now: Timestamp) -> Value {
    let mut text = String::new();
    wire.push(&mut text, entry, entry.expires_at.millis_since(now));
    let decision: Option<Value> = serde_json::from_str(&text).ok().map(|mut decision: Value| {
        decision["simulated"] = false.into();
        decision
    });
    let said = Said {
        seq: entry.seq,
        machine: "portcullis",
        client: &entry.client,
        scenario: format!("{SCENARIO_PREFIX}{}", entry.threat),
        message: neutralise(message).into_owned(),
        events: 0,
        is_simulated: false,
        at: entry.created_at,
    };
    said.json(decision.as_slice())
}

/// The alert that a machine reported, `None` for an order. What it would have decided is shown as simulated, CrowdSec's word for
/// what nobody carries out.
pub(super) fn of_report(order: &Order, now: Timestamp) -> Option<Value> {
    let OrderKind::Report {
        scenario,
        until,
        events,
    } = &order.kind
    else {
        return None;
    };
    let decision = until.map(|until| {
        let mut duration = String::new();
        push_go_duration(&mut duration, until.millis_since(now));
        json!({
            "duration": duration,
            "id": order.seq,
            "origin": "report",
            "scenario": scenario,
            "scope": scope_name(order.client.scope()),
            "simulated": true,
            "type": "ban",
            "value": neutralise(&order.client.value()),
        })
    });
    let said = Said {
        seq: order.seq,
        machine: &order.by,
        client: &order.client,
        scenario: scenario.clone(),
        message: format!("reported, not carried out: {}", order.reason),
        events: *events,
        is_simulated: true,
        at: order.at,
    };
    Some(said.json(decision.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_391_322);

    fn push(decisions: &str, is_operator: bool) -> Result<Vec<Vec<Pushed>>, String> {
        let body = format!(
            r#"[{{"scenario":"ssh-bf","message":"six","events_count":6,"source":{{"scope":"Ip","value":"203.0.113.9"}},"decisions":{decisions}}}]"#
        );
        read(body.as_bytes(), is_operator, NOW)
    }

    const BAN: &str = r#"[{"duration":"4h","scope":"ip","value":"203.0.113.9","type":"ban"}]"#;

    #[test]
    fn only_an_operators_ban_is_an_order() {
        let kind = |decisions, is_operator| push(decisions, is_operator).unwrap()[0][0].kind.clone();
        let report = |until| OrderKind::Report {
            scenario: "ssh-bf".to_owned(),
            until,
            events: 6,
        };
        assert_eq!(kind(BAN, true), OrderKind::Block { ttl_secs: 14_400 });
        assert_eq!(kind(BAN, false), report(Some(NOW.plus_secs(14_400))));
        assert_eq!(kind("null", true), report(None));
        let simulated = BAN.replace("\"4h\"", "\"4h\",\"simulated\":true");
        assert_eq!(kind(&simulated, true), report(None));
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_whole() {
        let check = |from: &str, to: &str| {
            assert!(push(&BAN.replace(from, to), true).is_err(), "{to}");
        };
        check("4h", "0s");
        check("4h", "99999h");
        check("4h", "4 hours");
        check("\"ip\"", "\"planet\"");
        check("203.0.113.9", "nobody");
        check("ban", "captcha");
        assert!(read(b"{}", true, NOW).is_err());
        let many = format!(
            "[{}]",
            vec![BAN.trim_matches(['[', ']']); ORDERS_MAX + 1].join(",")
        );
        assert!(push(&many, true).is_err());
    }
}
