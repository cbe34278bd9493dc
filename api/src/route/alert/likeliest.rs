//! Alerts that nobody has judged, in the order of how likely people here would call them attacks.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Query;
use crate::state::ApiState;
use crate::wire::{AlertView, LikelyView, RankedView};
use axum::Json;
use axum::extract::State;
use domain::Judgement;
use serde::Deserialize;
use std::sync::Arc;
use storage::{AlertFilter, Page, StoredAlert, VerdictFilter};
use utoipa::IntoParams;

/// Verdicts that are learnt from, the latest: learning and ranking stay well under a second, and what a team thought of thousands
/// of alerts ago says little of what it thinks now.
const LEARNT_FROM_MAX: u32 = 1000;

/// Alerts that are ranked, the latest. Older ones stand in the list by time.
const RANKED_MAX: u32 = 500;

/// Verdicts below which nothing is said, and how many of each kind there must be among them: with fewer, one hasty click would turn the
/// list around.
const VERDICTS_MIN: u64 = 20;
const EACH_MIN: u64 = 5;

/// Alerts that are shown when nothing else is asked for.
const SHOWN: u32 = 50;

/// How much of the list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct LikeliestQuery {
    /// Most items, 1 to 500; 50 when absent.
    limit: Option<u32>,
}

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_likeliest_alerts",
        "Alerts that nobody has judged, those first that people here would most likely call attacks, as their verdicts so far \
         tell. It only orders: nothing is decided by it",
    )
    .query::<LikeliestQuery>()
    .answers::<RankedView>(200, "The latest 500 of them, in that order, and what it rests on.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<LikeliestQuery>,
) -> Result<Json<RankedView>, Problem> {
    let judged = latest(&state, VerdictFilter::Judged, LEARNT_FROM_MAX).await?;
    let open = latest(&state, VerdictFilter::Open, RANKED_MAX).await?;
    let count = |judgement| {
        let verdicts = judged.iter().filter_map(|alert| alert.verdict.as_ref());
        verdicts.filter(|verdict| verdict.judgement == judgement).count() as u64
    };
    let mut view = RankedView {
        attacks: count(Judgement::Attack),
        false_positives: count(Judgement::FalsePositive),
        verdicts_needed: VERDICTS_MIN,
        each_needed: EACH_MIN,
        is_ranked: false,
        items: Vec::new(),
    };
    let is_enough = view.attacks + view.false_positives >= VERDICTS_MIN
        && view.attacks.min(view.false_positives) >= EACH_MIN;
    let ranker = state.ranker.clone().filter(|_| is_enough);
    let limit = query.limit.unwrap_or(SHOWN).clamp(1, RANKED_MAX) as usize;
    // Long work leaves the runtime.
    let ranked = tokio::task::spawn_blocking(move || {
        let likelihoods = ranker.and_then(|ranker| ranker.rank(&judged, &open));
        in_order(open, likelihoods)
    });
    let ranked = ranked.await.map_err(|error| {
        tracing::error!(%error, "could not rank the alerts: {error}");
        Problem::internal()
    })?;
    view.is_ranked = ranked.iter().any(|(_, likelihood)| likelihood.is_some());
    view.items = ranked
        .iter()
        .take(limit)
        .map(|(alert, likelihood)| LikelyView {
            likelihood: *likelihood,
            alert: AlertView::in_list(alert),
        })
        .collect();
    Ok(Json(view))
}

async fn latest(state: &ApiState, verdict: VerdictFilter, most: u32) -> Result<Vec<StoredAlert>, Problem> {
    let filter = AlertFilter {
        verdict: Some(verdict),
        ..AlertFilter::default()
    };
    Ok(state.store.query_alerts(&filter, &Page::first(most)).await?.items)
}

/// The likeliest first, the latest of equals; by time where nothing was learnt.
fn in_order(open: Vec<StoredAlert>, likelihoods: Option<Vec<f32>>) -> Vec<(StoredAlert, Option<f32>)> {
    let Some(likelihoods) = likelihoods.filter(|likelihoods| likelihoods.len() == open.len()) else {
        return open.into_iter().map(|alert| (alert, None)).collect();
    };
    let mut ranked: Vec<_> = open.into_iter().zip(likelihoods.into_iter().map(Some)).collect();
    // Stable: they came by time.
    ranked.sort_by(|(_, left), (_, right)| right.unwrap_or(0.0).total_cmp(&left.unwrap_or(0.0)));
    ranked
}
