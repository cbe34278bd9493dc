//! Whether decisions are carried out at all.

use crate::blocklist::read;
use crate::route::Doc;
use crate::state::ApiState;
use crate::wire::SuspensionView;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "read_suspension",
        "Whether decisions are carried out, and who said otherwise; the orders suspend and resume change it",
    )
    .answers::<SuspensionView>(200, "How it is.")
}

pub(crate) async fn handle(State(state): State<Arc<ApiState>>) -> Json<SuspensionView> {
    let suspended = read(&*state.blocklist, |list| list.suspension().cloned());
    Json(SuspensionView::new(suspended.as_ref()))
}
