//! Gateways that are told by this process what to carry out, and how far each is.

use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{GatewayView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_gateways",
        "Gateways that this process keeps equal to what was decided, and how far each is; those that ask by themselves are askers",
    )
    .answers_slice::<GatewayView>("All of them, in the order of the configuration.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Json<Slice<GatewayView>> {
    let reports = state.points.as_ref().map(|points| points.points());
    Json(Slice {
        items: reports.iter().flatten().map(GatewayView::new).collect(),
        next: None,
    })
}
