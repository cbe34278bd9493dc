//! Which routes a listener carries.

use crate::metrics::Exposition;
use crate::state::ApiState;
use crate::{check, lapi};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

/// A group of routes that a listener carries or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The CrowdSec-compatible local API and its `/health`.
    Bouncer,
    /// `/check` for gateways that ask per request.
    Check,
    /// `/metrics` for Prometheus.
    Metrics,
}

/// The routes of a listener that carries these surfaces. Whatever is not among them is an empty 404.
pub fn router(state: &Arc<ApiState>, surfaces: &[Surface]) -> Router {
    let mut router: Router<Arc<ApiState>> = Router::new();
    for surface in surfaces {
        router = router.merge(match surface {
            Surface::Bouncer => lapi::router(Arc::clone(state)).route("/health", get(lapi::health)),
            Surface::Check => check::router(),
            Surface::Metrics => Router::new().route("/metrics", get(metrics)),
        });
    }
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(Arc::clone(state))
}

async fn metrics(State(state): State<Arc<ApiState>>) -> Response {
    let mut out = Exposition::default();
    state.metrics.write(&mut out);
    for source in &state.other_metrics {
        source.write(&mut out);
    }
    let content = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, content)], out.into_text()).into_response()
}
