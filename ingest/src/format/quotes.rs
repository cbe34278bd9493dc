//! Lines with escaped quotes, or with more quotes than their layout has: every reading is counted.

use super::combined::{Cut, Numbers, QUOTED_MAX, read_numbers};
use crate::reject::Reason;

/// Cuts a line whose request opens at `open`, with that many quoted fields after the numbers.
///
/// The leftmost reading is taken: the request ends at the first quote that numbers follow, each field at the
/// first quote that can end it, and the last field at the line's last quote. A line that was cut in its last
/// field is read, and marked like any line that could have been another.
///
/// # Errors
/// When there is no reading at all.
pub(super) fn cut(line: &[u8], open: usize, quoted: usize) -> Result<Cut, Reason> {
    let escaped_apart = unescaped_quotes(line, open + 1);
    if let Some(cut) = leftmost(line, open, quoted, &escaped_apart) {
        return Ok(cut);
    }
    // Somebody who escapes nothing may end a field with a backslash: then every quote counts.
    let mut quotes: Vec<usize> = memchr::memchr_iter(b'"', line).filter(|at| *at > open).collect();
    let reading = leftmost(line, open, quoted, &quotes).or_else(|| {
        // Relays cut long lines, and a client decides how long his user agent is: the last field may be open.
        quotes.push(line.len());
        leftmost(line, open, quoted, &quotes)
    });
    let marked = reading.map(|cut| Cut {
        is_ambiguous: true,
        ..cut
    });
    marked.ok_or_else(|| explain(line, quoted, &quotes))
}

/// The quotes from there on that no backslash escapes.
fn unescaped_quotes(line: &[u8], from: usize) -> Vec<usize> {
    let mut quotes = Vec::new();
    let mut at = from;
    while let Some(found) = line.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if line[at] == b'"' {
            quotes.push(at);
            at += 1;
        } else {
            // A backslash takes the next byte with it.
            at += 2;
        }
    }
    quotes
}

/// The leftmost reading, marked when it is not the only one.
fn leftmost(line: &[u8], open: usize, quoted: usize, quotes: &[usize]) -> Option<Cut> {
    let last = *quotes.last()?;
    // Text may follow the last quote, but not touch it: that quote would open a field, not close one.
    if quoted > 0 && !matches!(line.get(last + 1), None | Some(b' ')) {
        return None;
    }
    // The places where one field could end and the next begin: quote, space, quote.
    let seams: Vec<usize> = quotes
        .windows(2)
        .filter(|pair| pair[1] == pair[0] + 2 && line[pair[0] + 1] == b' ')
        .map(|pair| pair[0])
        .collect();
    let mut readings = quotes
        .iter()
        .filter_map(|close| Some((*close, read_numbers(line, close + 1)?)))
        .flat_map(|(close, numbers)| {
            split_fields(line, numbers, quoted, &seams, last).map(move |cut| (close, cut))
        });
    let (close, (numbers, fields, is_split_in_one_way)) = readings.next()?;
    let is_ambiguous = !is_split_in_one_way || readings.next().is_some();
    Some(Cut {
        request: (open + 1, close),
        numbers,
        quoted: fields,
        is_ambiguous,
    })
}

type Fields = [(usize, usize); QUOTED_MAX];

/// Splits what follows the numbers into the fields, leftmost first, and says whether that is the only way.
fn split_fields(
    line: &[u8],
    numbers: Numbers,
    quoted: usize,
    seams: &[usize],
    last: usize,
) -> Option<(Numbers, Fields, bool)> {
    let mut fields = [(0, 0); QUOTED_MAX];
    if quoted == 0 {
        return (last < numbers.end).then_some((numbers, fields, true));
    }
    let begin = numbers.end + 2;
    if line.get(numbers.end..begin) != Some(b" \"") || last < begin {
        return None;
    }
    let from = seams.partition_point(|seam| *seam < begin);
    let to = seams.partition_point(|seam| seam + 2 < last);
    let inner = seams.get(from..to)?;
    let needed = quoted - 1;
    if inner.len() < needed {
        return None;
    }
    let mut start = begin;
    // Seams may touch (quote, space, quote, space, quote): the one inside the last is passed over.
    let mut seams = inner.iter().copied();
    for field in &mut fields[..needed] {
        let seam = seams.by_ref().find(|seam| *seam >= start)?;
        *field = (start, seam);
        start = seam + 3;
    }
    fields[needed] = (start.min(last), last);
    Some((numbers, fields, inner.len() == needed))
}

/// What to call the quoted fields of a layout with one, two or three.
const QUOTED_NAMES: [&str; QUOTED_MAX] = [
    "referer",
    "referer and user agent",
    "referer, user agent and forwarded chain",
];

/// What a line without any reading lacks.
fn explain(line: &[u8], quoted: usize, quotes: &[usize]) -> Reason {
    match quotes.first() {
        Some(close) if *close == line.len() => Reason::Invalid("request: its quote is not closed"),
        Some(close) if read_numbers(line, close + 1).is_none() => Reason::Invalid("status or size"),
        Some(_) if quoted == 0 => Reason::Invalid("end: quoted text follows the size"),
        _ => Reason::Missing(QUOTED_NAMES[quoted.min(QUOTED_MAX) - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"203.0.113.9 - - [22/Nov/2026:23:48:42 +0000] ""#;

    fn check(quoted: usize, tail: &str, expected: Option<(&str, &[&str], bool)>) {
        let line = format!("{HEAD}{tail}");
        let text = |(start, end): (usize, usize)| line[start..end].to_owned();
        let read = cut(line.as_bytes(), HEAD.len() - 1, quoted).ok();
        let read = read.map(|cut| {
            let fields: Vec<String> = cut.quoted[..quoted].iter().copied().map(text).collect();
            (text(cut.request), fields, cut.is_ambiguous)
        });
        let expected = expected.map(|(request, fields, is_ambiguous)| {
            let fields = fields.iter().map(|field| (*field).to_owned()).collect();
            (request.to_owned(), fields, is_ambiguous)
        });
        assert_eq!(read, expected, "{tail}");
    }

    #[test]
    fn an_escaped_quote_ends_nothing() {
        check(
            2,
            r#"GET /\" HTTP/1.1" 200 5 "-" "a\"b\\""#,
            Some((r#"GET /\" HTTP/1.1"#, &["-", r#"a\"b\\"#], false)),
        );
    }

    #[test]
    fn quotes_inside_one_field_have_one_reading() {
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "-" "a "b" c""#,
            Some(("GET / HTTP/1.1", &["-", r#"a "b" c"#], false)),
        );
        check(
            2,
            r#"GET /"x HTTP/1.1" 200 5 "-" "-""#,
            Some((r#"GET /"x HTTP/1.1"#, &["-", "-"], false)),
        );
        check(
            0,
            r#"GET /"x HTTP/1.1" 200 5"#,
            Some((r#"GET /"x HTTP/1.1"#, &[], false)),
        );
    }

    #[test]
    fn a_forged_second_line_is_ambiguous_and_the_leftmost_reading_wins() {
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "-" "x" 404 6 "-" "y""#,
            Some(("GET / HTTP/1.1", &["-", r#"x" 404 6 "-" "y"#], true)),
        );
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "a" "b" "c""#,
            Some(("GET / HTTP/1.1", &["a", r#"b" "c"#], true)),
        );
    }

    #[test]
    fn a_field_that_ends_with_a_backslash_is_ambiguous() {
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "-" "a\""#,
            Some(("GET / HTTP/1.1", &["-", r"a\"], true)),
        );
    }

    #[test]
    fn a_line_that_was_cut_in_its_last_field_is_ambiguous() {
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "-" "Mozilla/5."#,
            Some(("GET / HTTP/1.1", &["-", "Mozilla/5."], true)),
        );
        check(
            2,
            r#"GET / HTTP/1.1" 200 5 "-" ""#,
            Some(("GET / HTTP/1.1", &["-", ""], true)),
        );
        check(
            3,
            r#"GET / HTTP/1.1" 200 5 "-" "x" "203.0."#,
            Some(("GET / HTTP/1.1", &["-", "x", "203.0."], true)),
        );
        check(2, r#"GET / HTTP/1.1" 200 5 "-"#, None);
    }

    #[test]
    fn a_line_without_a_reading_is_refused() {
        for tail in [
            "",
            "GET /",
            r#"GET /" 200"#,
            r#"GET /" 200 5 "-"#,
            r#"GET /" 200 5 "-" "#,
            r#"" 200 5 " "#,
        ] {
            check(2, tail, None);
        }
    }

    #[test]
    fn empty_fields_and_touching_seams_do_not_overlap() {
        check(2, r#"" 200 5 "" """#, Some(("", &["", ""], false)));
        check(3, r#"" 200 5 "" " " """#, Some(("", &["", " ", ""], true)));
    }
}
