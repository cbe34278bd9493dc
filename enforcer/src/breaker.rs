//! When a point that fails is tried again. Pure: chance and clock come from outside.

use domain::Timestamp;

/// The first pause after a failure, in milliseconds.
const PAUSE_MILLIS_MIN: i64 = 250;

/// The longest pause, in milliseconds: a point that comes back waits no longer than this.
const PAUSE_MILLIS_MAX: i64 = 30_000;

/// After so many failures in a row the breaker is open: people are told, and one try at a time says whether it may close.
const FAILURES_OPEN: u32 = 5;

/// Counts a point's failures in a row and says when to try again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    retry_at: Option<Timestamp>,
    since: Option<Timestamp>,
}

impl Breaker {
    /// It went well.
    pub fn succeed(&mut self) {
        *self = Self::default();
    }

    /// It failed. `chance` is between 0 and 1: it spreads the tries of many points over the second half of the pause, so that what
    /// failed for all of them at once is not tried by all of them at once.
    pub fn fail(&mut self, now: Timestamp, chance: f64) {
        self.failures = self.failures.saturating_add(1);
        let doublings = (self.failures - 1).min(16);
        let pause = PAUSE_MILLIS_MIN
            .saturating_mul(1 << doublings)
            .min(PAUSE_MILLIS_MAX);
        let spread = pause as f64 * 0.5 * chance.clamp(0.0, 1.0);
        self.retry_at = Some(now.plus_millis(pause - spread as i64));
        self.since.get_or_insert(now);
    }

    /// When to try again; `None` while all is well.
    #[must_use]
    pub fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }

    /// Since when it fails.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// Whether it failed so often in a row that a person should know.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES_OPEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_success() {
        let now = Timestamp::from_secs(1000);
        let mut breaker = Breaker::default();
        let pauses: Vec<i64> = (0..10)
            .map(|_| {
                breaker.fail(now, 0.0);
                breaker.retry_at().expect("it failed").millis_since(now)
            })
            .collect();
        assert_eq!(pauses[..4], [250, 500, 1000, 2000]);
        assert_eq!(pauses[9], PAUSE_MILLIS_MAX);
        assert!(breaker.is_open());
        breaker.succeed();
        assert_eq!(breaker, Breaker::default());
    }

    #[test]
    fn chance_shortens_a_pause_by_half_at_most() {
        let now = Timestamp::from_secs(1000);
        let mut breaker = Breaker::default();
        breaker.fail(now, 1.0);
        assert_eq!(breaker.retry_at(), Some(now.plus_millis(125)));
    }
}
