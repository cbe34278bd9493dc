//! What a cohort was like on earlier days: the share of its clients that look suspicious and come to nothing.
//!
//! An office with a broken monitor has such a share every day. It raises the share that is taken to be usual there, up to the
//! highest that any site's is: whoever owns a range and makes noise in it for weeks buys that a campaign of it takes eight of
//! eight clients instead of four of four, or 26 of 52 instead of five of ten, and no more. Days on which it was a campaign, and
//! clients that were acted on, count for nothing.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// Days that the share rests on: each later day counts for one in so many.
const DAYS: u16 = 7;
/// After so many days without anything nothing of it is left.
const FORGOTTEN_DAYS: u16 = 60;
/// Milliseconds of a day.
const DAY_MILLIS: i64 = 24 * 3_600_000;

/// What is remembered of a cohort's earlier days: six bytes, since cohorts are many. Shares are in parts of 65,535.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The latest day with evidence, counted from 1970.
    day: u16,
    /// The highest share of that day.
    highest: u16,
    /// What is usual on the days before it.
    usual: u16,
}

impl History {
    /// The share that is usual, from 0 to 1.
    #[must_use]
    pub fn usual(self) -> f64 {
        f64::from(self.usual) / f64::from(u16::MAX)
    }

    /// Takes in a share of the present day.
    pub(super) fn see(&mut self, share: f64) {
        let share = (share.clamp(0.0, 1.0) * f64::from(u16::MAX)) as u16;
        self.highest = self.highest.max(share);
    }

    /// Leaves out what the present day showed so far: it was a campaign.
    pub(super) fn leave_out(&mut self) {
        self.highest = 0;
    }

    /// Begins the day of `now`, when it is a later one. Days without evidence between them had no share.
    pub(super) fn move_to(&mut self, now: Timestamp) {
        let day = now.as_millis().div_euclid(DAY_MILLIS);
        let day = day.clamp(0, i64::from(u16::MAX)) as u16;
        if day <= self.day {
            return;
        }
        let silent = (day - self.day - 1).min(FORGOTTEN_DAYS);
        self.learn(self.highest);
        (0..silent).for_each(|_| self.learn(0));
        if silent == FORGOTTEN_DAYS {
            self.usual = 0;
        }
        (self.day, self.highest) = (day, 0);
    }

    fn learn(&mut self, share: u16) {
        let kept = u32::from(self.usual) * u32::from(DAYS - 1) + u32::from(share);
        self.usual = (kept / u32::from(DAYS)) as u16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(days: impl Iterator<Item = (i64, f64)>) -> History {
        let mut history = History::default();
        for (day, share) in days {
            history.move_to(Timestamp::from_secs((20_000 + day) * 86_400));
            history.see(share / 2.0);
            history.see(share);
        }
        history
    }

    #[test]
    fn what_is_there_every_day_is_usual_after_some_and_forgotten_after_others() {
        let of_days = |days: i64| after((0..days).map(|day| (day, 0.4))).usual();
        assert!(of_days(1) < 1e-9 && of_days(2) < 0.06);
        assert!((0.3..0.4).contains(&of_days(15)), "{}", of_days(15));
        let with_pause = |pause: i64| after((0..15).map(|day| (day, 0.4)).chain([(15 + pause, 0.0)])).usual();
        assert!(with_pause(7) < of_days(15) / 2.0);
        assert!(with_pause(400) < 1e-9);
    }

    #[test]
    fn a_clock_that_goes_back_or_far_ahead_does_no_harm() {
        let mut history = after([(0, 0.4), (1, 0.4), (-5, 0.4)].into_iter());
        history.move_to(Timestamp::from_secs(i64::MAX));
        assert!(history.usual() < 1e-9);
        history.move_to(Timestamp::from_secs(i64::MIN));
    }
}
