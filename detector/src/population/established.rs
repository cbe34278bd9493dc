//! Established clients: those with a successful history. What a wrong block would cost is counted in them.

use crate::window::Window;
use serde::{Deserialize, Serialize};

/// Successful requests that make a history.
const SUCCESSES_MIN: f32 = 10.0;
/// Age that makes a history: ten minutes.
const AGE_MIN_MILLIS: i64 = 10 * 60 * 1000;
/// Share of requests that must have succeeded.
const SUCCESS_SHARE_MIN: f32 = 0.5;

/// How many established clients there are, and what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Established {
    /// Clients.
    pub clients: u64,
}

impl Established {
    /// Whether a client has a successful history that is older than the moment at which it first stood out.
    ///
    /// Clients first seen inside an attack count neither way: whoever sends a thousand of them cannot trip the guard.
    #[must_use]
    pub fn is_established(window: &Window) -> bool {
        window.age_millis() >= AGE_MIN_MILLIS
            && window.habit.successes >= SUCCESSES_MIN
            && window.share(window.habit.successes) >= SUCCESS_SHARE_MIN
    }
}
