//! How long a decision still holds, in Go's form and whole seconds.
//!
//! Clients read it with `time.ParseDuration` or with a pattern for hours, minutes and seconds. Days do not exist
//! in Go's form, and a client with its own table takes a life of zero for one without end.

use std::fmt::Write as _;

/// Appends `3h59m57s`, `10m0s`, `42s`; negative for what has ended. Whole seconds, never closer to zero than one.
pub(crate) fn push_go_duration(out: &mut String, millis: i64) {
    // Towards zero: a client that keeps time by itself must not hold a block longer than was decided.
    let secs = (millis / 1000).unsigned_abs().max(1);
    if millis < 0 {
        out.push('-');
    }
    let (hours, minutes, rest) = (secs / 3600, secs / 60 % 60, secs % 60);
    // Writing to a string cannot fail.
    let _ = if hours > 0 {
        write!(out, "{hours}h{minutes}m{rest}s")
    } else if minutes > 0 {
        write!(out, "{minutes}m{rest}s")
    } else {
        write!(out, "{rest}s")
    };
}

/// Reads one in milliseconds: numbers with their units, `1h30m`, `4h`, `2m30.5s`. `None` for anything else, and for what is longer
/// than can be counted.
pub(crate) fn read_go_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let mut millis = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|part: char| !part.is_ascii_digit() && part != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|part: char| part.is_ascii_digit() || part == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let each = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1_000.0,
            "ms" => 1.0,
            "us" | "µs" => 1e-3,
            "ns" => 1e-6,
            _ => return None,
        };
        millis += number.parse::<f64>().ok()? * each;
        rest = after;
    }
    // Beyond that whole numbers are not exact any more; nothing lasts so long.
    (!text.is_empty() && millis < 9e15).then_some((sign * millis) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_form_is_read() {
        let check =
            |text: &str, expected: Option<i64>| assert_eq!(read_go_duration(text), expected, "{text}");
        check("4h", Some(14_400_000));
        check("3h59m57s", Some(14_397_000));
        check("2m30.5s", Some(150_500));
        check("-1m", Some(-60_000));
        check("1500ms", Some(1_500));
        for wrong in [
            "",
            "4",
            "h",
            "1d",
            "4h ",
            "1..5s",
            "999999999999999999999h",
            "4h-3m",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn durations_are_whole_seconds_in_gos_form() {
        let check = |millis: i64, expected: &str| {
            let mut out = String::new();
            push_go_duration(&mut out, millis);
            assert_eq!(out, expected, "{millis} ms");
        };
        check(14_397_540, "3h59m57s");
        check(3_597_540, "59m57s");
        check(600_000, "10m0s");
        check(3_600_000, "1h0m0s");
        check(48 * 3_600_000, "48h0m0s");
        check(1_613, "1s");
        check(999, "1s");
        check(0, "1s");
        check(-4_582, "-4s");
        check(-2_170_458, "-36m10s");
        check(-10, "-1s");
    }
}
