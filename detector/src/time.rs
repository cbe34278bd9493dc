//! Event time: one watermark per source, so that a broken clock harms nobody else.

use crate::limits::{EARLIEST_SECS, SOURCES_MAX, WATERMARK_AGREEMENT, WATERMARK_JUMP_MILLIS};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

const EARLIEST: Timestamp = Timestamp::from_secs(EARLIEST_SECS);

/// How a record's time stands to its source's watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// The time at which the record counts: its own, or the watermark when it claims to come from the future or from
    /// a clock that was never set.
    pub at: Timestamp,
    /// The source's watermark after it.
    pub watermark: Timestamp,
    /// Whether the watermark went back: what was believed of this source before was wrong.
    pub went_back: bool,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Watermark {
    millis: i64,
    /// The records in a row that lay far ahead of the mark: the earliest of them, and how many.
    ahead: Run,
    /// The records in a row that lay further behind than lateness allows: the latest of them, and how many.
    behind: Run,
    /// Records that were believed, up to the number that settles it. Until then the earlier of two times far apart is
    /// taken for the right one: a future that arrives is believed later, a future that does not is forgotten at once.
    believed: u32,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Run {
    millis: i64,
    records: u32,
}

/// The watermarks of all sources.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Watermarks {
    sources: Vec<Watermark>,
    /// Records that claimed a time further ahead than a watermark may jump at once.
    pub ahead: u64,
    /// Records that came later than lateness allows, those from before the earliest time that is believed among them.
    pub late: u64,
    /// Sources that share the last watermark because there are too many, since the start.
    #[serde(skip)]
    pub sharing: u64,
}

impl Watermarks {
    /// Number of sources whose time is kept.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Takes in one record's time, which may lie so many milliseconds behind its source's latest. A record far ahead counts at
    /// the watermark, until enough in a row agree.
    pub fn observe(&mut self, source: u32, at: Timestamp, lateness: i64) -> EventTime {
        let place = (source as usize).min(SOURCES_MAX - 1);
        // Numbers are given in a row.
        self.sharing = self.sharing.max(u64::from(source).saturating_sub(place as u64));
        if place >= self.sources.len() {
            self.sources.resize(place + 1, Watermark::default());
        }
        let mark = &mut self.sources[place];
        if at < EARLIEST {
            self.late += 1;
            let at = mark.time();
            return EventTime {
                at,
                watermark: at,
                went_back: false,
            };
        }
        let millis = at.as_millis();
        if mark.believed == 0 {
            mark.millis = millis;
        }
        let before = mark.millis;
        let lead = millis.saturating_sub(mark.millis);
        self.ahead += u64::from(lead > WATERMARK_JUMP_MILLIS);
        self.late += u64::from(lead < -lateness);
        mark.advance(millis, lead, lateness);
        let watermark = mark.time();
        EventTime {
            at: at.min(watermark),
            watermark,
            went_back: mark.millis < before,
        }
    }

    /// The latest watermark among the sources that `counts` chooses.
    pub fn latest(&self, counts: impl Fn(u32) -> bool) -> Option<Timestamp> {
        let chosen = (0..).zip(&self.sources).filter(|(source, _)| counts(*source));
        let believed = chosen.filter(|(_, mark)| mark.believed > 0);
        believed.map(|(_, mark)| mark.time()).max()
    }
}

impl Watermark {
    fn time(&self) -> Timestamp {
        if self.believed == 0 {
            EARLIEST
        } else {
            Timestamp::from_millis(self.millis)
        }
    }

    fn advance(&mut self, millis: i64, lead: i64, lateness: i64) {
        if lead > WATERMARK_JUMP_MILLIS {
            self.behind = Run::default();
            if let Some(earliest) = self.ahead.extend(millis, i64::min) {
                self.millis = earliest;
            }
        } else if lead < -WATERMARK_JUMP_MILLIS && self.believed < WATERMARK_AGREEMENT {
            *self = Self {
                millis,
                believed: 1,
                ..Self::default()
            };
        } else if lead < -lateness {
            self.ahead = Run::default();
            if let Some(latest) = self.behind.extend(millis, i64::max) {
                self.millis = latest;
            }
        } else {
            (self.ahead, self.behind) = (Run::default(), Run::default());
            self.millis = self.millis.max(millis);
            self.believed = self.believed.saturating_add(1).min(WATERMARK_AGREEMENT);
        }
    }
}

impl Run {
    /// Adds a record to the run; gives the time to believe once enough agree, and starts over.
    fn extend(&mut self, millis: i64, pick: fn(i64, i64) -> i64) -> Option<i64> {
        self.millis = if self.records == 0 {
            millis
        } else {
            pick(self.millis, millis)
        };
        self.records += 1;
        (self.records >= WATERMARK_AGREEMENT).then(|| std::mem::take(self).millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LATENESS_MILLIS;

    fn observe(marks: &mut Watermarks, source: u32, at: Timestamp) -> EventTime {
        marks.observe(source, at, LATENESS_MILLIS)
    }

    fn secs(value: i64) -> Timestamp {
        Timestamp::from_secs(EARLIEST_SECS + value)
    }

    #[test]
    fn a_clock_that_was_never_set_neither_sets_nor_moves_a_watermark() {
        let mut marks = Watermarks::default();
        let unset = Timestamp::from_secs(0);
        assert_eq!(observe(&mut marks, 0, unset).at, EARLIEST);
        assert_eq!(observe(&mut marks, 0, secs(900_000_000)).at, secs(900_000_000));
        for _ in 0..100 {
            assert_eq!(observe(&mut marks, 0, unset).at, secs(900_000_000));
        }
        assert_eq!(
            observe(&mut marks, 0, secs(900_000_001)).watermark,
            secs(900_000_001)
        );
    }

    #[test]
    fn one_line_dated_2099_does_nothing() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(100));
        assert_eq!(observe(&mut marks, 0, secs(4_000_000_000)).at, secs(100));
        assert_eq!(observe(&mut marks, 0, secs(101)).at, secs(101));
        assert_eq!(marks.ahead, 1);
    }

    #[test]
    fn a_first_line_dated_2099_is_forgotten_at_the_second() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(4_000_000_000));
        let second = observe(&mut marks, 0, secs(100));
        assert!(second.went_back);
        assert_eq!((second.at, second.watermark), (secs(100), secs(100)));
        assert_eq!(marks.latest(|_| true), Some(secs(100)));
    }

    #[test]
    fn a_quiet_hour_passes_at_once_and_a_quiet_week_after_sixteen_records() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(100));
        assert_eq!(observe(&mut marks, 0, secs(3700)).at, secs(3700));
        for minute in 0..15 {
            assert_eq!(observe(&mut marks, 0, secs(700_000 + minute * 60)).at, secs(3700));
        }
        assert_eq!(observe(&mut marks, 0, secs(701_000)).watermark, secs(700_000));
    }

    #[test]
    fn a_clock_that_was_put_right_is_believed_again() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(100));
        observe(&mut marks, 0, secs(3700));
        for second in 0..16 {
            observe(&mut marks, 0, secs(101 + second));
        }
        assert_eq!(observe(&mut marks, 0, secs(117)).watermark, secs(117));
        assert_eq!(marks.late, 16);
    }

    #[test]
    fn a_source_an_hour_off_moves_no_other_source() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(100));
        observe(&mut marks, 1, secs(3700));
        assert_eq!(observe(&mut marks, 0, secs(101)).at, secs(101));
    }

    #[test]
    fn a_late_record_keeps_its_own_time() {
        let mut marks = Watermarks::default();
        observe(&mut marks, 0, secs(1000));
        assert_eq!(
            observe(&mut marks, 0, secs(400)),
            EventTime {
                at: secs(400),
                watermark: secs(1000),
                went_back: false,
            }
        );
    }

    #[test]
    fn what_a_cloud_delivers_late_is_late_only_by_the_terms_of_its_source() {
        let mut marks = Watermarks::default();
        let hour = LATENESS_MILLIS * 4;
        for second in 0..20 {
            let latest = marks.observe(0, secs(10_000 + second), hour);
            let late = marks.observe(0, secs(10_000 + second - 1800), hour);
            assert_eq!((late.went_back, late.watermark), (false, latest.watermark));
        }
        assert_eq!(marks.late, 0);
    }
}
