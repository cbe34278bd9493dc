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

#[cfg(test)]
mod tests {
    use super::*;

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
