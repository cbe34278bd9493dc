//! What a person has to look at because it makes Portcullis blind or late.

use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{AlarmView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

/// Alarms that are shown: those that go on, and the latest that are over.
const ALARMS_SHOWN: u32 = 200;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_alarms",
        "What makes Portcullis blind or late: alarms that go on first, then the latest that are over",
    )
    .answers_slice::<AlarmView>("At most 200 alarms; there is no further slice.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Result<Json<Slice<AlarmView>>, Problem> {
    let alarms = state.store.alarms(ALARMS_SHOWN).await?;
    Ok(Json(Slice {
        items: alarms.iter().map(AlarmView::new).collect(),
        next: None,
    }))
}
