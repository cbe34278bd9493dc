//! Decisions that match.

use super::query::DecisionQuery;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, page};
use crate::state::ApiState;
use crate::wire::{DecisionView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("list_decisions", "Decisions that match, newest first")
        .query::<DecisionQuery>()
        .answers_slice::<DecisionView>("A slice of them.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<DecisionQuery>,
) -> Result<Json<Slice<DecisionView>>, Problem> {
    let filter = query.filter()?;
    let page = page(query.limit, query.cursor);
    let decisions = state.store.query_decisions(&filter, &page, state.now()).await?;
    Ok(Json(Slice::of(decisions, DecisionView::new)))
}
