//! How the process is, part by part.

use crate::route::Doc;
use crate::state::{ApiState, HealthPart};
use crate::wire::{HealthPartView, HealthView};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("read_health", "How the process is, part by part").answers::<HealthView>(200, "Its parts.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Json<HealthView> {
    let parts: Vec<HealthPart> = state.health.iter().flat_map(|source| source.parts()).collect();
    let status = if parts.iter().any(|part| part.is_required && !part.is_ok) {
        "failing"
    } else if parts.iter().any(|part| !part.is_ok) {
        "degraded"
    } else {
        "ok"
    };
    Json(HealthView {
        status: status.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        parts: parts.iter().map(HealthPartView::new).collect(),
    })
}
