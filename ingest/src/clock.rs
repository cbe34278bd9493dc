//! Moments as access logs write them: Common Log Format, RFC 3339, seconds or smaller units since the epoch.
//!
//! The years 1970 and 2099 are read like any other: what is plausible is the watermark's business. A moment that
//! cannot be (31 February, a thirteenth month) is refused.

use domain::Timestamp;

/// Length of `22/Nov/2026:23:48:42 +0000`.
pub const CLF_LEN: usize = 26;

/// Milliseconds since the epoch of 9999-12-31T23:59:59.999Z: later ones cannot be written down.
const MILLIS_MAX: f64 = 253_402_300_799_999.0;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Remembers the last day and zone: a log's lines nearly always stand on the same one.
#[derive(Debug, Clone)]
pub struct DayCache {
    day: [u8; 11],
    zone: [u8; 5],
    midnight: Timestamp,
}

impl Default for DayCache {
    fn default() -> Self {
        Self {
            day: *b"01/Jan/1970",
            zone: *b"+0000",
            midnight: Timestamp::from_millis(0),
        }
    }
}

impl DayCache {
    /// Reads `22/Nov/2026:23:48:42 +0000`; `None` when it is not that or cannot be.
    #[inline]
    pub fn parse_clf(&mut self, text: &[u8]) -> Option<Timestamp> {
        let text: &[u8; CLF_LEN] = text.try_into().ok()?;
        let (hour, minute, second) = (two(text, 12)?, two(text, 15)?, two(text, 18)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        if text[11] != b':' || text[14] != b':' || text[17] != b':' || text[20] != b' ' {
            return None;
        }
        if self.day != text[..11] || self.zone != text[21..] {
            self.remember(text)?;
        }
        let secs = hour * 3600 + minute * 60 + second;
        Some(self.midnight.plus_millis(i64::from(secs) * 1000))
    }

    fn remember(&mut self, text: &[u8; CLF_LEN]) -> Option<()> {
        if text[2] != b'/' || text[6] != b'/' {
            return None;
        }
        let month = MONTHS.iter().position(|name| name.as_slice() == &text[3..6])?;
        let year = two(text, 7)? * 100 + two(text, 9)?;
        let civil = Timestamp::from_civil(
            i32::try_from(year).ok()?,
            u32::try_from(month).ok()? + 1,
            two(text, 0)?,
            0,
            0,
        )?;
        let (hours, minutes) = (two(text, 22)?, two(text, 24)?);
        if hours > 23 || minutes > 59 {
            return None;
        }
        let east_millis = i64::from(hours * 3600 + minutes * 60) * 1000;
        self.midnight = match text[21] {
            b'+' => civil.minus_millis(east_millis),
            b'-' => civil.plus_millis(east_millis),
            _ => return None,
        };
        self.day.copy_from_slice(&text[..11]);
        self.zone.copy_from_slice(&text[21..]);
        Some(())
    }
}

fn two(text: &[u8; CLF_LEN], at: usize) -> Option<u32> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Writes Common Log Format in UTC, whole seconds.
pub fn write_clf(at: Timestamp, out: &mut Vec<u8>) {
    // RFC 3339 has every number already: 2026-11-22T23:48:42Z.
    let text = at.to_string();
    let bytes = text.as_bytes();
    let month = usize::from(bytes[5] - b'0') * 10 + usize::from(bytes[6] - b'0');
    out.extend_from_slice(&bytes[8..10]);
    out.push(b'/');
    out.extend_from_slice(MONTHS[month - 1]);
    out.push(b'/');
    out.extend_from_slice(&bytes[..4]);
    out.push(b':');
    out.extend_from_slice(&bytes[11..19]);
    out.extend_from_slice(b" +0000");
}

/// A unit in which gateways count time since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochUnit {
    /// Seconds, often with a fraction (NGINX `$msec`, Caddy `ts`).
    Seconds,
    /// Milliseconds (Kong `started_at`).
    Millis,
    /// Nanoseconds (OTLP `timeUnixNano`).
    Nanos,
    /// Told from the size of the number: home-made formats do not say. Exact from 1973 to 5138.
    Guessed,
}

/// The moment that many units after the epoch; `None` before 1970 or after 9999.
#[must_use]
pub fn from_epoch(value: f64, unit: EpochUnit) -> Option<Timestamp> {
    let millis = match unit {
        EpochUnit::Seconds => value * 1e3,
        EpochUnit::Millis => value,
        EpochUnit::Nanos => value / 1e6,
        EpochUnit::Guessed if value < 1e11 => value * 1e3,
        EpochUnit::Guessed if value < 1e14 => value,
        EpochUnit::Guessed if value < 1e17 => value / 1e3,
        EpochUnit::Guessed => value / 1e6,
    };
    let millis = millis.round();
    if !(0.0..=MILLIS_MAX).contains(&millis) {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "checked to lie between 0 and 2^48"
    )]
    Some(Timestamp::from_millis(millis as i64))
}

/// Longest text that [`parse_other`] looks at: `2026-11-22 23:48:42.123456789 +0000 UTC` has 39.
const OTHER_BYTES_MAX: usize = 48;

/// Reads moments that are neither RFC 3339 nor Common Log Format: ISO 8601 without separators
/// (`20261122T234842Z`), a comma before the fraction, slashes in the date, Go's `2026-11-22 23:48:42.5 +0000 UTC`.
///
/// What names no zone is taken for UTC: a log that means another is off by whole hours, which an alarm of the clock
/// notices.
#[must_use]
pub fn parse_other(text: &str) -> Option<Timestamp> {
    if text.len() > OTHER_BYTES_MAX || !text.is_ascii() {
        return None;
    }
    let text = text.trim_ascii();
    let bytes = text.as_bytes();
    let is_basic = bytes.len() >= 15 && bytes[8] == b'T' && bytes[..8].iter().all(u8::is_ascii_digit);
    if bytes.get(2) == Some(&b'/') {
        return clf_without_zone(text);
    }
    let (date, time, rest) = if is_basic {
        let date = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..8]);
        let time = format!("{}:{}:{}", &text[9..11], &text[11..13], &text[13..15]);
        (date, time, &text[15..])
    } else {
        let date = text.get(..10)?.replace('/', "-");
        let after = text[10..].strip_prefix(['T', ' '])?;
        let after = after.strip_prefix("- ").unwrap_or(after);
        (date, after.get(..8)?.to_owned(), &after[8..])
    };
    let digits = rest.strip_prefix(['.', ',']).unwrap_or("");
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = match length {
        0 => (String::new(), rest),
        _ => (format!(".{}", &digits[..length]), &digits[length..]),
    };
    let zone = match zone.split_ascii_whitespace().next() {
        None | Some("UTC" | "GMT") => "Z",
        Some(zone) => zone,
    };
    Timestamp::parse_rfc3339(&format!("{date}T{time}{fraction}{zone}"))
}

/// HAProxy's `22/Nov/2026:23:48:42.123`.
fn clf_without_zone(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let at = DayCache::default().parse_clf(format!("{seconds} +0000").as_bytes())?;
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    (millis >= 0).then(|| at.plus_millis(millis))
}

/// Parts of a duration that are read: hours down to nanoseconds are six.
const DURATION_PARTS_MAX: usize = 6;

/// Milliseconds of a duration whose text names its units, as Go and protobuf write them: `0.012s`, `1.5ms`,
/// `1h2m3.5s`.
#[must_use]
pub fn millis_of_duration(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut millis = 0.0;
    for _ in 0..DURATION_PARTS_MAX {
        let number = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let amount: f64 = rest[..number].parse().ok()?;
        rest = rest[number..].trim_start();
        let unit = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        millis += amount
            * match rest[..unit].trim_end() {
                "h" => 3_600_000.0,
                "m" | "min" => 60_000.0,
                "s" | "sec" => 1000.0,
                "ms" => 1.0,
                "us" | "\u{b5}s" | "\u{3bc}s" => 1e-3,
                "ns" => 1e-6,
                _ => return None,
            };
        rest = &rest[unit..];
        if rest.is_empty() {
            return Some(millis);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<&str>) {
        let mut cache = DayCache::default();
        for _ in 0..2 {
            let read = cache.parse_clf(text.as_bytes()).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn common_log_format_is_read() {
        check("22/Nov/2026:23:48:42 +0000", Some("2026-11-22T23:48:42Z"));
        check("18/Jul/2025:14:14:47 -0400", Some("2025-07-18T18:14:47Z"));
        check("01/Jan/1970:00:00:00 +0000", Some("1970-01-01T00:00:00Z"));
        check("31/Dec/2099:23:59:59 +0530", Some("2099-12-31T18:29:59Z"));
        check("29/Feb/2024:00:00:00 +0000", Some("2024-02-29T00:00:00Z"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "",
            "29/Feb/2025:00:00:00 +0000",
            "00/Jan/2025:00:00:00 +0000",
            "01/Jnn/2025:00:00:00 +0000",
            "01/Jan/2025:24:00:00 +0000",
            "01/Jan/2025:00:60:00 +0000",
            "01/Jan/2025:00:00:00 +2400",
            "01/Jan/2025:00:00:00 *0000",
            "01/Jan/2025 00:00:00 +0000",
            "01/Jan/2025:00:00:00 +00000",
            "06/10/2021:11:19:31 -00000",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn units_since_the_epoch_are_told_apart() {
        let at = |value, unit| from_epoch(value, unit).map(Timestamp::as_millis);
        assert_eq!(at(1_795_391_322.5, EpochUnit::Seconds), Some(1_795_391_322_500));
        assert_eq!(
            at(1_795_391_322_500.0, EpochUnit::Millis),
            Some(1_795_391_322_500)
        );
        for scale in [1.0, 1e3, 1e6, 1e9] {
            assert_eq!(
                at(1_795_391_322.0 * scale, EpochUnit::Guessed),
                Some(1_795_391_322_000)
            );
        }
        for value in [-1.0, f64::NAN, f64::INFINITY, 1e40] {
            assert_eq!(at(value, EpochUnit::Seconds), None);
        }
    }

    #[test]
    fn other_moments_are_read() {
        for (text, expected) in [
            ("20261122T234842Z", Some("2026-11-22T23:48:42Z")),
            ("20261122T234842.5+0100", Some("2026-11-22T22:48:42.500Z")),
            ("2026-11-22T23:48:42", Some("2026-11-22T23:48:42Z")),
            ("2026-11-22 23:48:42,123", Some("2026-11-22T23:48:42.123Z")),
            ("2026/11/22 - 23:48:42", Some("2026-11-22T23:48:42Z")),
            (
                "2026-11-22 23:48:42.5 +0000 UTC",
                Some("2026-11-22T23:48:42.500Z"),
            ),
            ("2026-11-22 23:48:42 CET", None),
            ("22/Nov/2026:23:48:42.5", Some("2026-11-22T23:48:42.500Z")),
            ("22/Nov/2026:23:48:42.-5", None),
            ("22.11.2026 23:48:42", None),
            ("2026-11-22", None),
            ("", None),
        ] {
            let read = parse_other(text).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_read_by_their_units() {
        for (text, expected) in [
            ("0.012s", Some(12.0)),
            ("1.5ms", Some(1.5)),
            ("4\u{b5}s", Some(0.004)),
            ("1h2m3.5s", Some(3_723_500.0)),
            ("12 ms", Some(12.0)),
            ("12", None),
            ("s", None),
            ("1.2.3s", None),
            ("1 parsec", None),
        ] {
            assert_eq!(millis_of_duration(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_moment_or_none(text in "\\PC{0,50}|[0-9TZ:. +/-]{0,50}") {
            let _ = parse_other(&text);
            let _ = millis_of_duration(&text);
        }

        #[test]
        fn writing_and_reading_is_the_identity(secs in 0i64..253_402_300_799) {
            let at = Timestamp::from_secs(secs);
            let mut text = Vec::new();
            write_clf(at, &mut text);
            prop_assert_eq!(DayCache::default().parse_clf(&text), Some(at));
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = DayCache::default().parse_clf(&text);
        }
    }
}
