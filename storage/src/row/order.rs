//! An order as a row.

use super::decision::parse_id;
use super::{corrupt, narrow, read_client, read_time, read_time_or_null};
use crate::Error;
use crate::engine::{Row, Value, params};
use domain::{Order, OrderKind, Timestamp};

/// The columns, in the order in which [`write`] and [`read`] use them.
pub(crate) const COLUMNS: &str = "seq, kind, scope, value, ttl_secs, grace_secs, decision, until, reason, \
    given_by, given_from, given_at";

/// Inserts one row.
pub(crate) const INSERT: &str = "INSERT INTO orders (seq, kind, scope, value, ttl_secs, grace_secs, decision, \
    until, reason, given_by, given_from, given_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Parameters of [`INSERT`].
pub(crate) fn write(order: &Order) -> Vec<Value> {
    let (mut ttl_secs, mut grace_secs, mut decision, mut allow_until) = (None, None, None, None);
    match &order.kind {
        OrderKind::Block { ttl_secs: secs } => ttl_secs = Some(i64::from(*secs)),
        OrderKind::Lift { grace_secs: secs } => grace_secs = Some(i64::from(*secs)),
        OrderKind::Revoke { decision: id } => decision = Some(id.to_string()),
        OrderKind::Allow { until } => allow_until = *until,
        OrderKind::Disallow => {}
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
    ]
}

/// Reads [`COLUMNS`].
pub(crate) fn read(mut row: Row) -> Result<Order, Error> {
    let row = &mut row;
    let seq = row.count()?;
    let kind = row.text()?;
    let client = read_client(row)?;
    let (ttl_secs, grace_secs) = (row.int_or_null()?, row.int_or_null()?);
    let decision = row.text_or_null()?;
    let allow_until: Option<Timestamp> = read_time_or_null(row)?;
    let missing = |column: &str| corrupt("an order", format!("{kind} without {column}"));
    let kind = match kind.as_str() {
        "block" => OrderKind::Block {
            ttl_secs: narrow(
                "an order's duration",
                ttl_secs.ok_or_else(|| missing("ttl_secs"))?,
            )?,
        },
        "lift" => OrderKind::Lift {
            grace_secs: narrow(
                "an order's grace",
                grace_secs.ok_or_else(|| missing("grace_secs"))?,
            )?,
        },
        "revoke" => OrderKind::Revoke {
            decision: parse_id(&decision.ok_or_else(|| missing("decision"))?)?,
        },
        "allow" => OrderKind::Allow { until: allow_until },
        "disallow" => OrderKind::Disallow,
        other => return Err(corrupt("an order", format!("unknown kind {other:?}"))),
    };
    Ok(Order {
        seq,
        kind,
        client,
        reason: row.text()?,
        by: row.text()?,
        from: row.text()?,
        at: read_time(row)?,
    })
}
