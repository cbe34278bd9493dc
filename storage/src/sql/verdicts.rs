//! A verdict on an alert: the journal's entry, the word beside the alert, and what a false positive takes back.
//!
//! A false positive is followed in the journal by lifts, in the same transaction: what a lift does to the blocklist, to the
//! detector and over a crash is written and tested once.

use super::orders::{APPEND, carry_out};
use super::{read_all, read_first, take_numbers};
use crate::engine::{Engine, Transaction, params};
use crate::row::order::{INSERT, write};
use crate::{Error, NewOrder, OrderReceipt, REASON_BYTES_MAX, VERDICT_GRACE_SECS};
use domain::{AlertId, Client, DecisionId, Judgement, Order, OrderKind, Timestamp};
use std::collections::HashSet;

/// Decisions that rest on one alert and end with it: twice what a campaign lists. Further ones, the oldest, end by
/// themselves within the quarter of an hour for which a campaign blocks.
const ENDED_MAX: u32 = 2048;

/// What is known of the alert that is judged.
struct Judged {
    client: Client,
    alerted_at: Timestamp,
    updated_at: Timestamp,
}

/// An order that follows from a verdict.
type Step = (OrderKind, Client);

pub(super) async fn append(
    engine: &dyn Engine,
    new: &NewOrder,
    (alert, judgement): (AlertId, Judgement),
    now: Timestamp,
) -> Result<OrderReceipt, Error> {
    let mut tx = engine.begin(APPEND).await?;
    // First of all: it keeps every other writer of the two logs out until this is over.
    let seq = take_numbers(&mut *tx, APPEND, "log", 1).await?;
    let judged = judged(&mut *tx, alert).await?;
    let entry = |seq: u64, kind: OrderKind, client: Client, reason: String| Order {
        seq,
        kind,
        client,
        reason,
        by: new.by.clone(),
        from: new.from.clone(),
        at: now,
    };
    let kind = OrderKind::Verdict {
        alert,
        alerted_at: judged.alerted_at,
        judgement,
    };
    let order = entry(seq, kind, judged.client.clone(), new.reason.clone());
    tx.execute(APPEND, INSERT.into(), write(&order)).await?;
    note(&mut *tx, alert, judgement, &order).await?;
    let mut revoked = 0;
    if judgement == Judgement::FalsePositive {
        let steps = steps(&mut *tx, alert, &judged, now).await?;
        let first = take_numbers(&mut *tx, APPEND, "log", steps.len() as u64).await?;
        let reason = because(alert, &new.reason);
        for (seq, (kind, client)) in (first..).zip(steps) {
            let mut step = entry(seq, kind, client, reason.clone());
            revoked += carry_out(&mut *tx, &mut step).await?.1;
            tx.execute(APPEND, INSERT.into(), write(&step)).await?;
        }
    }
    tx.commit(APPEND).await?;
    Ok(OrderReceipt {
        order,
        decision: None,
        revoked,
    })
}

async fn judged(tx: &mut dyn Transaction, alert: AlertId) -> Result<Judged, Error> {
    let sql = "SELECT scope, value, alerted_at, updated_at FROM alerts WHERE id = $1";
    let rows = tx.fetch(APPEND, sql.into(), params![alert.to_string()]).await?;
    let found = read_first(rows, |mut row| {
        Ok(Judged {
            client: crate::row::read_client(&mut row)?,
            alerted_at: crate::row::read_time(&mut row)?,
            updated_at: crate::row::read_time(&mut row)?,
        })
    })?;
    found.ok_or_else(|| Error::Refused {
        doing: APPEND,
        why: format!("there is no alert {alert}"),
    })
}

/// Writes the newest word beside the alert.
async fn note(
    tx: &mut dyn Transaction,
    alert: AlertId,
    judgement: Judgement,
    order: &Order,
) -> Result<(), Error> {
    let sql =
        "UPDATE alerts SET judgement = $1, judged_by = $2, judged_at = $3, judged_because = $4 WHERE id = $5";
    let params = params![
        judgement.as_str(),
        order.by.as_str(),
        order.at,
        order.reason.as_str(),
        alert.to_string()
    ];
    tx.execute(APPEND, sql.into(), params).await?;
    Ok(())
}

/// What a false positive takes back: every decision in force that rests on the alert. Its clients are left alone for the
/// grace, and so is the alert's own, unless the alert is so old that the grace would be over: whoever has that address now may
/// be somebody else. Where something else is in force about a client, a person's block or what rests on another alert, that stays,
/// and only what rests on this alert goes: nothing was said of the rest.
async fn steps(
    tx: &mut dyn Transaction,
    alert: AlertId,
    judged: &Judged,
    now: Timestamp,
) -> Result<Vec<Step>, Error> {
    let resting = resting(tx, alert, now).await?;
    let is_fresh = judged.updated_at.plus_secs(i64::from(VERDICT_GRACE_SECS)) > now;
    let mut steps: Vec<Step> = Vec::new();
    let mut lifted: HashSet<Client> = HashSet::new();
    let mut lift = |client: &Client| {
        let kind = OrderKind::Lift {
            grace_secs: VERDICT_GRACE_SECS,
        };
        lifted.insert(client.clone()).then(|| (kind, client.clone()))
    };
    if (is_fresh || !resting.is_empty()) && !is_decided_otherwise(tx, alert, &judged.client, now).await? {
        steps.extend(lift(&judged.client));
    }
    let others = decided_otherwise(tx, alert, now).await?;
    for (decision, client) in resting {
        if others.contains(&client) {
            steps.push((OrderKind::Revoke { decision }, client));
        } else {
            steps.extend(lift(&client));
        }
    }
    Ok(steps)
}

/// Decisions in force that rest on an alert, the newest first.
async fn resting(
    tx: &mut dyn Transaction,
    alert: AlertId,
    now: Timestamp,
) -> Result<Vec<(DecisionId, Client)>, Error> {
    let sql = format!(
        "SELECT id, scope, value FROM decisions WHERE alert_id = $1 AND expires_at > $2 AND revoked_at IS NULL \
         AND superseded_by IS NULL ORDER BY seq DESC LIMIT {ENDED_MAX}"
    );
    let rows = tx
        .fetch(APPEND, sql.into(), params![alert.to_string(), now])
        .await?;
    read_all(rows, |mut row| {
        let id = crate::row::decision::parse_id(&row.text()?)?;
        Ok((id, crate::row::read_client(&mut row)?))
    })
}

/// Whether a decision in force names the client that rests on something else than the alert: another alert, or a person's word.
async fn is_decided_otherwise(
    tx: &mut dyn Transaction,
    alert: AlertId,
    client: &Client,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "SELECT seq FROM decisions WHERE scope = $1 AND value = $2 AND (alert_id IS NULL OR alert_id <> $3) \
               AND expires_at > $4 AND revoked_at IS NULL LIMIT 1";
    let (scope, value) = (client.scope().as_str(), client.value().into_owned());
    let params = params![scope, value, alert.to_string(), now];
    Ok(!tx.fetch(APPEND, sql.into(), params).await?.is_empty())
}

/// Of the clients whose decisions rest on an alert, those about which something else is in force as well.
async fn decided_otherwise(
    tx: &mut dyn Transaction,
    alert: AlertId,
    now: Timestamp,
) -> Result<HashSet<Client>, Error> {
    let sql = "SELECT DISTINCT scope, value FROM decisions WHERE (alert_id IS NULL OR alert_id <> $1) \
               AND expires_at > $2 AND revoked_at IS NULL AND (scope, value) IN \
               (SELECT scope, value FROM decisions WHERE alert_id = $1 AND expires_at > $2)";
    let rows = tx
        .fetch(APPEND, sql.into(), params![alert.to_string(), now])
        .await?;
    let clients = read_all(rows, |mut row| crate::row::read_client(&mut row))?;
    Ok(clients.into_iter().collect())
}

/// The reason of what follows from a verdict, no longer than a reason may be.
fn because(alert: AlertId, reason: &str) -> String {
    let mut text = format!("alert {alert} was a false positive: {reason}");
    let mut end = text.len().min(REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
