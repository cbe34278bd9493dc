//! One decision.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Path;
use crate::state::ApiState;
use crate::wire::DecisionView;
use axum::Json;
use axum::extract::State;
use domain::DecisionId;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("read_decision", "One decision")
        .path("id", "The decision's id.")
        .answers::<DecisionView>(200, "The decision: the newest row of that id.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
) -> Result<Json<DecisionView>, Problem> {
    let id = DecisionId::parse(&id)
        .ok_or_else(|| Problem::bad_request("a decision's id has 32 hexadecimal digits"))?;
    let decision = state.store.decision(id).await?;
    let decision = decision.ok_or_else(|| Problem::not_found("there is no such decision"))?;
    Ok(Json(DecisionView::new(&decision)))
}
