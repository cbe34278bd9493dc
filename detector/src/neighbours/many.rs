//! Many, of whom only is counted how many they are and how often they succeed.

use super::sliding::{DAY_MILLIS, HOUR_MILLIS, Sliding};
use crate::window::Distinct;
use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// How many different ones succeeded, over the latest day, and how often.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Many {
    /// Number of the present day.
    number: i64,
    seen: Distinct<4>,
    seen_before: Distinct<4>,
    pub(super) hour: Sliding<HOUR_MILLIS>,
    pub(super) day: Sliding<DAY_MILLIS>,
}

impl Many {
    /// Counts successes of one of them, by its hash.
    pub(super) fn add(&mut self, hash: u64, at_millis: i64, (hour, day): (u32, u32)) {
        let number = at_millis.div_euclid(DAY_MILLIS);
        if number > self.number {
            self.seen_before = if number == self.number + 1 {
                self.seen
            } else {
                Distinct::default()
            };
            self.seen = Distinct::default();
            self.number = number;
        }
        self.seen.insert(hash);
        self.hour.add(at_millis, hour);
        self.day.add(at_millis, day);
    }

    /// How many different ones.
    pub(super) fn different(&self, at: Timestamp) -> f64 {
        match at.as_millis().div_euclid(DAY_MILLIS) - self.number {
            ..=0 => f64::from(self.seen.estimate().max(self.seen_before.estimate())),
            1 => f64::from(self.seen.estimate()),
            _ => 0.0,
        }
    }

    /// When last, to a day.
    pub(super) fn last_millis(&self) -> i64 {
        self.number.saturating_mul(DAY_MILLIS)
    }
}
