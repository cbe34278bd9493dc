//! The models that are or were in use.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{ModelView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("list_models", "Models that are or were in use, newest first")
        .answers_slice::<ModelView>("All of them.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<ModelView>>, Problem> {
    let models = state.store.models().await?;
    Ok(Json(Slice {
        items: models.iter().map(ModelView::new).collect(),
        next: None,
    }))
}
