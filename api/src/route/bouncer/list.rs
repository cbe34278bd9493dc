//! The bouncers of gateways, and when each last asked.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{BouncerView, Slice};
use axum::Json;
use axum::extract::State;
use std::collections::HashMap;
use std::sync::Arc;
use storage::Role;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_bouncers",
        "Bouncers with a key that holds, and when each last asked",
    )
    .answers_slice::<BouncerView>("All of them, by name.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<BouncerView>>, Problem> {
    let bouncers = state.store.bouncers().await?;
    let by_name: HashMap<&str, _> = bouncers
        .iter()
        .map(|bouncer| (bouncer.name.as_str(), bouncer))
        .collect();
    let keys = state.store.api_keys().await?;
    let items = keys
        .iter()
        .filter(|key| key.role == Role::Bouncer && key.revoked_at.is_none())
        .map(|key| BouncerView::new(key, by_name.get(key.name.as_str()).copied()))
        .collect();
    Ok(Json(Slice { items, next: None }))
}
