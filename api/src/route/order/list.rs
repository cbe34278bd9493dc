//! The journal of orders.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, client, page, read};
use crate::state::ApiState;
use crate::wire::{OrderView, Slice};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use storage::OrderFilter;
use utoipa::IntoParams;

/// Which orders are wanted. Every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderQuery {
    /// About whom: a client's `ref`, an address or a range.
    client: Option<String>,
    /// Name of the key that gave it.
    by: Option<String>,
    /// Most items, 1 to 1000; 50 when absent.
    limit: Option<u32>,
    /// `next` of the slice before.
    cursor: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new("list_orders", "Orders that people gave, newest first")
        .query::<OrderQuery>()
        .answers_slice::<OrderView>("A slice of them.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<OrderQuery>,
) -> Result<Json<Slice<OrderView>>, Problem> {
    let filter = OrderFilter {
        client: read(query.client.as_deref(), client)?,
        by: query.by.filter(|by| !by.is_empty()),
        is_reports: false,
    };
    let orders = state
        .store
        .query_orders(&filter, &page(query.limit, query.cursor))
        .await?;
    Ok(Json(Slice::of(orders, OrderView::new)))
}
