//! Signing out.

use super::create::cookie;
use crate::auth::Caller;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::route::Doc;
use crate::state::ApiState;
use axum::extract::{Extension, State};
use axum::http::{HeaderName, StatusCode, header};
use std::sync::Arc;

pub(crate) fn doc() -> Doc {
    Doc::new("end_session", "Signs out").answers_nothing("The session is over.")
}

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Problem> {
    if let Some(hash) = &caller.session {
        state.store.remove_session(hash).await?;
    }
    let cookie = cookie("", 0, peer.is_tls);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}
