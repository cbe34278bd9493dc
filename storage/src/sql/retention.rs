//! What is dropped when: by age, then by size.

use super::{execute, read_first};
use crate::engine::{Engine, params};
use crate::row::read_time;
use crate::{Error, REPORTS_KEPT, Retention, RetentionReport};
use domain::Timestamp;

const DOING: &str = "drop what is past its time";

/// Rows dropped in one transaction: other writers wait no longer than some ten milliseconds.
const SLICE_ROWS: u32 = 2000;

/// Rounds in which the size cap drops the oldest slices of every table. 500 rounds of 2,000 rows bound one call; the
/// next call goes on.
const CAP_ROUNDS_MAX: usize = 500;

/// Dropped by age: `$1` the moment before which it goes, `$2` the slice.
const DECISIONS: &str = "DELETE FROM decisions WHERE seq IN \
    (SELECT seq FROM decisions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
const ALERTS: &str = "DELETE FROM alerts WHERE id IN \
    (SELECT id FROM alerts WHERE updated_at <= $1 ORDER BY alerted_at LIMIT $2)";
const CLIENTS: &str = "DELETE FROM client_summaries WHERE (scope, value) IN \
    (SELECT scope, value FROM client_summaries WHERE updated_at <= $1 ORDER BY updated_at LIMIT $2)";
const STATS: &str = "DELETE FROM stats WHERE (minute, node) IN \
    (SELECT minute, node FROM stats WHERE minute <= $1 ORDER BY minute LIMIT $2)";
const REJECTED: &str = "DELETE FROM rejected WHERE seq IN \
    (SELECT seq FROM rejected WHERE seen_at <= $1 ORDER BY seq LIMIT $2)";
const REPORTS: &str = "DELETE FROM orders WHERE seq IN \
    (SELECT seq FROM orders WHERE kind = 'report' AND given_at <= $1 ORDER BY seq LIMIT $2)";
/// The moment before which reports go because there are newer ones enough.
const REPORTS_BEYOND: &str =
    "SELECT given_at FROM orders WHERE kind = 'report' ORDER BY seq DESC LIMIT 1 OFFSET $1";
const SESSIONS: &str = "DELETE FROM sessions WHERE hash IN \
    (SELECT hash FROM sessions WHERE expires_at <= $1 LIMIT $2)";

pub(super) async fn retain(
    engine: &dyn Engine,
    now: Timestamp,
    retention: &Retention,
) -> Result<RetentionReport, Error> {
    let before = |secs: u32| now.plus_secs(-i64::from(secs));
    let mut report = RetentionReport {
        decisions: drop_all(engine, DECISIONS, before(retention.decisions_secs)).await?,
        alerts: drop_all(engine, ALERTS, before(retention.alerts_secs)).await?,
        clients: drop_all(engine, CLIENTS, before(retention.clients_secs)).await?,
        stats: drop_all(engine, STATS, before(retention.stats_secs)).await?,
        rejected: drop_all(engine, REJECTED, before(retention.rejected_secs)).await?,
        sessions: drop_all(engine, SESSIONS, now).await?,
        reports: drop_reports(engine, before(retention.alerts_secs)).await?,
        ..RetentionReport::default()
    };
    shrink(engine, now, retention.bytes_max, &mut report).await?;
    engine.vacuum().await?;
    Ok(report)
}

/// By age, and the oldest beyond their number.
async fn drop_reports(engine: &dyn Engine, before: Timestamp) -> Result<u64, Error> {
    let rows = engine
        .fetch(DOING, REPORTS_BEYOND.into(), params![REPORTS_KEPT])
        .await?;
    let beyond = read_first(rows, |mut row| read_time(&mut row))?;
    drop_all(engine, REPORTS, beyond.map_or(before, |at| at.max(before))).await
}

async fn drop_all(engine: &dyn Engine, sql: &'static str, before: Timestamp) -> Result<u64, Error> {
    let mut dropped = 0;
    loop {
        let slice = drop_slice(engine, sql, before).await?;
        dropped += slice;
        if slice < u64::from(SLICE_ROWS) {
            return Ok(dropped);
        }
    }
}

async fn drop_slice(engine: &dyn Engine, sql: &'static str, before: Timestamp) -> Result<u64, Error> {
    execute(engine, DOING, sql, params![before, SLICE_ROWS]).await
}

/// Drops the oldest slices of what may be dropped until the store fits.
async fn shrink(
    engine: &dyn Engine,
    now: Timestamp,
    bytes_max: u64,
    report: &mut RetentionReport,
) -> Result<(), Error> {
    for _ in 0..CAP_ROUNDS_MAX {
        report.bytes = engine.live_bytes().await?;
        report.is_over_cap = report.bytes > bytes_max;
        if !report.is_over_cap {
            return Ok(());
        }
        let slices = [
            (CLIENTS, &mut report.clients),
            (REJECTED, &mut report.rejected),
            (STATS, &mut report.stats),
            (ALERTS, &mut report.alerts),
            (DECISIONS, &mut report.decisions),
        ];
        let mut dropped_any = false;
        for (sql, dropped) in slices {
            let slice = drop_slice(engine, sql, now).await?;
            *dropped += slice;
            dropped_any |= slice > 0;
        }
        if !dropped_any {
            return Ok(());
        }
    }
    Ok(())
}
