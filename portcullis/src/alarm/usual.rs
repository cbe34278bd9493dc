//! What is usual of one source: lines in each hour of the week, the share that cannot be read, and the fields that are there.

use super::Kind;
use super::survey::FIELDS;
use serde::{Deserialize, Serialize};

/// Hours of the week.
const WEEK_HOURS: usize = 168;

/// Hours of the day.
const DAY_HOURS: usize = 24;

/// An hour of the week that was seen so often is known by itself; before, the least of the same hour of other days counts, when so
/// many of those were seen: two days, as for what is usual of the site.
const KNOWN_FROM: u8 = 2;

/// How fast what is usual follows the present: an hour that was seen often counts as if four had been.
const FOLLOWS: f32 = 0.25;

/// An hour teaches shares when so much was seen in it: fewer say little.
const TAUGHT_FROM: u64 = 200;

/// What is usual of one source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Usual {
    /// Lines in each hour of the week (UTC), and how often it was seen; empty before the first.
    slots: Vec<(f32, u8)>,
    /// The share of lines that cannot be read.
    rejected: Option<f32>,
    /// The share of requests that have each field, in the order of [`FIELDS`].
    present: Vec<f32>,
    /// Alarms that lasted so long that they are taken for usual.
    accepted: Vec<Kind>,
}

/// What was seen in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Hour {
    /// Its number since 1970.
    pub(super) number: i64,
    pub(super) minutes: u32,
    pub(super) lines: u64,
    pub(super) rejected: u64,
    pub(super) looked: u64,
    pub(super) present: [u64; FIELDS.len()],
    /// Whether something waited all through one of its minutes: then lines came by our speed and not by the source's.
    pub(super) was_behind: bool,
}

/// An hour that was seen for fewer minutes teaches nothing about the number of lines.
const WHOLE_MINUTES: u32 = 55;

/// What an hour must not teach: what an alarm is about is not usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Doubted {
    pub(super) lines: bool,
    pub(super) rejected: bool,
    pub(super) fields: bool,
}

impl Usual {
    /// Learns from an hour that is over.
    pub(super) fn learn(&mut self, hour: &Hour, doubted: Doubted) {
        if !doubted.lines && !hour.was_behind && hour.minutes >= WHOLE_MINUTES {
            self.slots.resize(WEEK_HOURS, (0.0, 0));
            let (mean, seen) = &mut self.slots[week_hour(hour.number)];
            let whole = hour.lines as f32 * 60.0 / hour.minutes as f32;
            *mean += (whole - *mean) * FOLLOWS.max(1.0 / (f32::from(*seen) + 1.0));
            *seen = seen.saturating_add(1);
        }
        if !doubted.rejected && hour.lines >= TAUGHT_FROM {
            let share = hour.rejected as f32 / hour.lines as f32;
            let before = self.rejected.unwrap_or(share);
            self.rejected = Some(before + (share - before) * FOLLOWS);
        }
        if !doubted.fields && hour.looked >= TAUGHT_FROM {
            let share = |count: u64| count as f32 / hour.looked as f32;
            if self.present.len() != FIELDS.len() {
                self.present = hour.present.map(share).to_vec();
            }
            for (known, count) in self.present.iter_mut().zip(hour.present) {
                *known += (share(count) - *known) * FOLLOWS;
            }
        }
    }

    /// Lines that are usual in that hour; `None` while it is learned.
    pub(super) fn lines_in(&self, hour: i64) -> Option<f64> {
        let at = week_hour(hour);
        let (mean, seen) = *self.slots.get(at)?;
        if seen >= KNOWN_FROM {
            return Some(f64::from(mean));
        }
        let days = self.slots.iter().skip(at % DAY_HOURS).step_by(DAY_HOURS);
        let seen = days.filter(|(_, seen)| *seen > 0);
        let (count, least) = seen.fold((0u8, f32::MAX), |(count, least), (mean, _)| {
            (count + 1, least.min(*mean))
        });
        (count >= KNOWN_FROM).then(|| f64::from(least))
    }

    /// The share of lines that usually cannot be read; `None` while it is learned.
    pub(super) fn rejected(&self) -> Option<f64> {
        self.rejected.map(f64::from)
    }

    /// The share of requests that usually have that field; `None` while it is learned.
    pub(super) fn present(&self, field: usize) -> Option<f64> {
        self.present.get(field).copied().map(f64::from)
    }

    /// Whether that alarm is taken for usual.
    pub(super) fn accepts(&self, kind: Kind) -> bool {
        self.accepted.contains(&kind)
    }

    /// Takes an alarm for usual, or no more.
    pub(super) fn accept(&mut self, kind: Kind, is_usual: bool) {
        self.accepted.retain(|known| *known != kind);
        if is_usual {
            self.accepted.push(kind);
        }
    }
}

/// The hour of the week of an hour since 1970; hour 0 is the one in which 1970 began.
fn week_hour(hour: i64) -> usize {
    // A remainder of 168 fits any number.
    usize::try_from(hour.rem_euclid(WEEK_HOURS as i64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64, lines: u64) -> Hour {
        Hour {
            number,
            minutes: 60,
            lines,
            ..Hour::default()
        }
    }

    #[test]
    fn an_hour_is_known_after_two_days_by_its_like_and_after_two_weeks_by_itself() {
        let mut usual = Usual::default();
        usual.learn(&hour(10, 5000), Doubted::default());
        assert_eq!(usual.lines_in(10), None, "one day says nothing");
        usual.learn(&hour(34, 300), Doubted::default());
        assert_eq!(usual.lines_in(58), Some(300.0), "the least of two days");
        assert_eq!(usual.lines_in(11), None);
        usual.learn(&hour(10 + 168, 7000), Doubted::default());
        assert_eq!(usual.lines_in(10), Some(6000.0));
    }

    #[test]
    fn what_is_doubted_or_was_late_teaches_nothing() {
        let mut usual = Usual::default();
        let late = Hour {
            was_behind: true,
            ..hour(10, 5000)
        };
        let short = Hour {
            minutes: 20,
            ..hour(10, 5000)
        };
        usual.learn(&late, Doubted::default());
        usual.learn(&short, Doubted::default());
        let doubted = Doubted {
            lines: true,
            rejected: true,
            fields: true,
        };
        usual.learn(&hour(10, 5000), doubted);
        assert!(usual.slots.is_empty() && usual.present.is_empty());
    }
}
