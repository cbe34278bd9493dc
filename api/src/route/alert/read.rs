//! One alert.

use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Path;
use crate::route::order::create::alert_of;
use crate::state::ApiState;
use crate::wire::AlertView;
use axum::Json;
use axum::extract::State;
use domain::AlertId;
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("read_alert", "One alert")
        .path("id", "The alert's id.")
        .answers::<AlertView>(200, "The alert.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Path(id): Path<String>,
) -> Result<Json<AlertView>, Problem> {
    let id = read_id(&id)?;
    Ok(Json(AlertView::new(&alert_of(&state, id).await?)))
}

/// Reads an alert's id.
pub(crate) fn read_id(text: &str) -> Result<AlertId, Problem> {
    AlertId::parse(text).ok_or_else(|| Problem::bad_request("an alert's id has 32 hexadecimal digits"))
}
