//! A moment, as a whole number of milliseconds, with RFC 3339 in and out.
//!
//! Event time comes from logs and is under an attacker's influence, so arithmetic saturates instead of wrapping.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The last moment that RFC 3339 can write: 9999-12-31T23:59:59.999Z.
const MAX_MILLIS: i64 = 253_402_300_799_999;
/// The first moment that RFC 3339 can write: 0000-01-01T00:00:00Z.
const MIN_MILLIS: i64 = -62_167_219_200_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// Makes a timestamp from milliseconds since the epoch, clamped to the years 0000 to 9999.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis > MAX_MILLIS {
            Self(MAX_MILLIS)
        } else if millis < MIN_MILLIS {
            Self(MIN_MILLIS)
        } else {
            Self(millis)
        }
    }

    /// Makes a timestamp from whole seconds since the epoch, clamped like [`Self::from_millis`].
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// Makes a timestamp from a civil date and time of day in UTC; `None` when a part is out of its range.
    #[must_use]
    pub fn from_civil(year: i32, month: u32, day: u32, secs_of_day: u32, millis: u32) -> Option<Self> {
        let in_range = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && day >= 1
            && day <= days_in_month(year, month)
            // 86,400 is a leap second's last moment: it counts as the next day's first.
            && secs_of_day <= 86_400
            && millis < 1000;
        in_range.then(|| {
            let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
            Self::from_millis(days * MILLIS_PER_DAY + i64::from(secs_of_day) * 1000 + i64::from(millis))
        })
    }

    /// Reads RFC 3339 (`2026-11-22T23:48:42.5Z`, `2026-11-23T01:48:42+02:00`); `None` when it is not that.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 20 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[13] != b':' || bytes[16] != b':'
        {
            return None;
        }
        if !matches!(bytes[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = i32::try_from(digits(&bytes[0..4])?).ok()?;
        let (hour, minute, second) = (
            digits(&bytes[11..13])?,
            digits(&bytes[14..16])?,
            digits(&bytes[17..19])?,
        );
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (millis, rest) = fraction(&bytes[19..])?;
        let offset_secs = zone(rest)?;
        let civil = Self::from_civil(
            year,
            digits(&bytes[5..7])?,
            digits(&bytes[8..10])?,
            hour * 3600 + minute * 60 + second,
            millis,
        )?;
        Some(civil.minus_millis(offset_secs * 1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and `millis` later (earlier when negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This moment and `secs` later.
    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        self.plus_millis(secs.saturating_mul(1000))
    }

    /// This moment and `millis` earlier.
    #[must_use]
    pub const fn minus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is in fact later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC, with milliseconds only when there are any.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(MILLIS_PER_DAY));
        let in_day = self.0.rem_euclid(MILLIS_PER_DAY);
        let (secs, millis) = (in_day / 1000, in_day % 1000);
        write!(
            out,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            secs / 3600,
            secs / 60 % 60,
            secs % 60
        )?;
        if millis != 0 {
            write!(out, ".{millis:03}")?;
        }
        out.write_str("Z")
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0u32, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
    })
}

/// Reads an optional `.fraction` as milliseconds and returns what follows it.
fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let Some(tail) = bytes.strip_prefix(b".") else {
        return Some((0, bytes));
    };
    let len = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let places = tail[..len].iter().copied().chain(std::iter::repeat(b'0'));
    let millis = places
        .take(3)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    (len > 0).then_some((millis, &tail[len..]))
}

/// Reads `Z`, `+hh:mm` or `-hhmm` as seconds east of UTC.
fn zone(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, minutes) = match rest.len() {
                5 if rest[2] == b':' => (digits(&rest[0..2])?, digits(&rest[3..5])?),
                4 => (digits(&rest[0..2])?, digits(&rest[2..4])?),
                _ => return None,
            };
            let secs = i64::from(hours * 3600 + minutes * 60);
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -secs } else { secs })
        }
        _ => None,
    }
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since the epoch of a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The civil date of a day since the epoch (same source).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, millis: i64, written: &str) {
        let time = Timestamp::parse_rfc3339(text).expect(text);
        assert_eq!(time.as_millis(), millis, "{text}");
        assert_eq!(time.to_string(), written);
    }

    #[test]
    fn rfc_3339_is_read_and_written() {
        check("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z");
        check(
            "2026-11-22T23:48:42.5Z",
            1_795_391_322_500,
            "2026-11-22T23:48:42.500Z",
        );
        check(
            "2024-02-29T12:00:00.123456+01:00",
            1_709_204_400_123,
            "2024-02-29T11:00:00.123Z",
        );
        check(
            "2025-12-31T23:59:59-0300",
            1_767_236_399_000,
            "2026-01-01T02:59:59Z",
        );
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "",
            "2026-11-22",
            "2026-02-30T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T23:48:42",
            "2026-11-22T23:48:42.Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_at_what_can_be_written() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.plus_secs(i64::MAX), last);
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(
            Timestamp::from_millis(i64::MIN).to_string(),
            "0000-01-01T00:00:00Z"
        );
    }

    proptest! {
        #[test]
        fn writing_and_reading_is_the_identity(millis in MIN_MILLIS..=MAX_MILLIS) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse_rfc3339(&time.to_string()), Some(time));
        }
    }
}
