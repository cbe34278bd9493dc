//! The order journal, and what an order does to the stored decisions.

use super::{Where, decisions, read_all, read_count, read_first, take_numbers, verdicts};
use crate::engine::{Engine, Transaction, params};
use crate::row::order::{COLUMNS, INSERT, read, write};
use crate::{
    Error, NewOrder, OrderFilter, OrderReceipt, Page, Paged, REASON_BYTES_MAX, SCENARIO_BYTES_MAX, TAIL_MAX,
};
use domain::{
    Action, Client, Decision, DecisionId, Mode, Order, OrderKind, Origin, Price, StampedDecision, ThreatKind,
    Timestamp,
};

pub(super) const APPEND: &str = "append an order";

/// Where an operator's decision stands among those that compete for a gateway's room: before every machine's.
const OPERATOR_PRIORITY: u8 = u8::MAX;

pub(super) async fn append(
    engine: &dyn Engine,
    new: &NewOrder,
    now: Timestamp,
) -> Result<OrderReceipt, Error> {
    check(new)?;
    if let OrderKind::Verdict { alert, judgement, .. } = new.kind {
        return verdicts::append(engine, new, (alert, judgement), now).await;
    }
    let mut tx = engine.begin(APPEND).await?;
    // A block's decision takes the number after its order.
    let numbers = if matches!(new.kind, OrderKind::Block { .. }) {
        2
    } else {
        1
    };
    let seq = take_numbers(&mut *tx, APPEND, "log", numbers).await?;
    let mut order = Order {
        seq,
        kind: new.kind.clone(),
        client: new.client.clone(),
        reason: new.reason.clone(),
        by: new.by.clone(),
        from: new.from.clone(),
        at: now,
    };
    let (decision, revoked) = carry_out(&mut *tx, &mut order).await?;
    tx.execute(APPEND, INSERT.into(), write(&order)).await?;
    tx.commit(APPEND).await?;
    Ok(OrderReceipt {
        order,
        decision,
        revoked,
    })
}

/// What an order does to the stored decisions: the decision that it made, and how many it ended.
pub(super) async fn carry_out(
    tx: &mut dyn Transaction,
    order: &mut Order,
) -> Result<(Option<StampedDecision>, u64), Error> {
    Ok(match order.kind {
        OrderKind::Block { ttl_secs } => {
            let row = StampedDecision::stamp(operator_decision(order, ttl_secs), order.seq + 1, order.at);
            decisions::insert(tx, &row, None).await?;
            (Some(row), 0)
        }
        OrderKind::Lift { .. } => (None, revoke_client(tx, order).await?),
        OrderKind::Revoke { decision } => {
            order.client = client_of(tx, decision).await?;
            (None, revoke_decision(tx, decision, order).await?)
        }
        OrderKind::Suspend { .. } | OrderKind::Resume => {
            order.client = Client::everybody();
            (None, 0)
        }
        OrderKind::Allow { .. }
        | OrderKind::Disallow
        | OrderKind::Verdict { .. }
        | OrderKind::Report { .. } => (None, 0),
    })
}

fn check(new: &NewOrder) -> Result<(), Error> {
    let why = match new.kind {
        OrderKind::Block { ttl_secs: 0 } => "a block needs a duration of at least one second".to_owned(),
        OrderKind::Report { ref scenario, .. } if scenario.len() > SCENARIO_BYTES_MAX => {
            format!(
                "the scenario has {} bytes, at most {SCENARIO_BYTES_MAX} are kept",
                scenario.len()
            )
        }
        _ if new.reason.len() > REASON_BYTES_MAX => {
            format!(
                "the reason has {} bytes, at most {REASON_BYTES_MAX} are kept",
                new.reason.len()
            )
        }
        _ => return Ok(()),
    };
    Err(Error::Refused { doing: APPEND, why })
}

/// The decision that a block order stands for. Its id comes from the order's place in the journal: unique, and no
/// secret, because nobody gains by guessing it.
fn operator_decision(order: &Order, ttl_secs: u32) -> Decision {
    let mut hasher = blake3::Hasher::new_derive_key("portcullis operator decision 1");
    hasher.update(&order.seq.to_le_bytes());
    hasher.update(&order.at.as_millis().to_le_bytes());
    hasher.update(order.client.to_string().as_bytes());
    let mut id = [0u8; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Decision {
        id: DecisionId(id),
        client: order.client.clone(),
        conditions: Vec::new(),
        gateways: Vec::new(),
        action: Action::Block,
        priority: OPERATOR_PRIORITY,
        origin: Origin::Operator,
        price: Price::default(),
        threat: ThreatKind::Anomaly,
        alert_id: None,
        reason: order.reason.clone(),
        event_at: order.at,
        ttl_secs,
        mode: Mode::Enforced,
        model: String::new(),
        completeness: None,
    }
}

/// Ends every decision in force about a client; gives how many those were. One that was written down again as it grew is one.
async fn revoke_client(tx: &mut dyn Transaction, order: &Order) -> Result<u64, Error> {
    let (client, at) = (&order.client, order.at);
    let (scope, value) = (client.scope().as_str(), client.value().into_owned());
    let sql = "SELECT COUNT(*) FROM decisions WHERE scope = $1 AND value = $2 AND revoked_at IS NULL \
               AND expires_at > $3 AND superseded_by IS NULL";
    let ended = read_count(
        tx.fetch(APPEND, sql.into(), params![scope, value.clone(), at])
            .await?,
    )?;
    let sql = "UPDATE decisions SET revoked_at = $1, revoked_by = $2 \
               WHERE scope = $3 AND value = $4 AND revoked_at IS NULL AND expires_at > $1";
    tx.execute(APPEND, sql.into(), params![at, order.by.as_str(), scope, value])
        .await?;
    Ok(ended)
}

/// Ends one decision; gives 1, or 0 where it was not in force.
async fn revoke_decision(tx: &mut dyn Transaction, id: DecisionId, order: &Order) -> Result<u64, Error> {
    let sql = "UPDATE decisions SET revoked_at = $1, revoked_by = $2 \
               WHERE id = $3 AND revoked_at IS NULL AND expires_at > $1";
    let params = params![order.at, order.by.as_str(), id.to_string()];
    let rows = tx.execute(APPEND, sql.into(), params).await?;
    Ok(rows.min(1))
}

/// Whom a decision names.
async fn client_of(tx: &mut dyn Transaction, id: DecisionId) -> Result<Client, Error> {
    let sql = "SELECT scope, value FROM decisions WHERE id = $1 LIMIT 1";
    let rows = tx.fetch(APPEND, sql.into(), params![id.to_string()]).await?;
    read_first(rows, |mut row| crate::row::read_client(&mut row))?.ok_or_else(|| Error::Refused {
        doing: APPEND,
        why: format!("there is no decision {id}"),
    })
}

pub(super) async fn tail(engine: &dyn Engine, after: u64, limit: u32) -> Result<Vec<Order>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE seq > $1 ORDER BY seq LIMIT $2");
    let params = params![after, limit.min(TAIL_MAX)];
    let rows = engine.fetch("read the order journal", sql.into(), params).await?;
    read_all(rows, read)
}

pub(super) async fn query(
    engine: &dyn Engine,
    filter: &OrderFilter,
    page: &Page,
) -> Result<Paged<Order>, Error> {
    let mut conditions = Where::default();
    if let Some(client) = &filter.client {
        conditions.and(
            "scope = ? AND value = ?",
            params![client.scope().as_str(), client.value().into_owned()],
        );
    }
    if let Some(by) = &filter.by {
        conditions.and("given_by = ?", params![by.as_str()]);
    }
    conditions.and(
        if filter.is_reports {
            "kind = ?"
        } else {
            "kind <> ?"
        },
        params!["report"],
    );
    if let Some((seq, _)) = page.position()? {
        conditions.and("seq < ?", params![seq]);
    }
    let limit = page.clamped();
    let tail = format!(" ORDER BY seq DESC LIMIT {}", limit + 1);
    let (sql, params) = conditions.select(COLUMNS, "orders", &tail);
    let rows = engine.fetch("query orders", sql, params).await?;
    Ok(Paged::cut(read_all(rows, read)?, limit, |order| {
        order.seq.to_string()
    }))
}
