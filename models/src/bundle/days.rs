//! Whether the calibration holds on a day that it has not seen: each day by itself, with a threshold from the others.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::interval::Proportion;

/// Budgets that are checked, in wrongly blocked clients per million client-days.
const BUDGETS: [f64; 6] = [10.0, 100.0, 1000.0, 3000.0, 10_000.0, 30_000.0];

/// Most days that are checked one by one; the first ones are.
const DAYS_MAX: usize = 400;

/// One day, held against thresholds from all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOutDay {
    /// Its client-days.
    pub client_days: u32,
    /// Of these, beyond the threshold of each budget of [`DayCheck::budgets`].
    pub wrong: Vec<u32>,
}

/// How the calibration held on each day when it was made from the others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DayCheck {
    /// The budgets that the other days can show, per million client-days, rising.
    pub budgets: Vec<f64>,
    /// The days, in their order; empty where there was only one.
    pub days: Vec<HeldOutDay>,
}

impl DayCheck {
    /// Leaves out each day in turn. `highest` is the day and the highest score of each client-day.
    pub(super) fn new(mut highest: Vec<(i64, f32)>) -> Self {
        highest.sort_unstable_by(|left, right| left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)));
        let groups: Vec<&[(i64, f32)]> = highest.chunk_by(|left, right| left.0 == right.0).collect();
        if groups.len() < 2 {
            return Self::default();
        }
        let largest = groups.iter().map(|group| group.len()).max().unwrap_or(0);
        let fewest = (highest.len() - largest) as f64;
        let budgets: Vec<f64> = BUDGETS
            .into_iter()
            .filter(|budget| *budget >= 3e6 / fewest)
            .collect();
        let days = groups.iter().take(DAYS_MAX).filter_map(|group| {
            let day = group[0].0;
            let others: Vec<f32> = highest
                .iter()
                .filter(|(other, _)| *other != day)
                .map(|(_, score)| *score)
                .collect();
            let calibration = Calibration::fit(&others).ok()?;
            let wrong = budgets.iter().map(|&budget| {
                let threshold = calibration
                    .threshold_for(budget)
                    .map_or(0.0, |found| found.p_value);
                let beyond = group
                    .iter()
                    .filter(|(_, score)| calibration.standing(*score).p_value <= threshold);
                beyond.count() as u32
            });
            Some(HeldOutDay {
                client_days: group.len() as u32,
                wrong: wrong.collect(),
            })
        });
        let days = days.collect();
        Self { budgets, days }
    }

    /// The share of all client-days beyond the threshold of the budget with that place, with its exact interval.
    #[must_use]
    pub fn pooled(&self, budget: usize) -> Proportion {
        let sum = |count: fn(&HeldOutDay, usize) -> u32| {
            self.days
                .iter()
                .map(|day| u64::from(count(day, budget)))
                .sum::<u64>()
        };
        Proportion::new(
            sum(|day, budget| day.wrong.get(budget).copied().unwrap_or(0)),
            sum(|day, _| day.client_days),
        )
    }

    /// The same on the worst day: the one with the highest lower end of its interval.
    #[must_use]
    pub fn worst(&self, budget: usize) -> Option<Proportion> {
        let days = self.days.iter().map(|day| {
            let wrong = day.wrong.get(budget).copied().unwrap_or(0);
            Proportion::new(u64::from(wrong), u64::from(day.client_days))
        });
        days.max_by(|left, right| {
            left.low
                .total_cmp(&right.low)
                .then(left.estimate.total_cmp(&right.estimate))
        })
    }

    /// True when a stored check does not contradict itself.
    pub(super) fn is_valid(&self) -> bool {
        self.days.len() <= DAYS_MAX
            && self
                .budgets
                .iter()
                .all(|budget| budget.is_finite() && *budget > 0.0)
            && self.days.iter().all(|day| {
                day.client_days > 0
                    && day.wrong.len() == self.budgets.len()
                    && day.wrong.iter().all(|wrong| *wrong <= day.client_days)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::normal;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn days(shifts: &[f32], each: usize) -> DayCheck {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let days = shifts.iter().enumerate();
        DayCheck::new(
            days.flat_map(|(day, shift)| (0..each).map(move |_| (day as i64, *shift)))
                .map(|(day, shift)| (day, shift + normal(&mut rng)))
                .collect(),
        )
    }

    #[test]
    fn on_days_alike_the_budget_holds_and_on_a_strange_one_it_is_seen_not_to() {
        let check = days(&[0.0; 8], 1000);
        assert_eq!(check.budgets, [1000.0, 3000.0, 10_000.0, 30_000.0]);
        let place = 2;
        assert!(check.pooled(place).low < 0.01, "{:?}", check.pooled(place));
        assert!(check.worst(place).unwrap().low < 0.01);
        let strange = days(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.5], 1000);
        let worst = strange.worst(place).unwrap();
        assert!(worst.low > 0.05 && worst.trials == 1000, "{worst:?}");
        assert!(check.is_valid() && strange.is_valid());
    }

    #[test]
    fn one_day_alone_cannot_be_left_out() {
        assert_eq!(days(&[0.0], 500), DayCheck::default());
        assert_eq!(DayCheck::default().worst(0), None);
    }
}
