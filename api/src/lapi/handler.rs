//! The routes of the local API.

use super::filter::{Filter, FilterError};
use super::sent::SentBody;
use super::snapshot::Snapshot;
use super::{alerts, list, machine};
use crate::askers::Way;
use crate::auth::{KeyError, KnownKey};
use crate::peer::Peer;
use crate::state::ApiState;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use domain::Timestamp;
use std::sync::Arc;
use storage::{Bouncer, Role};

/// Longest body of a bouncer: usage metrics of a few hundred series. CrowdSec's own limit is far higher.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longest name or version that is taken from a user agent.
const AGENT_PART_MAX: usize = 64;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The routes under `/v1`, with CrowdSec's empty 404 for the rest of that tree.
pub(crate) fn router(state: Arc<ApiState>) -> Router<Arc<ApiState>> {
    let keyed = Router::new()
        .route("/v1/decisions", get(decisions).head(key_check))
        .route("/v1/decisions/stream", get(stream).head(key_check))
        .route("/api/v1/list", get(list::handle))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            require_bouncer,
        ));
    let of_either = Router::new()
        .route("/v1/usage-metrics", post(usage_metrics))
        .route("/v1/heartbeat", get(heartbeat))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&state), require_either));
    let of_machines = Router::new()
        .route(
            "/v1/decisions/{id}",
            axum::routing::delete(alerts::delete_decision),
        )
        .route("/v1/watchers/self", axum::routing::delete(machine::leave))
        .route("/v1/refresh_token", get(machine::refresh))
        .route(
            "/v1/alerts",
            get(alerts::list)
                .post(alerts::push)
                .head(|| async { StatusCode::OK })
                .delete(alerts::keep),
        )
        .route("/v1/alerts/{id}", get(alerts::read).delete(alerts::keep))
        .layer(DefaultBodyLimit::max(alerts::BODY_BYTES_MAX))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            machine::require,
        ));
    // Bouncers share the path, and other methods are to find nobody at the door.
    let delete = axum::routing::delete(alerts::delete_decisions)
        .route_layer(middleware::from_fn_with_state(state, machine::require));
    let others = Router::new()
        .merge(keyed)
        .merge(of_either)
        .route("/v1/decisions", delete)
        .route("/v1/decisions/", get(|query| redirect("/v1/decisions", query)))
        .route(
            "/v1/decisions/stream/",
            get(|query| redirect("/v1/decisions/stream", query)),
        )
        .route("/v1/watchers/login", post(machine::sign_in))
        .route("/v1/watchers", post(machine::register))
        .route("/v1/{*rest}", any(|| async { StatusCode::NOT_FOUND }))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    others.merge(of_machines)
}

/// `/health` as bouncers' monitors ask for it; the only answer without a key.
pub(crate) async fn health() -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, "{\"status\":\"up\"}").into_response()
}

/// Lets bouncers' keys through and nobody else, and notes who asked.
async fn require_bouncer(
    State(state): State<Arc<ApiState>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = state.now();
    let secret = request
        .headers()
        .get("x-api-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let key = match state.keys.find(secret, peer.address.ip(), now).await {
        Ok(key) if key.key.role == Role::Bouncer => key,
        Ok(_) | Err(KeyError::Unknown | KeyError::TooMany) => {
            state.metrics.refused_key();
            return forbidden();
        }
        Err(KeyError::Store(error)) => {
            tracing::error!(%error, "could not look a bouncer's key up");
            return message(StatusCode::INTERNAL_SERVER_ERROR, "the store does not answer");
        }
    };
    note_bouncer(&state, &key, request.headers(), peer, None, now);
    request.extensions_mut().insert(key);
    next.run(request).await
}

/// Lets bouncers through by their key, and machines by their token.
async fn require_either(
    state: State<Arc<ApiState>>,
    peer: Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        machine::require(state, peer, request, next).await
    } else {
        require_bouncer(state, peer, request, next).await
    }
}

async fn decisions(
    State(state): State<Arc<ApiState>>,
    Extension(key): Extension<Arc<KnownKey>>,
    RawQuery(query): RawQuery,
) -> Response {
    match Filter::parse(query.as_deref().unwrap_or_default()) {
        Ok(filter) => {
            state.metrics.looked_up();
            note_asked(&state, &key, &filter);
            let body = state.lapi.find(&filter, &key, state.now());
            ([(header::CONTENT_TYPE, JSON)], body).into_response()
        }
        Err(error) => bad_filter(&error),
    }
}

async fn stream(
    State(state): State<Arc<ApiState>>,
    Extension(key): Extension<Arc<KnownKey>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let filter = match Filter::parse(query.as_deref().unwrap_or_default()) {
        Ok(filter) => filter.or_address_scopes(),
        Err(error) => return bad_filter(&error),
    };
    note_asked(&state, &key, &filter);
    let now = state.now();
    let snapshot = state.lapi.pull(filter, &key, peer.address.ip(), now).await;
    let is_gzip = snapshot.body.is_long() && accepts_gzip(&headers);
    let bytes = if is_gzip {
        compressed(&snapshot).await
    } else {
        snapshot.body.plain()
    };
    let cursor = snapshot.cursor;
    let length = bytes.len();
    let on_sent = move || {
        state.metrics.pulled();
        state.lapi.note_pulled(&key, peer.address.ip(), cursor);
        note_bouncer(&state, &key, &headers, peer, Some(cursor.pulled_at), now);
    };
    let mut response = Body::from_stream(SentBody::new(bytes, on_sent)).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, JSON);
    answer.insert(header::CONTENT_LENGTH, length.into());
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_gzip {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Notes for what a bouncer asks: what it does not ask for it cannot carry out.
pub(super) fn note_asked(state: &ApiState, key: &KnownKey, filter: &Filter) {
    let asker = (Way::Bouncer, key.key.name.as_str(), key.key.gateway.as_deref());
    state.askers.note(asker, filter.scopes(), state.now());
}

/// Compresses off the runtime's threads.
async fn compressed(snapshot: &Arc<Snapshot>) -> Bytes {
    let shared = Arc::clone(snapshot);
    match tokio::task::spawn_blocking(move || shared.body.gzip()).await {
        Ok(bytes) => bytes,
        Err(_) => snapshot.body.gzip(),
    }
}

/// HEAD only says that the key is good; the cursor stays.
async fn key_check() -> Response {
    ([(header::CONTENT_TYPE, TEXT)], ()).into_response()
}

/// Bouncers report what they dropped. We count our own; the report is read for its form only.
async fn usage_metrics(body: Bytes) -> Response {
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body) {
        Ok(_) => StatusCode::CREATED.into_response(),
        Err(_) => message(
            StatusCode::BAD_REQUEST,
            "could not read the metrics: expected a JSON object",
        ),
    }
}

async fn heartbeat() -> StatusCode {
    StatusCode::OK
}

async fn redirect(to: &'static str, RawQuery(query): RawQuery) -> Response {
    let location = match query {
        Some(query) => format!("{to}?{query}"),
        None => to.to_owned(),
    };
    let Ok(location) = HeaderValue::from_str(&location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::LOCATION, location),
    ];
    let body = format!("<a href=\"{to}\">Moved Permanently</a>.\n\n");
    (StatusCode::MOVED_PERMANENTLY, headers, body).into_response()
}

pub(super) fn forbidden() -> Response {
    message(StatusCode::FORBIDDEN, "access forbidden")
}

pub(super) fn bad_filter(error: &FilterError) -> Response {
    // CrowdSec answers a bad filter with 500, and its clients know it so.
    message(
        StatusCode::INTERNAL_SERVER_ERROR,
        &crate::neutral::neutralise(&error.to_string()),
    )
}

pub(super) fn message(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "message": text }).to_string();
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}

pub(super) fn unauthorized(text: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("JWT realm=Crowdsec API local"),
        ),
    ];
    let body = serde_json::json!({ "code": 401, "message": text }).to_string();
    (StatusCode::UNAUTHORIZED, headers, body).into_response()
}

/// Whether the client takes gzip: named, and not with a quality of zero.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (name, quality) = item.split_once(';').unwrap_or((item, ""));
            let is_refused = matches!(quality.trim().trim_end_matches(['0', '.']), "q=" | "Q=");
            name.trim().eq_ignore_ascii_case("gzip") && !is_refused
        })
}

/// Writes down that a bouncer asked: its pulls at most every few seconds, anything else once a minute. In the background, so that
/// a slow store delays no answer.
pub(super) fn note_bouncer(
    state: &Arc<ApiState>,
    key: &Arc<KnownKey>,
    headers: &HeaderMap,
    peer: Peer,
    pulled_at: Option<Timestamp>,
    now: Timestamp,
) {
    let is_touch = key.claim_touch(now);
    if !is_touch && (pulled_at.is_none() || !key.claim_note(now)) {
        return;
    }
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (kind, version) = agent_parts(agent);
    let bouncer = Bouncer {
        name: key.key.name.clone(),
        kind,
        version,
        address: peer.address.ip().to_canonical().to_string(),
        last_seen: now,
        last_pull: pulled_at,
    };
    state.note_bouncer(bouncer);
    if is_touch {
        state.note_key_use(&key.key.name, now);
    }
}

/// Type and version of a user agent such as `crowdsec-custom-bouncer/v0.0.15`.
fn agent_parts(agent: &str) -> (String, String) {
    let cut = |text: &str| text.chars().take(AGENT_PART_MAX).collect::<String>();
    let (kind, version) = agent.split_once('/').unwrap_or((agent, ""));
    (cut(kind), cut(version))
}
