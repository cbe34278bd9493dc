//! What other machines reported.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, client, page, read};
use crate::state::ApiState;
use crate::wire::{ReportView, Slice};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use storage::OrderFilter;
use utoipa::IntoParams;

/// Which reports are wanted. Every parameter narrows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuery {
    /// About whom: a client's `ref`, an address or a range.
    client: Option<String>,
    /// Name of the machine's key.
    machine: Option<String>,
    /// Most items, 1 to 1000; 50 when absent.
    limit: Option<u32>,
    /// `next` of the slice before.
    cursor: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_reports",
        "What watchers (CrowdSec's machines) reported, newest first. A report blocks nobody",
    )
    .query::<ReportQuery>()
    .answers_slice::<ReportView>("A slice of them.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<ReportQuery>,
) -> Result<Json<Slice<ReportView>>, Problem> {
    let filter = OrderFilter {
        client: read(query.client.as_deref(), client)?,
        by: query.machine.filter(|machine| !machine.is_empty()),
        is_reports: true,
    };
    let reports = state
        .store
        .query_orders(&filter, &page(query.limit, query.cursor))
        .await?;
    Ok(Json(Slice::of(reports, ReportView::new)))
}
