//! REST API, CrowdSec-compatible bouncer API, forward-auth, dashboard files.
//!
//! Modules stand in the order in which a request meets them.

mod line_sink;
mod listen;
mod peer;
mod route;
mod surface;

mod askers;
mod auth;
mod blocklist;
mod bootstrap;
mod check;
mod events;
mod files;
mod lapi;
mod metrics;
mod neutral;
mod points;
mod problem;
mod ranking;
mod state;
#[cfg(test)]
mod testing;
mod wire;

pub use auth::{
    FAILED_ATTEMPTS_MAX, FAILED_WINDOW_MILLIS, KEY_FRESH_MILLIS, RandomnessError, Secret, SharedSecret,
    hash_secret,
};
pub use blocklist::BlocklistSource;
pub use bootstrap::{BootstrapError, bootstrap_key};
pub use check::{AddressHeader, CheckSettings, NamedHeader, PresentedKey};
pub use events::{EVENT_READERS_MAX, EVENTS_KEPT, EventHub, LiveUpdate};
pub use line_sink::{LineSink, PushRefused, Pushed};
pub use listen::{CONNECTIONS_MAX, DRAIN_MAX, TLS_POLL, TlsError, TlsFiles, serve};
pub use metrics::{Exposition, Histogram, MetricKind, MetricsSource};
pub use neutral::{neutralise, neutralise_json, push_csv_field};
pub use peer::Peer;
pub use points::{PointReport, PointsSource};
pub use ranking::AlertRanker;
pub use state::{ApiParts, ApiState, Clock, DEFAULT_ORIGIN, HealthPart, HealthSource};
pub use surface::{Entrance, Surface, router};
pub use wire::client_reference;
