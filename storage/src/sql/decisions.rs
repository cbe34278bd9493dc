//! The decision log.

use super::{Where, read_all, read_count, read_first, take_numbers};
use crate::engine::{Engine, Transaction, params};
use crate::row::decision::{COLUMNS, INSERT, read, write};
use crate::{DecisionFilter, Error, Fence, Page, Paged, StateFilter, TAIL_MAX};
use domain::{Decision, DecisionId, Mode, StampedDecision, Timestamp};

const APPEND: &str = "append decisions";

pub(super) async fn append(
    engine: &dyn Engine,
    decisions: &[Decision],
    fence: Option<&Fence>,
    now: Timestamp,
) -> Result<Vec<StampedDecision>, Error> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = engine.begin(APPEND).await?;
    // First, and also when nothing turns out new: it locks the log, so that two writers cannot both find an id
    // missing.
    let first = take_numbers(&mut *tx, APPEND, "log", decisions.len() as u64).await?;
    if let Some(fence) = fence {
        super::leases::check(&mut *tx, fence, now).await?;
    }
    let mut appended = Vec::new();
    for (seq, decision) in (first..).zip(decisions) {
        let row = StampedDecision::stamp(decision.clone(), seq, now);
        appended.extend(append_one(&mut *tx, row).await?);
    }
    tx.commit(APPEND).await?;
    Ok(appended)
}

/// Appends one row unless the log holds its like; `None` when it does.
async fn append_one(
    tx: &mut dyn Transaction,
    mut row: StampedDecision,
) -> Result<Option<StampedDecision>, Error> {
    let id = row.decision.id.to_string();
    let sql = format!("SELECT {COLUMNS} FROM decisions WHERE id = $1 ORDER BY seq");
    let rows = tx.fetch(APPEND, sql.into(), params![id.as_str()]).await?;
    let stored = read_all(rows, read)?;
    if stored.iter().any(|earlier| !is_stronger(&row, earlier)) {
        return Ok(None);
    }
    if let Some(revoked) = stored.iter().find(|earlier| earlier.revoked_at.is_some()) {
        row.revoked_at = revoked.revoked_at;
        row.revoked_by.clone_from(&revoked.revoked_by);
    }
    let is_enforced = row.decision.mode == Mode::Enforced;
    if is_enforced
        || stored
            .iter()
            .all(|earlier| earlier.decision.mode != Mode::Enforced)
    {
        let sql = "UPDATE decisions SET superseded_by = $1 WHERE id = $2 AND superseded_by IS NULL";
        tx.execute(APPEND, sql.into(), params![row.seq, id]).await?;
        insert(tx, &row, None).await?;
    } else {
        // What is not enforced takes its place behind the enforced row: it must not hide it.
        let enforced = stored
            .iter()
            .rfind(|earlier| earlier.decision.mode == Mode::Enforced);
        insert(tx, &row, enforced.map(|earlier| earlier.seq as i64)).await?;
    }
    Ok(Some(row))
}

/// Whether a row says more than an earlier one of the same id.
fn is_stronger(row: &StampedDecision, earlier: &StampedDecision) -> bool {
    let (new, old) = (&row.decision, &earlier.decision);
    let becomes_enforced = new.mode == Mode::Enforced && old.mode != Mode::Enforced;
    new.action > old.action || (new.action == old.action && becomes_enforced)
}

pub(super) async fn insert(
    tx: &mut dyn Transaction,
    row: &StampedDecision,
    superseded_by: Option<i64>,
) -> Result<(), Error> {
    tx.execute(APPEND, INSERT.into(), write(row, superseded_by)?)
        .await?;
    Ok(())
}

pub(super) async fn tail(engine: &dyn Engine, after: u64, limit: u32) -> Result<Vec<StampedDecision>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM decisions WHERE seq > $1 ORDER BY seq LIMIT $2");
    let rows = engine
        .fetch(
            "read the decision log",
            sql.into(),
            params![after, limit.min(TAIL_MAX)],
        )
        .await?;
    read_all(rows, read)
}

pub(super) async fn tail_live(
    engine: &dyn Engine,
    after: u64,
    ended_after: Timestamp,
    limit: u32,
) -> Result<Vec<StampedDecision>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM decisions WHERE seq > $1 AND expires_at > $2 AND mode = 'enforced' \
         ORDER BY seq LIMIT $3"
    );
    let params = params![after, ended_after, limit.min(TAIL_MAX)];
    let rows = engine
        .fetch("read the active decisions", sql.into(), params)
        .await?;
    read_all(rows, read)
}

pub(super) async fn one(engine: &dyn Engine, id: DecisionId) -> Result<Option<StampedDecision>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM decisions WHERE id = $1 AND superseded_by IS NULL");
    let rows = engine
        .fetch("read a decision", sql.into(), params![id.to_string()])
        .await?;
    read_first(rows, read)
}

pub(super) async fn query(
    engine: &dyn Engine,
    filter: &DecisionFilter,
    page: &Page,
    now: Timestamp,
) -> Result<Paged<StampedDecision>, Error> {
    let mut conditions = conditions(filter, now);
    if let Some((seq, _)) = page.position()? {
        conditions.and("seq < ?", params![seq]);
    }
    let limit = page.clamped();
    let tail = format!(" ORDER BY seq DESC LIMIT {}", limit + 1);
    let (sql, params) = conditions.select(COLUMNS, "decisions", &tail);
    let rows = engine.fetch("query decisions", sql, params).await?;
    Ok(Paged::cut(read_all(rows, read)?, limit, |row| {
        row.seq.to_string()
    }))
}

pub(super) async fn count(
    engine: &dyn Engine,
    filter: &DecisionFilter,
    now: Timestamp,
) -> Result<u64, Error> {
    let (sql, params) = conditions(filter, now).select("COUNT(*)", "decisions", "");
    read_count(engine.fetch("count decisions", sql, params).await?)
}

fn conditions(filter: &DecisionFilter, now: Timestamp) -> Where {
    let mut conditions = Where::default();
    match filter.state {
        Some(StateFilter::Active) => {
            conditions.and("expires_at > ? AND revoked_at IS NULL", params![now]);
        }
        Some(StateFilter::Expired) => {
            conditions.and("expires_at <= ? AND revoked_at IS NULL", params![now]);
        }
        Some(StateFilter::Revoked) => conditions.and("revoked_at IS NOT NULL", Vec::new()),
        None => {}
    }
    // An active decision is by definition not superseded.
    if !filter.with_superseded || filter.state == Some(StateFilter::Active) {
        conditions.and("superseded_by IS NULL", Vec::new());
    }
    if let Some(client) = &filter.client {
        conditions.and(
            "scope = ? AND value = ?",
            params![client.scope().as_str(), client.value().into_owned()],
        );
    }
    if let Some(action) = filter.action {
        conditions.and("action = ?", params![action.as_str()]);
    }
    if let Some(origin) = filter.origin {
        conditions.and("origin = ?", params![origin.as_str()]);
    }
    if let Some(mode) = filter.mode {
        conditions.and("mode = ?", params![mode.as_str()]);
    }
    if let Some(threat) = filter.threat {
        conditions.and("threat = ?", params![threat.as_str()]);
    }
    if let Some(alert) = filter.alert {
        conditions.and("alert_id = ?", params![alert.to_string()]);
    }
    conditions
}
