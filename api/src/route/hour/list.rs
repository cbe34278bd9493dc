//! The latest hours of the site beside what is usual.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{HourView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

/// Hours that are shown: a day.
const HOURS_SHOWN: u32 = 24;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_hours",
        "The latest 24 hours of the site beside what is usual at that hour of the week, oldest first",
    )
    .answers_slice::<HourView>("The hours; there is no further slice.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<HourView>>, Problem> {
    let hours = state.store.hours(HOURS_SHOWN).await?;
    Ok(Json(Slice {
        items: hours.iter().map(HourView::new).collect(),
        next: None,
    }))
}
