//! How many in the latest span of time: the present span, and of the one before as much as is still within it.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// An hour.
pub(crate) const HOUR_MILLIS: i64 = 3_600_000;
/// A day.
pub(crate) const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// A count over the latest `MILLIS`. Two numbers: what was counted in the span before is taken to lie evenly in it, so the estimate is
/// wrong by at most the part that is taken of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sliding<const MILLIS: i64> {
    /// Number of the present span.
    span: i64,
    now: u32,
    before: u32,
}

impl<const MILLIS: i64> Sliding<MILLIS> {
    /// Counts so many more at a moment; one of a span that is over counts for the latest two.
    pub(crate) fn add(&mut self, at_millis: i64, count: u32) {
        let span = at_millis.div_euclid(MILLIS);
        if span > self.span {
            *self = self.moved_to(span);
        }
        let counted = if span < self.span {
            &mut self.before
        } else {
            &mut self.now
        };
        *counted = counted.saturating_add(count);
    }

    /// The estimate at a moment, and how wrong it may be.
    pub(crate) fn estimate(&self, at: Timestamp) -> (f64, f64) {
        let millis = at.as_millis().max(self.span.saturating_mul(MILLIS));
        let moved = self.moved_to(millis.div_euclid(MILLIS));
        let left = 1.0 - millis.rem_euclid(MILLIS) as f64 / MILLIS as f64;
        let taken = f64::from(moved.before) * left;
        let missed = f64::from(moved.before) - taken;
        (f64::from(moved.now) + taken, taken.max(missed))
    }

    fn moved_to(self, span: i64) -> Self {
        match span - self.span {
            ..=0 => self,
            1 => Self {
                span,
                now: 0,
                before: self.now,
            },
            _ => Self {
                span,
                now: 0,
                before: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn what_is_older_than_the_span_counts_no_more() {
        let mut count = Sliding::<1000>::default();
        count.add(5_000, 10);
        assert_eq!(count.estimate(at(5_999)).0, 10.0);
        assert_eq!(count.estimate(at(6_500)), (5.0, 5.0), "half of it, evenly spread");
        assert_eq!(count.estimate(at(7_000)).0, 0.0);
    }

    #[test]
    fn late_ones_count_and_the_clock_never_goes_back() {
        let mut count = Sliding::<1000>::default();
        count.add(5_000, 1);
        count.add(4_999, 2);
        assert_eq!(count.estimate(at(5_000)).0, 3.0);
        assert_eq!(count.estimate(at(0)).0, 3.0);
    }

    #[test]
    fn counts_do_not_run_over() {
        let mut count = Sliding::<1000>::default();
        count.add(1, u32::MAX);
        count.add(1, u32::MAX);
        assert_eq!(count.estimate(at(1)).0, f64::from(u32::MAX));
    }
}
