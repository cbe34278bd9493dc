//! Figures per minute, models, rejected lines, settings.

use super::{execute, execute_each, read_all, read_first, take_numbers};
use crate::engine::{Engine, params};
use crate::row::client::bounded_json;
use crate::row::operation::{read_alarm, read_hour, read_model, read_rejected, read_stats};
use crate::{
    ALARMS_KEPT, AlarmRecord, Error, HOURS_KEPT, HourRecord, MODEL_CARD_BYTES_MAX, MODEL_WATCH_BYTES_MAX,
    ModelRecord, ModelWatch, REJECTED_MAX, REJECTED_SAMPLE_BYTES_MAX, RejectedSample, StatsBucket,
};
use domain::Timestamp;

pub(super) async fn put_stats(engine: &dyn Engine, node: &str, buckets: &[StatsBucket]) -> Result<(), Error> {
    let sql = "INSERT INTO stats (minute, node, requests, rejected, clients, alerts, blocks, stopped) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (minute, node) DO UPDATE SET \
               requests = excluded.requests, rejected = excluded.rejected, clients = excluded.clients, \
               alerts = excluded.alerts, blocks = excluded.blocks, stopped = excluded.stopped";
    let params = |bucket: &StatsBucket| {
        params![
            bucket.minute,
            node,
            bucket.requests,
            bucket.rejected,
            bucket.clients,
            bucket.alerts,
            bucket.blocks,
            bucket.stopped
        ]
    };
    execute_each(engine, "store figures", sql, buckets.iter().map(params).collect()).await
}

pub(super) async fn stats(
    engine: &dyn Engine,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<StatsBucket>, Error> {
    // The casts are for PostgreSQL, whose sum of BIGINT is NUMERIC.
    let sql = "SELECT minute, CAST(SUM(requests) AS BIGINT), CAST(SUM(rejected) AS BIGINT), \
               CAST(SUM(clients) AS BIGINT), CAST(SUM(alerts) AS BIGINT), CAST(SUM(blocks) AS BIGINT), \
               CAST(SUM(stopped) AS BIGINT) FROM stats WHERE minute >= $1 AND minute < $2 \
               GROUP BY minute ORDER BY minute";
    let rows = engine
        .fetch("read figures", sql.into(), params![from, to])
        .await?;
    read_all(rows, read_stats)
}

pub(super) async fn put_hours(engine: &dyn Engine, hours: &[HourRecord]) -> Result<(), Error> {
    let doing = "store hours";
    let sql = "INSERT INTO hours (hour, requests, failed, requests_from, requests_to, failed_from, failed_to) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hour) DO UPDATE SET \
               requests = excluded.requests, failed = excluded.failed, \
               requests_from = excluded.requests_from, requests_to = excluded.requests_to, \
               failed_from = excluded.failed_from, failed_to = excluded.failed_to";
    let params = |record: &HourRecord| {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let usual = |of: usize| record.usual.map(|usual| (whole(usual[of].0), whole(usual[of].1)));
        let (requests, failed) = (usual(0).unzip(), usual(1).unzip());
        params![
            record.hour,
            record.requests,
            record.failed_sign_ins,
            requests.0,
            requests.1,
            failed.0,
            failed.1
        ]
    };
    execute_each(engine, doing, sql, hours.iter().map(params).collect()).await?;
    let sql = "DELETE FROM hours WHERE hour NOT IN (SELECT hour FROM hours ORDER BY hour DESC LIMIT $1)";
    execute(engine, doing, sql, params![HOURS_KEPT]).await?;
    Ok(())
}

pub(super) async fn hours(engine: &dyn Engine, limit: u32) -> Result<Vec<HourRecord>, Error> {
    let sql = "SELECT hour, requests, failed, requests_from, requests_to, failed_from, failed_to FROM hours \
               ORDER BY hour DESC LIMIT $1";
    let rows = engine.fetch("read hours", sql.into(), params![limit]).await?;
    let mut hours = read_all(rows, read_hour)?;
    hours.reverse();
    Ok(hours)
}

pub(super) async fn put_alarms(engine: &dyn Engine, alarms: &[AlarmRecord]) -> Result<(), Error> {
    let doing = "store alarms";
    let sql = "INSERT INTO alarms (name, source, since, severity, cause, setting, next, cleared_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name, source, since) DO UPDATE SET \
               severity = excluded.severity, cause = excluded.cause, setting = excluded.setting, \
               next = excluded.next, cleared_at = excluded.cleared_at";
    let params = |alarm: &AlarmRecord| {
        params![
            alarm.name.as_str(),
            alarm.source.as_str(),
            alarm.since,
            alarm.severity.as_str(),
            alarm.cause.as_str(),
            alarm.setting.as_str(),
            alarm.next.as_str(),
            alarm.cleared_at
        ]
    };
    execute_each(engine, doing, sql, alarms.iter().map(params).collect()).await?;
    let sql = "DELETE FROM alarms WHERE cleared_at IS NOT NULL AND (name, source, since) NOT IN \
               (SELECT name, source, since FROM alarms ORDER BY cleared_at IS NULL DESC, since DESC LIMIT $1)";
    execute(engine, doing, sql, params![ALARMS_KEPT]).await?;
    Ok(())
}

pub(super) async fn alarms(engine: &dyn Engine, limit: u32) -> Result<Vec<AlarmRecord>, Error> {
    let sql = "SELECT name, source, since, severity, cause, setting, next, cleared_at FROM alarms \
               ORDER BY cleared_at IS NULL DESC, since DESC, name, source LIMIT $1";
    let rows = engine.fetch("read alarms", sql.into(), params![limit]).await?;
    read_all(rows, read_alarm)
}

pub(super) async fn put_model(engine: &dyn Engine, model: &ModelRecord) -> Result<(), Error> {
    let sql = "INSERT INTO models (version, created_at, activated_at, retired_at, card, watch) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (version) DO UPDATE SET \
               created_at = excluded.created_at, activated_at = excluded.activated_at, \
               retired_at = excluded.retired_at, card = excluded.card, watch = excluded.watch";
    let watch = model.watch.as_ref().map(watch_text).transpose()?;
    let params = params![
        model.version.as_str(),
        model.created_at,
        model.activated_at,
        model.retired_at,
        bounded_json("a model's card", &model.card, MODEL_CARD_BYTES_MAX)?,
        watch
    ];
    execute(engine, "store a model's record", sql, params).await?;
    Ok(())
}

pub(super) async fn watch_model(engine: &dyn Engine, version: &str, watch: &ModelWatch) -> Result<(), Error> {
    let sql = "UPDATE models SET watch = $2 WHERE version = $1";
    let params = params![version, watch_text(watch)?];
    execute(engine, "store what was seen of a model", sql, params).await?;
    Ok(())
}

fn watch_text(watch: &ModelWatch) -> Result<String, Error> {
    let what = "a model's watch";
    let value = serde_json::to_value(watch).map_err(|error| Error::Corrupt {
        what: what.to_owned(),
        why: error.to_string(),
    })?;
    bounded_json(what, &value, MODEL_WATCH_BYTES_MAX)
}

pub(super) async fn models(engine: &dyn Engine) -> Result<Vec<ModelRecord>, Error> {
    let sql = "SELECT version, created_at, activated_at, retired_at, card, watch FROM models \
               ORDER BY created_at DESC, version DESC";
    read_all(
        engine.fetch("list models", sql.into(), Vec::new()).await?,
        read_model,
    )
}

pub(super) async fn add_rejected(engine: &dyn Engine, samples: &[RejectedSample]) -> Result<(), Error> {
    let doing = "store rejected lines";
    // More than what is kept would only push itself out again.
    let kept = &samples[samples.len().saturating_sub(REJECTED_MAX as usize)..];
    if kept.is_empty() {
        return Ok(());
    }
    let mut tx = engine.begin(doing).await?;
    let first = take_numbers(&mut *tx, doing, "rejected", kept.len() as u64).await?;
    for (seq, sample) in (first..).zip(kept) {
        let sql = "INSERT INTO rejected (seq, seen_at, source, line, reason, sample) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let params = params![
            seq,
            sample.at,
            cut(&sample.source),
            sample.line,
            cut(&sample.reason),
            cut(&sample.sample)
        ];
        tx.execute(doing, sql.into(), params).await?;
    }
    let oldest = (first + kept.len() as u64).saturating_sub(REJECTED_MAX);
    let sql = "DELETE FROM rejected WHERE seq < $1";
    tx.execute(doing, sql.into(), params![oldest]).await?;
    tx.commit(doing).await
}

/// The beginning of a text that fits.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(REJECTED_SAMPLE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

pub(super) async fn rejected(engine: &dyn Engine, limit: u32) -> Result<Vec<RejectedSample>, Error> {
    let sql = "SELECT seen_at, source, line, reason, sample FROM rejected ORDER BY seq DESC LIMIT $1";
    let rows = engine
        .fetch("read rejected lines", sql.into(), params![limit])
        .await?;
    read_all(rows, read_rejected)
}

pub(super) async fn setting_or_insert(engine: &dyn Engine, name: &str, value: &str) -> Result<String, Error> {
    let doing = "read a setting";
    let mut tx = engine.begin(doing).await?;
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    tx.execute(doing, sql.into(), params![name, value]).await?;
    let sql = "SELECT value FROM settings WHERE name = $1";
    let rows = tx.fetch(doing, sql.into(), params![name]).await?;
    tx.commit(doing).await?;
    read_first(rows, |mut row| row.text())?.ok_or_else(|| Error::Corrupt {
        what: format!("setting {name:?}"),
        why: "it vanished while it was stored".to_owned(),
    })
}
