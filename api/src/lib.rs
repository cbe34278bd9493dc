//! REST API, CrowdSec-compatible bouncer API, forward-auth, dashboard files.
//!
//! Modules stand in the order in which a request meets them.

mod peer;
mod surface;

mod auth;
mod blocklist;
mod check;
mod lapi;
mod metrics;
mod neutral;
mod state;
#[cfg(test)]
mod testing;

pub use auth::{
    FAILED_ATTEMPTS_MAX, FAILED_WINDOW_MILLIS, KEY_FRESH_MILLIS, RandomnessError, Secret, SharedSecret,
    hash_secret,
};
pub use blocklist::BlocklistSource;
pub use check::{AddressHeader, CheckSettings};
pub use metrics::{Exposition, MetricKind, MetricsSource};
pub use neutral::{neutralise, neutralise_json, push_csv_field};
pub use peer::Peer;
pub use state::{ApiParts, ApiState, Clock, DEFAULT_ORIGIN};
pub use surface::{Surface, router};
