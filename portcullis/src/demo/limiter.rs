//! Slowing a client down: one request in so many seconds passes, the others are told to wait.

use domain::{Client, Timestamp};
use std::collections::HashMap;

/// Pause between two requests of a slowed client that pass. Long enough to take the profit out of an attack, short
/// enough that a person who was slowed by mistake still gets a page.
const GAP_MILLIS: i64 = 2_000;

/// Most slowed clients that are remembered. Past it all are forgotten: each gets one request through early.
const CLIENTS_MAX: usize = 100_000;

/// When the last request of each slowed client passed.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    passed: HashMap<Client, Timestamp>,
}

impl Limiter {
    /// Whether a slowed client's request passes now.
    pub(super) fn passes(&mut self, client: Client, at: Timestamp) -> bool {
        if self.passed.len() >= CLIENTS_MAX {
            self.passed.clear();
        }
        let last = self.passed.get(&client);
        let passes = last.is_none_or(|last| at.millis_since(*last) >= GAP_MILLIS);
        if passes {
            self.passed.insert(client, at);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Scope;

    #[test]
    fn one_request_in_two_seconds_passes_for_each_client() {
        let mut limiter = Limiter::default();
        let client = |value: &str| Client::parse(Scope::Ip, value).unwrap();
        let passes = [0, 1_999, 2_000, 2_001, 4_000]
            .map(|millis| limiter.passes(client("203.0.113.9"), Timestamp::from_millis(millis)));
        assert_eq!(passes, [true, false, true, false, true]);
        assert!(limiter.passes(client("203.0.113.8"), Timestamp::from_millis(1)));
    }
}
