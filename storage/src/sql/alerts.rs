//! Alerts, and what is shown of clients.

use super::{Where, escape_like, execute_each, read_all, read_count, read_first};
use crate::engine::{Engine, params};
use crate::row;
use crate::{AlertFilter, ClientSummary, Error, Page, Paged, StoredAlert, VerdictFilter};
use domain::{AlertId, Client};

pub(super) async fn put(engine: &dyn Engine, alerts: &[StoredAlert]) -> Result<(), Error> {
    let lists = alerts.iter().map(row::alert::write).collect::<Result<_, _>>()?;
    execute_each(engine, "store alerts", row::alert::UPSERT, lists).await
}

pub(super) async fn one(engine: &dyn Engine, id: AlertId) -> Result<Option<StoredAlert>, Error> {
    let sql = format!("SELECT {} FROM alerts WHERE id = $1", row::alert::COLUMNS);
    let rows = engine
        .fetch("read an alert", sql.into(), params![id.to_string()])
        .await?;
    read_first(rows, row::alert::read)
}

pub(super) async fn query(
    engine: &dyn Engine,
    filter: &AlertFilter,
    page: &Page,
) -> Result<Paged<StoredAlert>, Error> {
    let mut conditions = conditions(filter);
    if let Some((at, id)) = page.position()? {
        conditions.and("(alerted_at, id) < (?, ?)", params![at, id]);
    }
    let limit = page.clamped();
    let tail = format!(" ORDER BY alerted_at DESC, id DESC LIMIT {}", limit + 1);
    let (sql, params) = conditions.select(row::alert::COLUMNS, "alerts", &tail);
    let rows = engine.fetch("query alerts", sql, params).await?;
    Ok(Paged::cut(read_all(rows, row::alert::read)?, limit, |alert| {
        format!("{}:{}", alert.alerted_at.as_millis(), alert.id)
    }))
}

pub(super) async fn count(engine: &dyn Engine, filter: &AlertFilter) -> Result<u64, Error> {
    let (sql, params) = conditions(filter).select("COUNT(*)", "alerts", "");
    read_count(engine.fetch("count alerts", sql, params).await?)
}

fn conditions(filter: &AlertFilter) -> Where {
    let mut conditions = Where::default();
    if let Some(threat) = filter.threat {
        let pattern = format!("%,{},%", escape_like(threat.as_str()));
        conditions.and(r"threats LIKE ? ESCAPE '\'", params![pattern]);
    }
    if let Some(action) = filter.action {
        conditions.and("action = ?", params![action.as_str()]);
    }
    if let Some(client) = &filter.client {
        conditions.and(
            "scope = ? AND value = ?",
            params![client.scope().as_str(), client.value().into_owned()],
        );
    }
    match filter.verdict {
        None => {}
        Some(VerdictFilter::Open) => conditions.and("judgement IS NULL", Vec::new()),
        Some(VerdictFilter::Judged) => conditions.and("judgement IS NOT NULL", Vec::new()),
        Some(VerdictFilter::Is(judgement)) => {
            conditions.and("judgement = ?", params![judgement.as_str()]);
        }
    }
    if let Some(from) = filter.from {
        conditions.and("alerted_at >= ?", params![from]);
    }
    if let Some(to) = filter.to {
        conditions.and("alerted_at < ?", params![to]);
    }
    if let Some(text) = &filter.text {
        let pattern = format!("%{}%", escape_like(&text.to_lowercase()));
        conditions.and(r"search_text LIKE ? ESCAPE '\'", params![pattern]);
    }
    conditions
}

pub(super) async fn put_clients(engine: &dyn Engine, clients: &[ClientSummary]) -> Result<(), Error> {
    let lists = clients.iter().map(row::client::write).collect::<Result<_, _>>()?;
    execute_each(engine, "store clients", row::client::UPSERT, lists).await
}

pub(super) async fn client(engine: &dyn Engine, client: &Client) -> Result<Option<ClientSummary>, Error> {
    let sql = format!(
        "SELECT {} FROM client_summaries WHERE scope = $1 AND value = $2",
        row::client::COLUMNS
    );
    let params = params![client.scope().as_str(), client.value().into_owned()];
    read_first(
        engine.fetch("read a client", sql.into(), params).await?,
        row::client::read,
    )
}

pub(super) async fn query_clients(
    engine: &dyn Engine,
    prefix: &str,
    page: &Page,
) -> Result<Paged<ClientSummary>, Error> {
    let mut conditions = Where::default();
    if !prefix.is_empty() {
        conditions.and(
            r"value LIKE ? ESCAPE '\'",
            params![format!("{}%", escape_like(prefix))],
        );
    }
    if let Some((at, name)) = page.position()? {
        let (scope, value) = name.split_once(':').unwrap_or((&name, ""));
        conditions.and(
            "(updated_at, scope, value) < (?, ?, ?)",
            params![at, scope, value],
        );
    }
    let limit = page.clamped();
    let tail = format!(
        " ORDER BY updated_at DESC, scope DESC, value DESC LIMIT {}",
        limit + 1
    );
    let (sql, params) = conditions.select(row::client::COLUMNS, "client_summaries", &tail);
    let rows = engine.fetch("query clients", sql, params).await?;
    Ok(Paged::cut(read_all(rows, row::client::read)?, limit, |summary| {
        let client = &summary.client;
        format!(
            "{}:{}:{}",
            summary.updated_at.as_millis(),
            client.scope(),
            client.value()
        )
    }))
}
