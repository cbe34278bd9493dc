//! Who asks this process what to carry out, and which decisions in force he cannot.

use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::{AskerView, Slice};
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "list_askers",
        "Who asked this process within the hour what to carry out, by /check or as a bouncer, and how many decisions in force he cannot",
    )
    .answers_slice::<AskerView>("All of them, by way and name.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Json<Slice<AskerView>> {
    let standings = state.askers.standings(&*state.blocklist, state.now());
    Json(Slice {
        items: standings.iter().map(AskerView::new).collect(),
        next: None,
    })
}
