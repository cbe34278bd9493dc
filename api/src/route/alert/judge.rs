//! A person's verdict on an alert: an attack, or a false positive.

use super::read::read_id;
use crate::auth::Caller;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::{Json, Path};
use crate::route::order::create::{alert_of, give};
use crate::state::ApiState;
use crate::wire::{NewVerdictView, OrderReceiptView};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use domain::OrderKind;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new(
        "judge_alert",
        "Says what an alert was. An attack blocks nobody; a false positive lifts every decision that rests on the alert, and \
         leaves its clients alone for a day. The newest verdict holds",
    )
    .path("id", "The alert's id.")
    .body::<NewVerdictView>()
    .answers::<OrderReceiptView>(201, "What the verdict did.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    Json(verdict): Json<NewVerdictView>,
) -> Result<(StatusCode, axum::Json<OrderReceiptView>), Problem> {
    let id = read_id(&id)?;
    let (judgement, reason) = verdict.read().map_err(|why| Problem::bad_request(&why))?;
    let alert = alert_of(&state, id).await?;
    let kind = OrderKind::Verdict {
        alert: id,
        alerted_at: alert.alerted_at,
        judgement,
    };
    give(&state, (kind, alert.client, reason), (caller, peer), state.now()).await
}
