//! Every key, without its secret.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{KeyView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("list_keys", "Every key, revoked ones included, by name")
        .answers_slice::<KeyView>("All of them.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<KeyView>>, Problem> {
    let keys = state.store.api_keys().await?;
    Ok(Json(Slice {
        items: keys.iter().map(KeyView::new).collect(),
        next: None,
    }))
}
