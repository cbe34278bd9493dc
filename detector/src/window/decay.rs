//! Exponential decay: a counter whose past halves every half-life, updated lazily once per request.

use serde::{Deserialize, Serialize};

/// Half-lives in milliseconds: a burst, a visit, a habit.
pub const HALF_LIVES_MILLIS: [f32; 3] = [10_000.0, 300_000.0, 7_200_000.0];

/// Index of the shortest horizon (10 s).
pub const BURST: usize = 0;
/// Index of the middle horizon (5 min).
pub const VISIT: usize = 1;
/// Index of the longest horizon (2 h).
pub const HABIT: usize = 2;

/// The factors by which each horizon's counters shrink over a pause.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Factors(pub [f32; 3]);

impl Factors {
    /// After a pause of `millis`, never negative.
    #[must_use]
    pub fn after(millis: i64) -> Self {
        if millis <= 0 {
            return Self([1.0; 3]);
        }
        Self(HALF_LIVES_MILLIS.map(|half_life| (-(millis as f32) / half_life).exp2()))
    }
}

/// The rate per second that a decayed count of requests stands for: count / mean lifetime (half-life / ln 2),
/// corrected for a client younger than the horizon.
#[must_use]
pub fn rate_per_second(count: f32, horizon: usize, age_millis: i64) -> f32 {
    let half_life = HALF_LIVES_MILLIS[horizon];
    let filled = 1.0 - (-(age_millis.max(1000) as f32) / half_life).exp2();
    let effective_secs = half_life / std::f32::consts::LN_2 / 1000.0 * filled;
    count / effective_secs.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_count_is_left_after_its_half_life() {
        assert!((Factors::after(300_000).0[VISIT] - 0.5).abs() < 1e-6);
        assert_eq!(Factors::after(-5).0, [1.0; 3]);
        assert_eq!(Factors::after(i64::MAX).0, [0.0; 3]);
    }

    #[test]
    fn a_steady_client_has_its_rate_at_every_horizon() {
        for horizon in [BURST, VISIT, HABIT] {
            let mut count = 0.0f32;
            for _ in 0..20_000 {
                count = count * Factors::after(500).0[horizon] + 1.0;
            }
            let rate = rate_per_second(count, horizon, 20_000 * 500);
            assert!((rate - 2.0).abs() < 0.05, "{horizon}: {rate}");
        }
    }

    #[test]
    fn a_young_client_is_not_diluted_by_a_long_horizon() {
        let rate = rate_per_second(30.0, HABIT, 10_000);
        assert!((rate - 3.0).abs() < 0.1, "{rate}");
    }
}
