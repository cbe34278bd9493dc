//! How the process is, in two words, for orchestrators. Answered from memory and without a key.

use crate::state::ApiState;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Whether the process runs at all.
pub(crate) async fn live() -> Response {
    answer(StatusCode::OK, "{\"status\":\"ok\"}")
}

/// Whether every part works without which the process is no use.
pub(crate) async fn ready(State(state): State<Arc<ApiState>>) -> Response {
    let mut parts = state.health.iter().flat_map(|source| source.parts());
    match parts.any(|part| part.is_required && !part.is_ok) {
        false => answer(StatusCode::OK, "{\"status\":\"ok\"}"),
        true => answer(StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"failing\"}"),
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}
