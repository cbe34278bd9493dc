//! Clients, latest change first.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Query, page};
use crate::state::ApiState;
use crate::wire::{ClientView, Slice};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Which clients are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientQuery {
    /// How their address or name begins.
    prefix: Option<String>,
    /// Most items, 1 to 1000; 50 when absent.
    limit: Option<u32>,
    /// `next` of the slice before.
    cursor: Option<String>,
}

pub(crate) fn doc() -> Doc {
    Doc::new("list_clients", "Clients, latest change first")
        .query::<ClientQuery>()
        .answers_slice::<ClientView>("A slice of them.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Query(query): Query<ClientQuery>,
) -> Result<Json<Slice<ClientView>>, Problem> {
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let clients = state
        .store
        .query_clients(prefix, &page(query.limit, query.cursor))
        .await?;
    Ok(Json(Slice::of(clients, ClientView::new)))
}
