//! The specification: slow, and easy to check.

use super::Entry;
use super::entry::is_candidate;
use crate::allowlist::clients_overlap;
use crate::{Allowlist, Client, Order, OrderKind, Origin, StampedDecision, Timestamp};

/// The decisions in force at `now`, by their position in the log.
///
/// `decisions` and `orders` are the two logs, whose numbers come from one counter: `decision.seq < order.seq` means
/// that the decision was stored before the order.
#[must_use]
pub fn effective(
    decisions: &[StampedDecision],
    orders: &[Order],
    configured: &Allowlist,
    now: Timestamp,
) -> Vec<Entry> {
    if is_suspended(orders, now) {
        return Vec::new();
    }
    let mut entries: Vec<Entry> = decisions
        .iter()
        .filter(|row| is_candidate(row) && row.expires_at > now && row.revoked_at.is_none())
        .filter(|row| !is_superseded(row, decisions))
        .filter(|row| !is_ended(row, orders))
        .filter(|row| row.decision.origin == Origin::Operator || !is_held(&row.decision.client, orders, now))
        .filter(|row| configured.protects(&row.decision.client, now).is_none())
        .filter(|row| !is_allowed(&row.decision.client, orders, now))
        .map(Entry::new)
        .collect();
    entries.sort_by_key(|entry| entry.seq);
    entries
}

/// Whether nothing is to be carried out: the newest word about that is a suspension that has not ended.
fn is_suspended(orders: &[Order], now: Timestamp) -> bool {
    let about_everybody = orders.iter().filter(|order| order.kind.is_about_everybody());
    let newest = about_everybody.max_by_key(|order| order.seq);
    newest.is_some_and(
        |order| matches!(order.kind, OrderKind::Suspend { until } if until.is_none_or(|until| until > now)),
    )
}

/// Whether a later row of the same decision replaced it.
fn is_superseded(row: &StampedDecision, decisions: &[StampedDecision]) -> bool {
    decisions
        .iter()
        .any(|other| is_candidate(other) && other.decision.id == row.decision.id && other.seq > row.seq)
}

/// Whether a person ended it: revoked its id, or lifted the client after it was stored.
fn is_ended(row: &StampedDecision, orders: &[Order]) -> bool {
    orders.iter().any(|order| match order.kind {
        OrderKind::Revoke { decision } => decision == row.decision.id,
        OrderKind::Lift { .. } => order.client == row.decision.client && order.seq > row.seq,
        _ => false,
    })
}

/// Whether machine decisions about the client are held back: its newest lift or block is a lift in its grace.
fn is_held(client: &Client, orders: &[Order], now: Timestamp) -> bool {
    let newest = orders
        .iter()
        .filter(|order| order.client == *client)
        .filter(|order| matches!(order.kind, OrderKind::Lift { .. } | OrderKind::Block { .. }))
        .max_by_key(|order| order.seq);
    newest.is_some_and(|order| match order.kind {
        OrderKind::Lift { grace_secs } => now < order.at.plus_secs(i64::from(grace_secs)),
        _ => false,
    })
}

/// Whether an allow entry that a person made overlaps the client.
fn is_allowed(client: &Client, orders: &[Order], now: Timestamp) -> bool {
    orders
        .iter()
        .filter(|order| clients_overlap(&order.client, client))
        .filter(
            |order| matches!(order.kind, OrderKind::Allow { until } if until.is_none_or(|until| until > now)),
        )
        .any(|allow| {
            // Nothing newer about the same client took the entry away or replaced it.
            !orders.iter().any(|other| {
                other.client == allow.client
                    && other.seq > allow.seq
                    && matches!(
                        other.kind,
                        OrderKind::Allow { .. } | OrderKind::Disallow | OrderKind::Block { .. }
                    )
            })
        })
}
