//! Which routes a listener carries.

use crate::auth::{SharedSecret, browser};
use crate::metrics::{Exposition, MetricKind};
use crate::problem::Problem;
use crate::state::ApiState;
use crate::{check, files, lapi, route};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

/// Longest body that the REST API reads, in bytes: an order with its reason fits forty times.
const BODY_BYTES_MAX: usize = 128 * 1024;

/// A group of routes that a listener carries or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// Dashboard and REST API.
    Admin,
    /// The CrowdSec-compatible local API and its `/health`.
    Bouncer,
    /// `/check` for gateways that ask per request.
    Check,
    /// `/metrics` for Prometheus.
    Metrics,
}

/// What one listener answers, and whom.
#[derive(Debug, Clone, Default)]
pub struct Entrance {
    /// The routes it carries. Whatever is not among them is an empty 404.
    pub surfaces: Vec<Surface>,
    /// Host names under which its dashboard is reached, besides those of this machine.
    pub hosts: Vec<String>,
    /// What a gateway has to send to its `/check` as `X-Portcullis-Secret`; `None` where the listener is private
    /// enough.
    pub secret: Option<SharedSecret>,
}

impl Entrance {
    /// An entrance to these surfaces, under this machine's own names and without a secret.
    #[must_use]
    pub fn to(surfaces: &[Surface]) -> Self {
        Self {
            surfaces: surfaces.to_vec(),
            ..Self::default()
        }
    }
}

/// The routes of a listener.
pub fn router(state: &Arc<ApiState>, entrance: Entrance) -> Router {
    let mut router: Router<Arc<ApiState>> = Router::new();
    for surface in &entrance.surfaces {
        router = router.merge(match surface {
            Surface::Admin => admin(state),
            Surface::Bouncer => lapi::router(Arc::clone(state)).route("/health", get(lapi::health)),
            Surface::Check => check::router(),
            Surface::Metrics => Router::new().route("/metrics", get(metrics)),
        });
    }
    if !entrance.surfaces.contains(&Surface::Admin) {
        router = router.fallback(|| async { StatusCode::NOT_FOUND });
    }
    let router = router.with_state(Arc::clone(state));
    router.layer(Extension(Arc::new(entrance)))
}

/// Dashboard and REST API behind the defences of a browser's session.
fn admin(state: &Arc<ApiState>) -> Router<Arc<ApiState>> {
    let pages = Router::new().fallback(files::serve);
    route::router(state)
        .route("/api/{*rest}", axum::routing::any(unknown))
        .merge(pages)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn(browser::require_own_origin))
        .layer(axum::middleware::from_fn(browser::require_known_host))
        .layer(axum::middleware::from_fn(browser::add_security_headers))
        .route("/health/live", get(route::live))
        .route("/health/ready", get(route::ready))
}

async fn unknown() -> Problem {
    Problem::not_found("there is no such route")
}

async fn metrics(State(state): State<Arc<ApiState>>) -> Response {
    let mut out = Exposition::default();
    state.metrics.write(&mut out);
    state.askers.write(&*state.blocklist, state.now(), &mut out);
    let is_suspended = crate::blocklist::read(&*state.blocklist, |list| list.suspension().is_some());
    out.add_one(
        MetricKind::Gauge,
        "suspended",
        "1 while nothing is carried out because somebody ordered it.",
        f64::from(u8::from(is_suspended)),
    );
    for source in &state.other_metrics {
        source.write(&mut out);
    }
    let content = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, content)], out.into_text()).into_response()
}
