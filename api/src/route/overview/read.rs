//! What happened of late, and what is under attack.

use crate::blocklist::read;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, read as read_parameter, time};
use crate::state::ApiState;
use crate::wire::{AttackView, ClientName, OverviewView, TargetView, summarise};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use storage::{AlertFilter, PAGE_MAX, Page};
use utoipa::IntoParams;

/// The time that is shown when nothing else is asked, in seconds.
const SPAN_SECS: i64 = 3600;
/// The longest time that is shown, in seconds: as long as figures are kept by default.
const SPAN_SECS_MAX: i64 = 31 * 86_400;
/// Clients that are named as the latest.
const LATEST_MAX: usize = 20;

/// The shown time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverviewQuery {
    /// Its beginning, RFC 3339; an hour before the end when absent, at most 31 days before it.
    from: Option<String>,
    /// Its end, RFC 3339; now when absent.
    to: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new("read_overview", "Figures over time, and what is under attack")
        .query::<OverviewQuery>()
        .answers::<OverviewView>(200, "The overview.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<OverviewView>, Problem> {
    let to = read_parameter(query.to.as_deref(), time)?.unwrap_or_else(|| state.now());
    let from = read_parameter(query.from.as_deref(), time)?.unwrap_or_else(|| to.plus_secs(-SPAN_SECS));
    let span_millis = to.millis_since(from);
    if span_millis <= 0 || span_millis > SPAN_SECS_MAX * 1000 {
        return Err(Problem::bad_request(
            "from must lie before to, by at most 31 days",
        ));
    }
    let buckets = state.store.stats(from, to).await?;
    let filter = AlertFilter {
        from: Some(from),
        to: Some(to),
        ..AlertFilter::default()
    };
    // The latest thousand say what is under attack; older ones of a long time would change no reader's mind.
    let alerts = state
        .store
        .query_alerts(&filter, &Page::first(PAGE_MAX))
        .await?
        .items;
    let (mut figures, points, step_secs) = summarise(&buckets, from, to);
    figures.in_force = read(&*state.blocklist, |list| list.len() as u64);
    Ok(Json(OverviewView {
        from: from.to_string(),
        to: to.to_string(),
        step_secs,
        figures,
        points,
        attacks: AttackView::of(&alerts),
        targets: TargetView::of(&alerts),
        latest: alerts
            .iter()
            .take(LATEST_MAX)
            .map(|alert| ClientName::new(&alert.client))
            .collect(),
    }))
}
