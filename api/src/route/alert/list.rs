//! Alerts that match.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, action, client, page, read, threat, time};
use crate::state::ApiState;
use crate::wire::{AlertView, Slice, read_judgement};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use storage::{AlertFilter, VerdictFilter};
use utoipa::IntoParams;

/// Longest text that is searched for, in characters: the store looks through every alert for it.
const TEXT_CHARS_MAX: usize = 200;

/// Which alerts are wanted. Every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertQuery {
    /// `observe`, `challenge`, `throttle` or `block`.
    action: Option<String>,
    /// One of its threats.
    threat: Option<String>,
    /// About whom: a client's `ref`, an address or a range.
    client: Option<String>,
    /// Alerted at this time or later, RFC 3339.
    from: Option<String>,
    /// Alerted before this time, RFC 3339.
    to: Option<String>,
    /// Words in the client, the threats, the sentences or the requests; at most 200 characters.
    text: Option<String>,
    /// What a person said of it: `attack`, `false_positive`, `any`, or `none` for those nobody has judged.
    verdict: Option<String>,
    /// Most items, 1 to 1000; 50 when absent.
    limit: Option<u32>,
    /// `next` of the slice before.
    cursor: Option<String>,
}

impl AlertQuery {
    fn filter(&self) -> Result<AlertFilter, Problem> {
        Ok(AlertFilter {
            threat: read(self.threat.as_deref(), threat)?,
            action: read(self.action.as_deref(), action)?,
            client: read(self.client.as_deref(), client)?,
            from: read(self.from.as_deref(), time)?,
            to: read(self.to.as_deref(), time)?,
            text: read(self.text.as_deref(), text)?,
            verdict: read(self.verdict.as_deref(), verdict)?,
        })
    }
}

fn verdict(name: &str) -> Result<VerdictFilter, String> {
    Ok(match name {
        "none" => VerdictFilter::Open,
        "any" => VerdictFilter::Judged,
        name => VerdictFilter::Is(read_judgement(name)?),
    })
}

fn text(text: &str) -> Result<String, String> {
    match text.chars().count() <= TEXT_CHARS_MAX {
        true => Ok(text.to_owned()),
        false => Err(format!("text must have at most {TEXT_CHARS_MAX} characters")),
    }
}

pub(crate) fn doc() -> Doc {
    Doc::new("list_alerts", "Alerts that match, the latest to stand out first")
        .query::<AlertQuery>()
        .answers_slice::<AlertView>("A slice of them.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<AlertQuery>,
) -> Result<Json<Slice<AlertView>>, Problem> {
    let filter = query.filter()?;
    let alerts = state
        .store
        .query_alerts(&filter, &page(query.limit, query.cursor))
        .await?;
    Ok(Json(Slice::of(alerts, AlertView::in_list)))
}
