//! Who gives a request, and whether he may.

use super::keys::KeyError;
use super::secret::hash_secret;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::state::ApiState;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use std::sync::Arc;
use storage::{Role, Session};

/// Name of the session's cookie.
pub(crate) const SESSION_COOKIE: &str = "portcullis_session";
/// How long a session lasts at most: a working day.
pub(crate) const SESSION_MILLIS_MAX: i64 = 12 * 3_600_000;
/// How long a session lasts unused: a page left open over lunch, not overnight. An open page polls and keeps it.
const SESSION_IDLE_MILLIS: i64 = 2 * 3_600_000;
/// A session's use is written down at most this often.
const SESSION_TOUCH_MILLIS: i64 = 60_000;

/// Who gives a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Name of the key.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// The gateway that its key is limited to.
    pub(crate) gateway: Option<String>,
    /// Hash of the session's cookie; `None` for a key itself.
    pub(crate) session: Option<String>,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing: the route looks for itself.
    Anyone,
    /// A key of at least this role. Keys of machines open nothing here.
    AtLeast(Role),
    /// A key of this role and no other.
    Only(Role),
}

impl Access {
    /// Whether a role suffices.
    pub(crate) fn admits(self, role: Role) -> bool {
        match self {
            Self::Anyone => true,
            Self::AtLeast(least) => role >= Role::Viewer && role >= least,
            Self::Only(one) => role == one,
        }
    }
}

/// Lets callers through that may, and tells the handler who they are.
pub(crate) async fn require(
    State((state, access)): State<(Arc<ApiState>, Access)>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    if access == Access::Anyone {
        return next.run(request).await;
    }
    match identify(&state, request.headers(), peer).await {
        Ok(caller) if access.admits(caller.role) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(caller) => {
            let detail = format!("the role {} does not suffice", caller.role.as_str());
            Problem::forbidden(&detail).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Finds out who asks: a bearer token or an API key first, then the session's cookie.
pub(crate) async fn identify(state: &ApiState, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
    let now = state.now();
    if let Some(secret) = presented_key(headers) {
        return of_key(state, secret, peer, now).await;
    }
    let Some(cookie) = session_cookie(headers) else {
        return Err(Problem::unauthorized());
    };
    let hash = hash_secret(cookie);
    let session = state.store.session_by_hash(&hash, now).await?;
    match session {
        Some(session) if !is_idle(&session, now) => {
            if now.millis_since(session.last_used_at) >= SESSION_TOUCH_MILLIS {
                state.store.touch_session(&hash, now).await?;
            }
            Ok(Caller {
                name: session.key_name,
                role: session.role,
                gateway: None,
                session: Some(hash),
            })
        }
        _ => Err(Problem::unauthorized()),
    }
}

/// The caller of a key.
pub(crate) async fn of_key(
    state: &ApiState,
    secret: &str,
    peer: Peer,
    now: Timestamp,
) -> Result<Caller, Problem> {
    match state.keys.find(secret, peer.address.ip(), now).await {
        Ok(known) => {
            if known.claim_touch(now) {
                state.note_key_use(&known.key.name, now);
            }
            Ok(Caller {
                name: known.key.name.clone(),
                role: known.key.role,
                gateway: known.key.gateway.clone(),
                session: None,
            })
        }
        Err(KeyError::Unknown) => {
            state.metrics.refused_key();
            Err(Problem::unauthorized())
        }
        Err(KeyError::TooMany) => Err(Problem::too_many("too many failed attempts from this address")),
        Err(KeyError::Store(error)) => Err(error.into()),
    }
}

/// Whether a session was left unused for too long.
fn is_idle(session: &Session, now: Timestamp) -> bool {
    now.millis_since(session.last_used_at) > SESSION_IDLE_MILLIS
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default())
        .map(|value| value.strip_prefix("Bearer ").unwrap_or_default().trim());
    bearer.or_else(|| {
        headers
            .get("x-api-key")
            .map(|value| value.to_str().unwrap_or_default())
    })
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_holds_what_the_lesser_ones_hold_and_machines_hold_nothing() {
        let check = |access: Access, expected: [bool; 6]| {
            assert_eq!(Role::ALL.map(|role| access.admits(role)), expected, "{access:?}");
        };
        check(
            Access::AtLeast(Role::Viewer),
            [false, false, false, true, true, true],
        );
        check(
            Access::AtLeast(Role::Operator),
            [false, false, false, false, true, true],
        );
        check(
            Access::AtLeast(Role::Admin),
            [false, false, false, false, false, true],
        );
        check(
            Access::AtLeast(Role::Bouncer),
            [false, false, false, true, true, true],
        );
        check(
            Access::AtLeast(Role::Ingest),
            [false, false, false, true, true, true],
        );
        check(
            Access::Only(Role::Ingest),
            [true, false, false, false, false, false],
        );
    }
}
