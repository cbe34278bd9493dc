//! Event time: one watermark per source, so that a broken clock harms nobody else.

use crate::limits::{LATENESS_MILLIS, SOURCES_MAX, WATERMARK_AGREEMENT, WATERMARK_JUMP_MILLIS};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// How a record's time stands to its source's watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// The time at which the record counts: its own, or the watermark when it claims to come from the future.
    pub at: Timestamp,
    /// The source's watermark after it.
    pub watermark: Timestamp,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Watermark {
    millis: i64,
    /// The records in a row that lay far ahead of the mark: the earliest of them, and how many.
    ahead: Run,
    /// The records in a row that lay further behind than lateness allows: the latest of them, and how many.
    behind: Run,
    is_set: bool,
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
    /// Records that came later than lateness allows.
    pub late: u64,
}

impl Watermarks {
    /// Number of sources whose time is kept.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Takes in one record's time. A record far ahead counts at the watermark, until enough in a row agree.
    pub fn observe(&mut self, source: u32, at: Timestamp) -> EventTime {
        let place = (source as usize).min(SOURCES_MAX - 1);
        if place >= self.sources.len() {
            self.sources.resize(place + 1, Watermark::default());
        }
        let mark = &mut self.sources[place];
        let millis = at.as_millis();
        if !mark.is_set {
            *mark = Watermark {
                millis,
                is_set: true,
                ..Watermark::default()
            };
        }
        let lead = millis.saturating_sub(mark.millis);
        self.ahead += u64::from(lead > WATERMARK_JUMP_MILLIS);
        self.late += u64::from(lead < -LATENESS_MILLIS);
        mark.advance(millis, lead);
        let watermark = Timestamp::from_millis(mark.millis);
        EventTime {
            at: at.min(watermark),
            watermark,
        }
    }
}

impl Watermark {
    fn advance(&mut self, millis: i64, lead: i64) {
        if lead > WATERMARK_JUMP_MILLIS {
            self.behind = Run::default();
            if let Some(earliest) = self.ahead.extend(millis, i64::min) {
                self.millis = earliest;
            }
        } else if lead < -LATENESS_MILLIS {
            self.ahead = Run::default();
            if let Some(latest) = self.behind.extend(millis, i64::max) {
                self.millis = latest;
            }
        } else {
            (self.ahead, self.behind) = (Run::default(), Run::default());
            self.millis = self.millis.max(millis);
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

    fn secs(value: i64) -> Timestamp {
        Timestamp::from_secs(value)
    }

    #[test]
    fn one_line_dated_2099_does_nothing() {
        let mut marks = Watermarks::default();
        marks.observe(0, secs(100));
        assert_eq!(marks.observe(0, secs(4_000_000_000)).at, secs(100));
        assert_eq!(marks.observe(0, secs(101)).at, secs(101));
        assert_eq!(marks.ahead, 1);
    }

    #[test]
    fn a_quiet_hour_passes_at_once_and_a_quiet_week_after_sixteen_records() {
        let mut marks = Watermarks::default();
        marks.observe(0, secs(100));
        assert_eq!(marks.observe(0, secs(3700)).at, secs(3700));
        for minute in 0..15 {
            assert_eq!(marks.observe(0, secs(700_000 + minute * 60)).at, secs(3700));
        }
        assert_eq!(marks.observe(0, secs(701_000)).watermark, secs(700_000));
    }

    #[test]
    fn a_clock_that_was_put_right_is_believed_again() {
        let mut marks = Watermarks::default();
        marks.observe(0, secs(100));
        marks.observe(0, secs(3700));
        for second in 0..16 {
            marks.observe(0, secs(101 + second));
        }
        assert_eq!(marks.observe(0, secs(117)).watermark, secs(117));
        assert_eq!(marks.late, 16);
    }

    #[test]
    fn a_source_an_hour_off_moves_no_other_source() {
        let mut marks = Watermarks::default();
        marks.observe(0, secs(100));
        marks.observe(1, secs(3700));
        assert_eq!(marks.observe(0, secs(101)).at, secs(101));
    }

    #[test]
    fn a_late_record_keeps_its_own_time() {
        let mut marks = Watermarks::default();
        marks.observe(0, secs(1000));
        assert_eq!(
            marks.observe(0, secs(400)),
            EventTime {
                at: secs(400),
                watermark: secs(1000)
            }
        );
    }
}
