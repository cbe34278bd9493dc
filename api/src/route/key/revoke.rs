//! Revoking a key: it opens nothing from now on, and its sessions end.

use crate::auth::Caller;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Path;
use crate::state::ApiState;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use std::sync::Arc;
use storage::Role;

pub(crate) fn doc() -> Doc {
    Doc::new("revoke_key", "Revokes a key and ends its sessions")
        .path("name", "The key's name.")
        .answers_nothing("It is revoked.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let keys = state.store.api_keys().await?;
    let mut admins = keys
        .iter()
        .filter(|key| key.role == Role::Admin && key.revoked_at.is_none());
    if admins.clone().count() == 1 && admins.any(|key| key.name == name) {
        return Err(Problem::bad_request(
            "this is the last administrator's key: make another one first",
        ));
    }
    let was_revoked = state
        .store
        .revoke_api_key(&name, &caller.name, state.now())
        .await?;
    state.keys.forget_name(&name);
    if !was_revoked {
        return Err(Problem::not_found(
            "there is no such key, or it was revoked before",
        ));
    }
    tracing::info!(key = %name, by = %caller.name, "a key was revoked");
    Ok(StatusCode::NO_CONTENT)
}
