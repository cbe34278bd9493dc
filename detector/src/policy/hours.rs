//! Hours of the week, by event time: quiet hours.

use domain::Timestamp;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Largest difference of a time zone from UTC, in minutes: the Line Islands are 14 hours ahead.
pub const OFFSET_MINUTES_MAX: i16 = 14 * 60;

/// Days of the week as they are written, Monday first.
pub const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// From one minute of the day up to another, which is not part of it; past midnight when it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First minute.
    pub from: u16,
    /// First minute after it.
    pub until: u16,
}

impl Span {
    fn holds(self, minute: u16) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// Hours of the week, in a time zone of one difference from UTC all year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours {
    /// Spans of the day, of which one must hold; empty for the whole day.
    pub spans: Vec<Span>,
    /// Days, Monday being 0, of which one must hold; empty for every day. It is the day of the moment itself, also past midnight.
    pub days: Vec<u8>,
    /// What is added to UTC, in minutes.
    pub offset_minutes: i16,
}

impl Hours {
    /// Whether a moment lies in them.
    #[must_use]
    pub fn hold(&self, at: Timestamp) -> bool {
        let minutes = at.as_millis().div_euclid(60_000) + i64::from(self.offset_minutes);
        let day_minutes = i64::from(DAY_MINUTES);
        let minute = minutes.rem_euclid(day_minutes) as u16;
        // 1970-01-01 was a Thursday.
        let day = (minutes.div_euclid(day_minutes) + 3).rem_euclid(7) as u8;
        let is_day = self.days.is_empty() || self.days.contains(&day);
        let is_hour = self.spans.is_empty() || self.spans.iter().any(|span| span.holds(minute));
        is_day && is_hour
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours: &Hours, moments: &[(&str, bool)]) {
        for (text, expected) in moments {
            let at = Timestamp::parse_rfc3339(text).unwrap();
            assert_eq!(hours.hold(at), *expected, "{text}");
        }
    }

    #[test]
    fn a_span_may_go_past_midnight_and_its_end_is_not_part_of_it() {
        let night = Hours {
            spans: vec![Span {
                from: 22 * 60,
                until: 6 * 60,
            }],
            ..Hours::default()
        };
        check(
            &night,
            &[
                ("2026-11-28T21:59:59Z", false),
                ("2026-11-28T22:00:00Z", true),
                ("2026-11-29T05:59:59Z", true),
                ("2026-11-29T06:00:00Z", false),
                ("1969-12-31T23:00:00Z", true),
            ],
        );
    }

    #[test]
    fn days_and_hours_are_those_of_the_time_zone() {
        let saturday_in_berlin = Hours {
            days: vec![5],
            offset_minutes: 60,
            ..Hours::default()
        };
        check(
            &saturday_in_berlin,
            &[
                ("2026-11-27T22:59:00Z", false),
                ("2026-11-27T23:00:00Z", true),
                ("2026-11-28T22:59:00Z", true),
                ("2026-11-28T23:00:00Z", false),
            ],
        );
    }

    #[test]
    fn nothing_said_is_always() {
        check(&Hours::default(), &[("2026-11-28T12:00:00Z", true)]);
    }
}
