//! What is usual of one series: the site, or one of its routes, at each hour of the week.
//!
//! An hour is learned once, when it is over. It may add at most [`CLIP`] times what was expected, and takes away no more than
//! that share: whoever owns a week teaches little, and one odd week is no habit.

use super::{Counts, HOURS_OF_WEEK, QUANTITIES, Quantity, Series};
use crate::limits::BASELINE_HOURS_MIN;
use serde::{Deserialize, Serialize};

/// Weeks after which an hour's level rests on: each later week counts for one in so many.
const WEEKS: f64 = 6.0;
/// An hour counts as at most so many times what was expected, and at least as that share of it. An attacker who brings just
/// so much at the same hour every week raises what is expected by a third a week: seven weeks for seven times as much.
pub(super) const CLIP: f64 = 3.0;
/// What an hour may always add: less than the smallest surge of anything.
const FREE: f64 = 29.0;
/// One week's word on its own hour counts so many times as much as what other days say of that hour of the day.
const OWN_WEIGHT: f64 = 3.0;
/// How unsteady a series is taken to be before it has shown it: hours that differ by half from what was expected.
const SPREAD_FIRST: f32 = 0.25;
/// No site is steadier than this, whatever it shows: hours that differ by a fifth.
const SPREAD_MIN: f32 = 0.05;
/// An hour tells no more unsteadiness than this: hours that differ by as much as was expected.
const SPREAD_MAX: f32 = 1.0;
/// Hours that the first guess of it counts for, and hours over which it is remembered: a week of attacks at every hour makes
/// steady series a fourth as unsteady as can be.
const SPREAD_HOURS_FIRST: f32 = 72.0;
const SPREAD_HOURS: f32 = 672.0;
/// A surge is at least so many times what was expected.
const FACTOR: f64 = 3.0;
/// And so many times where this hour of the week was not seen yet: other days stand in for it.
const FACTOR_UNSEEN: f64 = 6.0;
/// The chance under which an hour is no accident: some thousand series are looked at in each of nine thousand hours of a year.
const CHANCE_MAX: f64 = 1e-7;
/// The range that is called usual, in standard deviations: nine hours in ten.
const BAND: f64 = 1.64;

/// What is usual of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Usual {
    /// Of each hour of the week, how often it was seen.
    seen: Vec<u8>,
    /// Of each hour of the week, what is usual.
    levels: Vec<[f32; QUANTITIES]>,
    /// The mean of all hours.
    overall: [f32; QUANTITIES],
    /// How unsteady it is beyond chance: the variance of a count `m` is `m + spread m²`.
    spread: [f32; QUANTITIES],
    /// Hours learned.
    hours: u32,
}

/// What is expected of a quantity in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// How much.
    pub mean: f64,
    /// How unsteady it is beyond chance.
    pub spread: f64,
    /// Whether this hour of the week was seen before.
    pub is_seen: bool,
}

impl Default for Usual {
    fn default() -> Self {
        Self {
            seen: vec![0; HOURS_OF_WEEK],
            levels: vec![[0.0; QUANTITIES]; HOURS_OF_WEEK],
            overall: [0.0; QUANTITIES],
            spread: [SPREAD_FIRST; QUANTITIES],
            hours: 0,
        }
    }
}

impl Usual {
    /// What is expected at that hour of the week; `None` before enough was seen to say anything.
    ///
    /// The hour's own weeks speak, the same hour of other days beside them, and all hours beside those: where one was never
    /// seen the next stands in for it.
    pub(super) fn expected(&self, hour: usize, quantity: Quantity) -> Option<Expected> {
        if self.hours < BASELINE_HOURS_MIN {
            return None;
        }
        let place = quantity as usize;
        let (mut sum, mut days) = (f64::from(self.overall[place]), 1.0);
        for other in (hour % 24..HOURS_OF_WEEK).step_by(24) {
            if other != hour && self.seen[other] > 0 {
                sum += f64::from(self.levels[other][place]);
                days += 1.0;
            }
        }
        let own = OWN_WEIGHT * f64::from(self.seen[hour]);
        Some(Expected {
            mean: (own * f64::from(self.levels[hour][place]) + sum / days) / (own + 1.0),
            spread: f64::from(self.spread[place].clamp(SPREAD_MIN, SPREAD_MAX)),
            is_seen: self.seen[hour] > 0,
        })
    }

    /// Learns an hour that is over.
    pub(super) fn learn(&mut self, hour: usize, counts: &Counts) {
        let week = (1.0 / (f64::from(self.seen[hour]) + 1.0)).max(1.0 / WEEKS);
        let all = (1.0 / (f64::from(self.hours) + 1.0)).max(1.0 / (WEEKS * HOURS_OF_WEEK as f64));
        for quantity in Quantity::ALL {
            let place = quantity as usize;
            let mut count = f64::from(counts[place]);
            if let Some(expected) = self.expected(hour, quantity) {
                count = expected.clip(count);
                let told = expected.spread_told_by(count) as f32;
                let hours = (self.hours as f32 + SPREAD_HOURS_FIRST).min(SPREAD_HOURS);
                self.spread[place] += (told - self.spread[place]) / hours;
            }
            let learn = |level: &mut f32, weight: f64| {
                *level += (weight * (count - f64::from(*level))) as f32;
            };
            learn(&mut self.levels[hour][place], week);
            learn(&mut self.overall[place], all);
        }
        self.seen[hour] = self.seen[hour].saturating_add(1);
        self.hours = self.hours.saturating_add(1);
    }

    /// How much the series is used, to say who gives way: requests per hour, with failed sign-ins counted many times, since a
    /// route for signing in is little used and much attacked.
    pub(super) fn rank(&self) -> f32 {
        const SIGN_IN_WEIGHT: f32 = 50.0;
        self.overall[Quantity::Requests as usize]
            + SIGN_IN_WEIGHT * self.overall[Quantity::FailedSignIns as usize]
    }

    /// Whether it holds what it can have learned: what comes from a checkpoint is checked.
    pub(super) fn is_whole(&self) -> bool {
        let is_level = |level: &f32| level.is_finite() && *level >= 0.0;
        self.seen.len() == HOURS_OF_WEEK
            && self.levels.len() == HOURS_OF_WEEK
            && self.levels.iter().flatten().all(is_level)
            && self.overall.iter().chain(&self.spread).all(is_level)
    }
}

impl Expected {
    /// What is learned of an hour with that count.
    fn clip(self, count: f64) -> f64 {
        count.clamp(self.mean / CLIP, (self.mean * CLIP).max(FREE))
    }

    /// The unsteadiness that a count tells.
    fn spread_told_by(self, count: f64) -> f64 {
        let beyond = (count - self.mean) * (count - self.mean) - self.mean;
        let mean = self.mean.max(1.0);
        (beyond / (mean * mean)).clamp(0.0, f64::from(SPREAD_MAX))
    }

    /// The same, of an hour that is so many times as busy.
    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            ..self
        }
    }

    /// A bound of the chance of that count or more.
    ///
    /// Chernoff's bound of the negative binomial tail, `(m/k)^k ((k+r)/(m+r))^(k+r)` for a count `k` beyond the mean `m`, with
    /// `r = 1/spread`: the bound of Poisson's tail as the spread vanishes.
    pub(super) fn chance(self, count: f64) -> f64 {
        let mean = self.mean.max(1e-3);
        if count <= mean {
            return 1.0;
        }
        let shape = 1.0 / self.spread;
        let rate = count * (count / mean).ln() - (count + shape) * ((count + shape) / (mean + shape)).ln();
        (-rate).exp()
    }

    /// Whether that count is a surge: many times what was expected, no accident, and enough to matter.
    pub(super) fn is_surge(self, count: u32, series: Series, quantity: Quantity) -> bool {
        let factor = if self.is_seen { FACTOR } else { FACTOR_UNSEEN };
        let wide = f64::from(count);
        quantity.surge_min(series).is_some_and(|least| count >= least)
            && wide >= factor * self.mean
            && self.chance(wide) <= CHANCE_MAX
    }

    /// The least count that is a surge; `None` where no count is.
    pub(super) fn surge_from(self, series: Series, quantity: Quantity) -> Option<u32> {
        let mut low = quantity.surge_min(series)?;
        let mut high = low;
        while !self.is_surge(high, series, quantity) {
            (low, high) = (high, high.checked_mul(2)?);
        }
        // Both halves of the condition only become true as the count rises.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_surge(middle, series, quantity) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(high)
    }

    /// What is usual: from, to.
    #[must_use]
    pub fn band(self) -> (f64, f64) {
        let deviation = (self.mean + self.spread * self.mean * self.mean).sqrt();
        (
            (self.mean - BAND * deviation).max(0.0),
            self.mean + BAND * deviation,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: usize = Quantity::FailedSignIns as usize;

    /// Counts with so many failed sign-ins.
    fn failed(count: u32) -> Counts {
        let mut counts = Counts::default();
        counts[FAILED] = count;
        counts
    }

    /// Weeks of so many failed sign-ins by day, and a tenth of them by night.
    fn weeks(count: u32, weeks: usize) -> Usual {
        let mut usual = Usual::default();
        for hour in 0..weeks * HOURS_OF_WEEK {
            let is_day = (8..20).contains(&(hour % 24));
            usual.learn(
                hour % HOURS_OF_WEEK,
                &failed(if is_day { count } else { count / 10 }),
            );
        }
        usual
    }

    fn surge_from(usual: &Usual, hour: usize) -> Option<u32> {
        let expected = usual.expected(hour, Quantity::FailedSignIns)?;
        expected.surge_from(Series::Route, Quantity::FailedSignIns)
    }

    #[test]
    fn nothing_is_said_before_two_days_were_seen() {
        let mut usual = Usual::default();
        for hour in 0..BASELINE_HOURS_MIN as usize {
            assert_eq!(usual.expected(hour, Quantity::FailedSignIns), None);
            usual.learn(hour, &failed(20));
        }
        assert!(usual.expected(60, Quantity::FailedSignIns).is_some());
    }

    #[test]
    fn an_hour_of_the_day_stands_in_for_one_of_the_week_and_asks_for_more() {
        let mut usual = Usual::default();
        for hour in 0..144 {
            let is_day = (8..20).contains(&(hour % 24));
            usual.learn(hour, &failed(if is_day { 40 } else { 4 }));
        }
        let mean = |hour| usual.expected(hour, Quantity::FailedSignIns).unwrap().mean;
        assert!((30.0..40.0).contains(&mean(144 + 12)), "{}", mean(144 + 12));
        assert!((4.0..12.0).contains(&mean(144 + 2)), "{}", mean(144 + 2));
        let (seen, unseen) = (
            surge_from(&usual, 12).unwrap(),
            surge_from(&usual, 144 + 12).unwrap(),
        );
        assert!(
            f64::from(seen) < 6.0 * mean(12) && f64::from(unseen) >= 6.0 * mean(144 + 12),
            "{seen} {unseen}"
        );
    }

    #[test]
    fn a_surge_is_many_times_what_that_hour_usually_has() {
        let usual = weeks(40, 3);
        let (day, night) = (surge_from(&usual, 12).unwrap(), surge_from(&usual, 2).unwrap());
        assert!((120..240).contains(&day), "{day}");
        assert!((30..60).contains(&night), "{night}");
    }

    #[test]
    fn one_odd_week_teaches_little() {
        let mut usual = weeks(40, 6);
        let before = surge_from(&usual, 12).unwrap();
        for hour in 0..HOURS_OF_WEEK {
            usual.learn(hour, &failed(100_000));
        }
        let after = surge_from(&usual, 12).unwrap();
        assert!(f64::from(after) < f64::from(before) * 4.0, "{before} {after}");
        let mean = usual.expected(12, Quantity::FailedSignIns).unwrap().mean;
        assert!(mean < 60.0, "{mean}");
        // A week without anything is as little a habit.
        let mut usual = weeks(40, 6);
        for hour in 0..HOURS_OF_WEEK {
            usual.learn(hour, &failed(0));
        }
        let mean = usual.expected(12, Quantity::FailedSignIns).unwrap().mean;
        assert!(mean > 30.0, "{mean}");
    }

    #[test]
    fn who_stays_under_every_surge_raises_it_by_a_third_a_week_at_most() {
        let mut usual = weeks(40, 8);
        for _ in 0..5 {
            let mean = usual.expected(12, Quantity::FailedSignIns).unwrap().mean;
            for hour in 0..HOURS_OF_WEEK {
                let most = surge_from(&usual, hour).unwrap() - 1;
                usual.learn(hour, &failed(most));
            }
            let after = usual.expected(12, Quantity::FailedSignIns).unwrap().mean;
            assert!(after < mean * 1.4, "{mean} {after}");
        }
    }

    #[test]
    fn the_chance_is_a_bound_of_poissons_tail_when_the_series_is_steady() {
        let steady = Expected {
            mean: 10.0,
            spread: 1e-9,
            is_seen: true,
        };
        // P(X >= 30) is 7.98e-8 for a mean of 10; Chernoff's bound is e^20 / 3^30.
        assert!(
            (steady.chance(30.0) / 2.36e-6 - 1.0).abs() < 0.02,
            "{}",
            steady.chance(30.0)
        );
        let unsteady = Expected {
            spread: 0.25,
            ..steady
        };
        assert!(unsteady.chance(30.0) > 1e-3);
        assert!((steady.chance(10.0) - 1.0).abs() < f64::EPSILON);
    }
}
