//! Live events, as Server-Sent Events.

use crate::events::stream;
use crate::peer::Stopping;
use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "follow_events",
        "Live events: `alert`, `decision`, `order`, `figures`; `reset` and `lagged` mean that some were missed",
    )
    .header("Last-Event-ID", "The last event that was seen: those after it come first.")
    .answers_text("text/event-stream", "Server-Sent Events whose data is the JSON of the lists.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = state
        .events
        .take_place()
        .ok_or_else(|| Problem::too_many("too many people watch already"))?;
    let last_id = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or_default().to_owned());
    let stopping = stopping.map(|Extension(stopping)| stopping);
    let events = stream(Arc::clone(&state), place, last_id.as_deref(), stopping);
    // NGINX in front would otherwise collect events before it passes them on.
    Ok(([("x-accel-buffering", "no")], events).into_response())
}
