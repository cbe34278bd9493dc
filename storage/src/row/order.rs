//! An order as a row.

use super::decision::parse_id;
use super::{corrupt, narrow, read_client, read_time, read_time_or_null};
use crate::Error;
use crate::engine::{Row, Value, params};
use domain::{Judgement, Order, OrderKind, Timestamp};

/// The columns, in the order in which [`write`] and [`read`] use them.
pub(crate) const COLUMNS: &str = "seq, kind, scope, value, ttl_secs, grace_secs, decision, until, reason, \
    given_by, given_from, given_at, alert, alerted_at, judgement, scenario, events";

/// Inserts one row.
pub(crate) const INSERT: &str = "INSERT INTO orders (seq, kind, scope, value, ttl_secs, grace_secs, decision, \
    until, reason, given_by, given_from, given_at, alert, alerted_at, judgement, scenario, events) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// Parameters of [`INSERT`].
pub(crate) fn write(order: &Order) -> Vec<Value> {
    let (mut ttl_secs, mut grace_secs, mut decision, mut allow_until) = (None, None, None, None);
    let (mut judged, mut alerted_at, mut says) = (None, None, None);
    let (mut seen, mut seen_events) = (None, None);
    match &order.kind {
        OrderKind::Block { ttl_secs: secs } => ttl_secs = Some(i64::from(*secs)),
        OrderKind::Lift { grace_secs: secs } => grace_secs = Some(i64::from(*secs)),
        OrderKind::Revoke { decision: id } => decision = Some(id.to_string()),
        OrderKind::Allow { until } | OrderKind::Suspend { until } => allow_until = *until,
        OrderKind::Disallow | OrderKind::Resume => {}
        OrderKind::Report {
            scenario,
            until,
            events,
        } => {
            allow_until = *until;
            seen = Some(scenario.clone());
            seen_events = Some(i64::from(*events));
        }
        OrderKind::Verdict {
            alert,
            alerted_at: at,
            judgement,
        } => {
            judged = Some(alert.to_string());
            alerted_at = Some(*at);
            says = Some(judgement.as_str().to_owned());
        }
    }
    params![
        order.seq,
        order.kind.as_str(),
        order.client.scope().as_str(),
        order.client.value().into_owned(),
        ttl_secs,
        grace_secs,
        decision,
        allow_until,
        order.reason.as_str(),
        order.by.as_str(),
        order.from.as_str(),
        order.at,
        judged,
        alerted_at,
        says,
        seen,
        seen_events,
    ]
}

/// Reads [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<Order, Error> {
    let row = &mut row;
    let seq = row.count()?;
    let kind = row.text()?;
    let client = read_client(row)?;
    let mut details = Details {
        ttl_secs: row.int_or_null()?,
        grace_secs: row.int_or_null()?,
        decision: row.text_or_null()?,
        allow_until: read_time_or_null(row)?,
        ..Details::default()
    };
    let (reason, by, from, at) = (row.text()?, row.text()?, row.text()?, read_time(row)?);
    details.alert = row.text_or_null()?;
    details.alerted_at = read_time_or_null(row)?;
    details.judgement = row.text_or_null()?;
    details.scenario = row.text_or_null()?;
    details.events = row.int_or_null()?;
    Ok(Order {
        seq,
        kind: details.kind(&kind)?,
        client,
        reason,
        by,
        from,
        at,
    })
}

/// The columns that some kinds have.
#[derive(Default)]
struct Details {
    ttl_secs: Option<i64>,
    grace_secs: Option<i64>,
    decision: Option<String>,
    allow_until: Option<Timestamp>,
    alert: Option<String>,
    alerted_at: Option<Timestamp>,
    judgement: Option<String>,
    scenario: Option<String>,
    events: Option<i64>,
}

impl Details {
    fn kind(self, name: &str) -> Result<OrderKind, Error> {
        let missing = |column: &str| corrupt("an order", format!("{name} without {column}"));
        Ok(match name {
            "block" => OrderKind::Block {
                ttl_secs: narrow(
                    "an order's duration",
                    self.ttl_secs.ok_or_else(|| missing("ttl_secs"))?,
                )?,
            },
            "lift" => OrderKind::Lift {
                grace_secs: narrow(
                    "an order's grace",
                    self.grace_secs.ok_or_else(|| missing("grace_secs"))?,
                )?,
            },
            "revoke" => OrderKind::Revoke {
                decision: parse_id(&self.decision.ok_or_else(|| missing("decision"))?)?,
            },
            "allow" => OrderKind::Allow {
                until: self.allow_until,
            },
            "disallow" => OrderKind::Disallow,
            "suspend" => OrderKind::Suspend {
                until: self.allow_until,
            },
            "resume" => OrderKind::Resume,
            "report" => OrderKind::Report {
                scenario: self.scenario.ok_or_else(|| missing("scenario"))?,
                until: self.allow_until,
                events: narrow("a report's events", self.events.ok_or_else(|| missing("events"))?)?,
            },
            "verdict" => OrderKind::Verdict {
                alert: parse_id(&self.alert.ok_or_else(|| missing("alert"))?)?,
                alerted_at: self.alerted_at.ok_or_else(|| missing("alerted_at"))?,
                judgement: judgement(&self.judgement.ok_or_else(|| missing("judgement"))?)?,
            },
            other => return Err(corrupt("an order", format!("unknown kind {other:?}"))),
        })
    }
}

/// Reads a judgement's name.
pub(crate) fn judgement(name: &str) -> Result<Judgement, Error> {
    Judgement::from_name(name).ok_or_else(|| corrupt("a judgement", format!("unknown {name:?}")))
}
