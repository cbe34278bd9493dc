//! The guard: holds new blocks back when they would hit too many established clients.
//!
//! Shares are counted over clients whose successful history is older than the present alert; whoever floods the
//! log with fresh clients moves neither side of the fraction. Conclusive acts and operators' orders pass, and are
//! counted. When the budget is spent, clients without a history are still blocked.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Fewest established clients that may be blocked within the span, however small the site.
const CLIENTS_FLOOR: u64 = 3;

/// Longest memory of hits: beyond it the budget is long spent, and the oldest hits are forgotten first.
const HITS_MAX: usize = 4096;

/// When new blocks are held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardSettings {
    /// Largest share of the established clients that may be blocked within the span.
    pub clients_share: f32,
    /// Length of the span, in seconds.
    pub span_secs: u32,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            clients_share: 0.01,
            span_secs: 3600,
        }
    }
}

/// What the guard remembers: when established clients were blocked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    hits_millis: VecDeque<i64>,
    /// Blocks held back so far.
    pub held_back: u64,
    /// Conclusive acts that passed although the budget was spent.
    pub passed: u64,
}

impl Guard {
    /// Whether an established client may be blocked at `at`; counts the answer. `established` is the number of
    /// established clients now.
    pub fn admit(
        &mut self,
        settings: &GuardSettings,
        established: u64,
        is_conclusive: bool,
        at: Timestamp,
    ) -> bool {
        let horizon = at.as_millis() - i64::from(settings.span_secs) * 1000;
        while self.hits_millis.front().is_some_and(|hit| *hit < horizon) {
            self.hits_millis.pop_front();
        }
        let share = (established as f64 * f64::from(settings.clients_share)).round() as u64;
        let has_room = (self.hits_millis.len() as u64) < share.max(CLIENTS_FLOOR);
        match (has_room, is_conclusive) {
            (true, _) => {}
            (false, true) => self.passed += 1,
            (false, false) => {
                self.held_back += 1;
                return false;
            }
        }
        if self.hits_millis.len() == HITS_MAX {
            self.hits_millis.pop_front();
        }
        self.hits_millis.push_back(at.as_millis());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_established_clients_may_be_blocked_on_any_site_and_then_the_share_counts() {
        let settings = GuardSettings::default();
        let mut guard = Guard::default();
        let admitted = (0..10)
            .filter(|second| guard.admit(&settings, 50, false, Timestamp::from_secs(*second)))
            .count();
        assert_eq!((admitted, guard.held_back), (3, 7));
        let mut guard = Guard::default();
        let admitted = (0..10)
            .filter(|second| guard.admit(&settings, 600, false, Timestamp::from_secs(*second)))
            .count();
        assert_eq!(admitted, 6);
    }

    #[test]
    fn conclusive_acts_pass_and_are_counted() {
        let settings = GuardSettings::default();
        let mut guard = Guard::default();
        assert!((0..5).all(|second| guard.admit(&settings, 0, true, Timestamp::from_secs(second))));
        assert_eq!(guard.passed, 2);
    }

    #[test]
    fn the_budget_comes_back_after_the_span() {
        let settings = GuardSettings::default();
        let mut guard = Guard::default();
        for _ in 0..4 {
            guard.admit(&settings, 0, false, Timestamp::from_secs(0));
        }
        assert!(guard.admit(&settings, 0, false, Timestamp::from_secs(3601)));
    }
}
