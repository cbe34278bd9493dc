//! Samples of lines that could not be read.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Query;
use crate::state::ApiState;
use crate::wire::{RejectedView, Slice};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use storage::REJECTED_MAX;
use utoipa::IntoParams;

/// How many are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectedQuery {
    /// Most items, 1 to 1000; 50 when absent.
    limit: Option<u32>,
    /// `next` of the slice before: how many were shown already.
    cursor: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_rejected",
        "Samples of lines that could not be read, newest first",
    )
    .query::<RejectedQuery>()
    .answers_slice::<RejectedView>("A slice of them.")
}

/// The store keeps few enough to read them all: the cursor is a number of rows.
pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<RejectedQuery>,
) -> Result<Json<Slice<RejectedView>>, Problem> {
    let all_max = u32::try_from(REJECTED_MAX).unwrap_or(u32::MAX);
    let limit = query.limit.unwrap_or(50).clamp(1, all_max);
    let skip: u32 = match query.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Problem::bad_request("cursor is not one of ours"))?,
    };
    let end = skip.saturating_add(limit).min(all_max);
    // One more than is shown says whether there are more.
    let rows = state.store.rejected(end.saturating_add(1)).await?;
    let has_more = end < all_max && rows.len() > end as usize;
    let shown = rows.iter().take(end as usize).skip(skip as usize);
    Ok(Json(Slice {
        items: shown.map(RejectedView::new).collect(),
        next: has_more.then(|| end.to_string()),
    }))
}
