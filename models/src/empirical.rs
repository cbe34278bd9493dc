//! How many of the values seen are at least as large as this one: the base of tails and of calibration.

use serde::{Deserialize, Serialize};

/// Counts of values at or above any point, exact near the top and rounded up below.
///
/// Keeping every value would make the artifact as large as its training set. The largest ones are kept one by one;
/// below them only ranks that grow by a fixed ratio. Between two kept values the count of the lower one holds, so a
/// count is never too small and a p-value made from it never too bold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SurvivalTable {
    /// Kept values, ascending, all different.
    knots: Vec<f32>,
    /// Values at or above each knot.
    at_least: Vec<u32>,
    /// Values above each knot.
    above: Vec<u32>,
    total: u32,
}

/// Where a value falls in a [`SurvivalTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below every value seen.
    Below,
    /// On the knot of this number.
    On(usize),
    /// Above the knot of this number and below the next.
    After(usize),
}

impl SurvivalTable {
    /// Builds the table of ascending finite values: the `exact` largest, then ranks growing by `ratio` (above 1).
    pub(crate) fn from_sorted(sorted: &[f32], exact: usize, ratio: f64) -> Self {
        let (mut knots, mut at_least, mut above) = (Vec::new(), Vec::new(), Vec::new());
        let mut rank = 1;
        while rank <= sorted.len() {
            let knot = sorted[sorted.len() - rank];
            if knots.last() != Some(&knot) {
                knots.push(knot);
                at_least.push((sorted.len() - sorted.partition_point(|&value| value < knot)) as u32);
                above.push((sorted.len() - sorted.partition_point(|&value| value <= knot)) as u32);
            }
            rank = if rank < exact {
                rank + 1
            } else {
                ((rank as f64 * ratio) as usize).max(rank + 1)
            };
        }
        knots.reverse();
        at_least.reverse();
        above.reverse();
        Self {
            knots,
            at_least,
            above,
            total: sorted.len() as u32,
        }
    }

    /// Number of values the table was built from.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Number of knots.
    pub(crate) fn len(&self) -> usize {
        self.knots.len()
    }

    /// A kept value by its number; negative infinity when there is none.
    pub(crate) fn knot(&self, number: usize) -> f32 {
        self.knots.get(number).copied().unwrap_or(f32::NEG_INFINITY)
    }

    /// The largest value seen; negative infinity when none was.
    pub(crate) fn largest(&self) -> f32 {
        self.knots.last().copied().unwrap_or(f32::NEG_INFINITY)
    }

    /// Finds a value's place by bisection. NaN is below everything: what is no number is no evidence.
    #[inline]
    pub(crate) fn place(&self, value: f32) -> Place {
        let after = self.knots.partition_point(|&knot| knot <= value);
        match after.checked_sub(1) {
            None => Place::Below,
            Some(knot) if self.knots[knot] == value => Place::On(knot),
            Some(knot) => Place::After(knot),
        }
    }

    /// Values at or above this place, never too few.
    pub(crate) fn count_at(&self, place: Place) -> u32 {
        match place {
            Place::Below => self.total,
            Place::On(knot) => self.at_least[knot],
            Place::After(knot) => self.above[knot],
        }
    }

    /// Values at or above `value`, never too few.
    pub(crate) fn count_at_least(&self, value: f32) -> u32 {
        self.count_at(self.place(value))
    }

    /// Checks a stored table: lengths agree, knots rise, counts fall.
    pub(crate) fn is_valid(&self) -> bool {
        self.total > 0
            && !self.knots.is_empty()
            && self.knots.len() == self.at_least.len()
            && self.knots.len() == self.above.len()
            && self.knots.iter().all(|knot| knot.is_finite())
            && self.knots.windows(2).all(|pair| pair[0] < pair[1])
            && self
                .at_least
                .iter()
                .zip(&self.above)
                .all(|(at, above)| at > above && *at <= self.total)
            && self
                .above
                .iter()
                .zip(self.at_least.iter().skip(1))
                .all(|(above, next)| above >= next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(mut values: Vec<f32>) -> Vec<f32> {
        values.sort_unstable_by(f32::total_cmp);
        values
    }

    #[test]
    fn ties_are_counted_on_the_value_and_not_beyond_it() {
        let table = SurvivalTable::from_sorted(&[0.0, 0.0, 0.0, 1.0], 8, 2.0);
        let counts = [-1.0, 0.0, 0.5, 1.0, 2.0].map(|value| table.count_at_least(value));
        assert_eq!(counts, [4, 4, 1, 1, 0]);
        assert_eq!(table.count_at_least(f32::NAN), 4);
        assert!(table.is_valid());
    }

    proptest! {
        #[test]
        fn counts_are_exact_at_the_top_and_never_too_small(
            values in prop::collection::vec(-50_i16..50, 1..300), exact in 1_usize..40, asked in -60_i16..60,
        ) {
            let values = sorted(values.into_iter().map(f32::from).collect());
            let table = SurvivalTable::from_sorted(&values, exact, 1.3);
            let asked = f32::from(asked) + 0.5;
            for point in [asked, asked + 0.5] {
                let truth = values.iter().filter(|&&value| value >= point).count() as u32;
                let count = table.count_at_least(point);
                prop_assert!(count >= truth);
                prop_assert!(truth as usize >= exact || count == truth, "{} and {}", count, truth);
            }
            prop_assert!(table.is_valid());
        }
    }
}
