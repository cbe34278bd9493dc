//! Moments in layouts: whole ones, and pieces that only together are one (`%d/%b/%Y:%T` here, `%z` there).

use crate::clock::{CLF_LEN, DayCache, EpochUnit, from_epoch, write_clf};
use domain::Timestamp;
use std::fmt::Write;

/// How a moment, or a piece of one, is written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::format) enum Moment {
    /// `22/Nov/2026:23:48:42 +0000`
    Clf,
    /// `2026-11-22T23:48:42.123Z`
    Rfc3339,
    /// A number of these since the epoch, perhaps with a fraction.
    Epoch(Unit),
    /// As `strftime` writes it.
    Parts(Vec<Part>),
    /// `2026-11-22`
    Date,
    /// `23:48:42`
    TimeOfDay,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Unit {
    Seconds,
    Millis,
    Micros,
}

/// A piece of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Part {
    Year,
    /// Two digits of this century.
    ShortYear,
    Month,
    /// `Nov`
    MonthName,
    Day,
    /// `Sun`, and no more than that.
    WeekdayName,
    Hour,
    Minute,
    Second,
    /// That many digits of a second's fraction.
    Fraction(u8),
    /// One to three digits of milliseconds, without zeros before them (HAProxy's `%ms`).
    Millis,
    /// `+0000`, `+00:00` or `Z`
    Zone,
    /// A letter's worth of text.
    Text(char),
}

/// The pieces of a moment that were read so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::format) struct Civil {
    year: Option<u32>,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    millis: u32,
    east_secs: i64,
}

/// Longest text of a number of seconds that is read: 2^63 nanoseconds have 19 digits.
const EPOCH_BYTES_MAX: usize = 24;

/// Longest moment in RFC 3339 that is read: nanoseconds and a zone.
const RFC3339_BYTES_MAX: usize = 40;

const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

impl Moment {
    /// What a format of `strftime` means.
    ///
    /// # Errors
    /// The directive that is not read.
    pub(in crate::format) fn from_strftime(format: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                parts.push(Part::Text(letter));
                continue;
            }
            let directive = letters.next().unwrap_or('%');
            match directive {
                's' if parts.is_empty() && letters.as_str().is_empty() => {
                    return Ok(Self::Epoch(Unit::Seconds));
                }
                // Seconds since the epoch with a fraction: read as one number.
                's' if parts.is_empty() && matches!(letters.as_str(), ".%3f" | ".%6f" | ".%f") => {
                    return Ok(Self::Epoch(Unit::Seconds));
                }
                's' if parts.is_empty() && letters.as_str() == "%3f" => return Ok(Self::Epoch(Unit::Millis)),
                '1'..='9' if letters.clone().next() == Some('f') => {
                    letters.next();
                    parts.push(Part::Fraction(directive as u8 - b'0'));
                }
                directive => parts.extend(Self::directive(directive).ok_or_else(|| format!("%{directive}"))?),
            }
        }
        Ok(Self::Parts(parts))
    }

    fn directive(directive: char) -> Option<Vec<Part>> {
        use Part::{
            Day, Fraction, Hour, Minute, Month, MonthName, Second, ShortYear, Text, WeekdayName, Year, Zone,
        };
        Some(match directive {
            'Y' => vec![Year],
            'y' => vec![ShortYear],
            'm' => vec![Month],
            'b' | 'h' => vec![MonthName],
            'd' | 'e' => vec![Day],
            'a' => vec![WeekdayName],
            'H' => vec![Hour],
            'M' => vec![Minute],
            'S' => vec![Second],
            'f' => vec![Fraction(9)],
            'z' => vec![Zone],
            'F' => vec![Year, Text('-'), Month, Text('-'), Day],
            'T' => vec![Hour, Text(':'), Minute, Text(':'), Second],
            'R' => vec![Hour, Text(':'), Minute],
            'D' => vec![Month, Text('/'), Day, Text('/'), ShortYear],
            'n' | 't' => vec![Text(' ')],
            '%' => vec![Text('%')],
            _ => return None,
        })
    }

    /// Whether a date and a time of day stand in it.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Parts(parts) => {
                let has = |wanted: &[Part]| wanted.iter().any(|part| parts.contains(part));
                has(&[Part::Year, Part::ShortYear]) && has(&[Part::Day]) && has(&[Part::Hour])
            }
            Self::Date | Self::TimeOfDay => false,
            _ => true,
        }
    }

    /// Whether a date and a time of day stand in it and no zone.
    pub(super) fn is_zoneless(&self) -> bool {
        self.is_whole() && matches!(self, Self::Parts(_)) && !self.names_zone()
    }

    /// Whether a zone stands in it.
    pub(super) fn names_zone(&self) -> bool {
        matches!(self, Self::Parts(parts) if parts.contains(&Part::Zone))
    }

    /// How exact it is, in milliseconds.
    pub(super) fn resolution_millis(&self) -> u32 {
        match self {
            Self::Clf | Self::Date | Self::TimeOfDay => 1000,
            Self::Rfc3339 | Self::Epoch(_) => 1,
            Self::Parts(parts) => {
                let digits = parts.iter().filter_map(|part| match part {
                    Part::Fraction(digits) => Some(u32::from(*digits)),
                    Part::Millis => Some(3),
                    _ => None,
                });
                let digits = digits.max().unwrap_or(0);
                10u32.pow(3u32.saturating_sub(digits))
            }
        }
    }

    /// Reads it from the beginning of a text: the moment or its pieces, and how many bytes it took.
    ///
    /// Every way of writing has a longest text, so this takes constant time.
    pub(in crate::format) fn read(
        &self,
        text: &[u8],
        civil: &mut Civil,
        days: &mut DayCache,
    ) -> Option<(Option<Timestamp>, usize)> {
        match self {
            Self::Clf => Some((Some(days.parse_clf(text.get(..CLF_LEN)?)?), CLF_LEN)),
            Self::Rfc3339 => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || b"-:.+TZtz".contains(byte);
                let len = text
                    .iter()
                    .take(RFC3339_BYTES_MAX)
                    .take_while(|byte| is_part(byte))
                    .count();
                let text = std::str::from_utf8(&text[..len]).ok()?;
                Some((Some(Timestamp::parse_rfc3339(text)?), len))
            }
            Self::Epoch(unit) => {
                let is_part = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                let len = text
                    .iter()
                    .take(EPOCH_BYTES_MAX)
                    .take_while(|byte| is_part(byte))
                    .count();
                let number: f64 = std::str::from_utf8(&text[..len]).ok()?.parse().ok()?;
                let at = match unit {
                    Unit::Seconds => from_epoch(number, EpochUnit::Seconds),
                    Unit::Millis => from_epoch(number, EpochUnit::Millis),
                    Unit::Micros => from_epoch(number / 1e3, EpochUnit::Millis),
                };
                Some((Some(at?), len))
            }
            Self::Parts(parts) => read_parts(parts, text, civil),
            Self::Date => read_parts(DATE, text, civil),
            Self::TimeOfDay => read_parts(TIME_OF_DAY, text, civil),
        }
    }

    /// Writes the moment, in UTC.
    pub(super) fn write(&self, at: Timestamp, out: &mut Vec<u8>) {
        let mut text = String::new();
        let millis = at.as_millis();
        let written = match self {
            Self::Clf => {
                write_clf(at, out);
                Ok(())
            }
            Self::Rfc3339 => write!(text, "{}", Rfc3339(at)),
            Self::Epoch(Unit::Seconds) => {
                write!(text, "{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
            }
            Self::Epoch(Unit::Millis) => write!(text, "{millis}"),
            Self::Epoch(Unit::Micros) => write!(text, "{millis}000"),
            Self::Parts(_) | Self::Date | Self::TimeOfDay => {
                let parts = match self {
                    Self::Parts(parts) => parts.as_slice(),
                    Self::Date => DATE,
                    _ => TIME_OF_DAY,
                };
                let whole = Rfc3339(at).to_string();
                parts.iter().try_for_each(|part| part.write(&whole, &mut text))
            }
        };
        debug_assert!(written.is_ok(), "a string takes everything");
        out.extend_from_slice(text.as_bytes());
    }
}

const DATE: &[Part] = &[
    Part::Year,
    Part::Text('-'),
    Part::Month,
    Part::Text('-'),
    Part::Day,
];

const TIME_OF_DAY: &[Part] = &[
    Part::Hour,
    Part::Text(':'),
    Part::Minute,
    Part::Text(':'),
    Part::Second,
];

fn read_parts(parts: &[Part], text: &[u8], civil: &mut Civil) -> Option<(Option<Timestamp>, usize)> {
    let mut rest = text;
    for part in parts {
        rest = part.read(rest, civil)?;
    }
    Some((None, text.len() - rest.len()))
}

/// Always with three digits of a second's fraction: `2026-11-22T23:48:42.000Z`.
struct Rfc3339(Timestamp);

impl std::fmt::Display for Rfc3339 {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = Timestamp::from_secs(self.0.as_secs()).to_string();
        let millis = self.0.as_millis().rem_euclid(1000);
        write!(out, "{}.{millis:03}Z", seconds.trim_end_matches('Z'))
    }
}

impl Part {
    /// Reads it, and gives the text after it.
    fn read<'a>(self, text: &'a [u8], civil: &mut Civil) -> Option<&'a [u8]> {
        let (value, rest) = match self {
            Self::Year => number(text, 4)?,
            Self::Text(letter) => {
                let mut bytes = [0; 4];
                return text.strip_prefix(letter.encode_utf8(&mut bytes).as_bytes());
            }
            Self::Zone => return zone(text, civil),
            Self::Millis => {
                let len = text
                    .iter()
                    .take(3)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                civil.millis = std::str::from_utf8(&text[..len]).ok()?.parse().ok()?;
                return Some(&text[len..]);
            }
            Self::Fraction(digits) => {
                let len = usize::from(digits);
                let all = text.get(..len).filter(|all| all.iter().all(u8::is_ascii_digit))?;
                let millis = (0..3).map(|at| all.get(at).map_or(0, |digit| u32::from(digit - b'0')));
                civil.millis = millis.fold(0, |sum, digit| sum * 10 + digit);
                return Some(&text[len..]);
            }
            Self::MonthName => {
                let name = std::str::from_utf8(text.get(..3)?).ok()?;
                let at = MONTHS.match_indices(name).find(|(at, _)| at % 3 == 0)?.0;
                (u32::try_from(at / 3).ok()? + 1, &text[3..])
            }
            Self::WeekdayName => {
                let is_name = text.get(..3)?.iter().all(u8::is_ascii_alphabetic);
                return is_name.then(|| &text[3..]);
            }
            _ => number(text, 2)?,
        };
        match self {
            Self::Year => civil.year = Some(value),
            Self::ShortYear => civil.year = Some(2000 + value),
            Self::Month | Self::MonthName => civil.month = value,
            Self::Day => civil.day = value,
            Self::Hour if value < 24 => civil.hour = value,
            Self::Minute if value < 60 => civil.minute = value,
            Self::Second if value <= 60 => civil.second = value,
            _ => return None,
        }
        Some(rest)
    }

    /// Writes it out of `2026-11-22T23:48:42.123Z`.
    fn write(self, whole: &str, out: &mut String) -> std::fmt::Result {
        let part = |from: usize, to: usize| whole.get(from..to).unwrap_or("");
        match self {
            Self::Year => out.write_str(part(0, 4)),
            Self::ShortYear => out.write_str(part(2, 4)),
            Self::Month => out.write_str(part(5, 7)),
            Self::MonthName => {
                let month = part(5, 7).parse().unwrap_or(1usize);
                out.write_str(MONTHS.get(3 * month - 3..3 * month).unwrap_or(""))
            }
            Self::Day => out.write_str(part(8, 10)),
            Self::WeekdayName => out.write_str("Day"),
            Self::Hour => out.write_str(part(11, 13)),
            Self::Minute => out.write_str(part(14, 16)),
            Self::Second => out.write_str(part(17, 19)),
            Self::Fraction(digits) => {
                let digits = usize::from(digits);
                let known = part(20, 20 + digits.min(3));
                write!(out, "{known:0<digits$}")
            }
            Self::Zone => out.write_str("+0000"),
            Self::Millis => {
                let millis: u32 = part(20, 23).parse().unwrap_or(0);
                write!(out, "{millis}")
            }
            Self::Text(letter) => out.write_char(letter),
        }
    }
}

/// A number of that many digits; its first may be a space (`%e`).
fn number(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let mut value = 0;
    for (at, byte) in text.get(..digits)?.iter().enumerate() {
        let digit = if at == 0 && *byte == b' ' {
            0
        } else {
            byte.wrapping_sub(b'0')
        };
        value = value * 10 + u32::from(Some(digit).filter(|digit| *digit < 10)?);
    }
    Some((value, &text[digits..]))
}

fn zone<'a>(text: &'a [u8], civil: &mut Civil) -> Option<&'a [u8]> {
    if let Some(rest) = text.strip_prefix(b"Z") {
        return Some(rest);
    }
    let (sign, rest) = text.split_first()?;
    let (hours, rest) = number(rest, 2)?;
    let (minutes, rest) = number(rest.strip_prefix(b":").unwrap_or(rest), 2)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let secs = i64::from(hours * 3600 + minutes * 60);
    civil.east_secs = match sign {
        b'+' => secs,
        b'-' => -secs,
        _ => return None,
    };
    Some(rest)
}

impl Civil {
    /// The moment that the pieces make; a zone that was not named is UTC.
    pub(in crate::format) fn moment(&self) -> Option<Timestamp> {
        let year = i32::try_from(self.year?).ok()?;
        let secs = self.hour * 3600 + self.minute * 60 + self.second;
        let civil = Timestamp::from_civil(year, self.month, self.day, secs, self.millis)?;
        Some(civil.minus_millis(self.east_secs * 1000))
    }

    /// Takes a fraction of any length (`.363`); anything else is none.
    pub(in crate::format) fn put_fraction(&mut self, text: &str) {
        if let Some(digits) = text.strip_prefix('.') {
            let digit = |at: usize| digits.as_bytes().get(at).filter(|byte| byte.is_ascii_digit());
            self.millis = (0..3).fold(0, |sum, at| {
                sum * 10 + digit(at).map_or(0, |byte| u32::from(byte - b'0'))
            });
        }
    }

    /// The fraction of a second that was logged beside a moment of its own.
    pub(super) fn millis_alone(&self) -> i64 {
        i64::from(self.millis)
    }
}
