//! Days in paths: `/logs/access.log.2015-01-17.gz`, `/2026/11/25/`. Who asks for one day after the other counts on and
//! guesses nothing, and a day on which nothing was published is missing without anybody's fault.

/// Whether a path names a day: year, month and day in this order, with one kind of mark between them or with none.
pub(super) fn names_day(path: &str) -> bool {
    let bytes = path.as_bytes();
    memchr::memchr2_iter(b'1', b'2', bytes).any(|at| {
        let is_inside_number = at > 0 && bytes[at - 1].is_ascii_digit();
        !is_inside_number && begins_with_day(&bytes[at..]).is_some()
    })
}

/// `Some` when the text begins with a day and no further digit follows.
fn begins_with_day(text: &[u8]) -> Option<()> {
    let (year, rest) = number(text, 4)?;
    let mark = rest.first().filter(|byte| b"-_./".contains(byte));
    let skip_mark = |rest: &'_ [u8]| match (mark, rest.first()) {
        (None, _) => Some(0),
        (Some(mark), Some(byte)) if mark == byte => Some(1),
        _ => None,
    };
    let (month, rest) = number(&rest[skip_mark(rest)?..], 2)?;
    let (day, rest) = number(&rest[skip_mark(rest)?..], 2)?;
    let is_day = (1990..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (is_day && !rest.first().is_some_and(u8::is_ascii_digit)).then_some(())
}

/// Reads so many digits; gives their value and what follows.
fn number(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let value = number.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
    })?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_found_however_they_are_written() {
        for path in [
            "/logs/access.log.2015-01-17.gz",
            "/2026/11/25/",
            "/backup_2026_11_25.csv",
            "/export/20261125.json",
        ] {
            assert!(names_day(path), "{path}");
        }
    }

    #[test]
    fn other_numbers_are_no_days() {
        for path in [
            "/",
            "/2026/",
            "/2026-13-01",
            "/2026-11/25",
            "/120261125",
            "/202611251",
            "/orders/1234567",
            "/2",
            "/2026-1",
        ] {
            assert!(!names_day(path), "{path}");
        }
    }
}
