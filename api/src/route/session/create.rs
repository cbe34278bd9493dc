//! Signing in: a key for a cookie that scripts cannot read.

use crate::auth::{SESSION_COOKIE, SESSION_MILLIS_MAX, Secret, of_key};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::route::Doc;
use crate::route::input::Json;
use crate::state::ApiState;
use crate::wire::{SessionView, SignIn, shown};
use axum::extract::{Extension, State};
use axum::http::{HeaderName, StatusCode, header};
use std::sync::Arc;
use storage::{Role, Session};

pub(crate) fn doc() -> Doc {
    Doc::new("create_session", "Signs in with a key, for a session in a cookie")
        .body::<SignIn>()
        .answers::<SessionView>(201, "Who is signed in.")
}

type Answer = (StatusCode, [(HeaderName, String); 1], axum::Json<SessionView>);

pub(crate) async fn handle(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    Json(sign_in): Json<SignIn>,
) -> Result<Answer, Problem> {
    let now = state.now();
    let caller = of_key(&state, &sign_in.key, peer, now).await?;
    if caller.role < Role::Viewer {
        let detail = format!("a key of the role {} opens no session", caller.role.as_str());
        return Err(Problem::forbidden(&detail));
    }
    let secret = Secret::generate().map_err(|error| {
        tracing::error!(%error, "no session was opened");
        Problem::internal()
    })?;
    let session = Session {
        hash: secret.hash(),
        key_name: caller.name.clone(),
        role: caller.role,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_millis(SESSION_MILLIS_MAX),
    };
    state.store.add_session(&session).await?;
    let view = SessionView {
        name: shown(&caller.name),
        role: caller.role.as_str().to_owned(),
    };
    let cookie = cookie(secret.reveal(), SESSION_MILLIS_MAX / 1000, peer.is_tls);
    Ok((
        StatusCode::CREATED,
        [(header::SET_COOKIE, cookie)],
        axum::Json(view),
    ))
}

/// The cookie of a session: not for scripts, not for other sites, and encrypted only where we are.
pub(crate) fn cookie(value: &str, max_age_secs: i64, is_tls: bool) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_secs}{secure}")
}
