//! What format a file is: the one that reads most of its first lines.

use crate::envelope::{self, DEPTH_MAX, Envelope};
use crate::format::{Column, FORMATS, Family, Format, Memory, by_name, repair_escapes};
use crate::reject::Reason;
use std::borrow::Cow;

/// Lines that detection looks at. A file whose first two hundred lines say nothing is no access log.
pub const SAMPLE_LINES: usize = 200;

/// What a look at a source's first lines found.
#[derive(Debug, Clone)]
pub struct Detection {
    /// The format that read most lines.
    pub format: &'static dyn Format,
    /// The wrappers around the first line that it read, outermost first.
    pub envelopes: Vec<Envelope>,
    /// Lines that it read.
    pub parsed: usize,
    /// Lines that were looked at, empty ones left out.
    pub sampled: usize,
}

/// Detects the format from the first [`SAMPLE_LINES`] lines; `None` when no format reads any of them.
///
/// A line that a format reads in more than one way speaks for it less than one that it reads cleanly. Where
/// formats are level, the earlier in [`FORMATS`] wins. NGINX's and Apache's combined are one grammar: the file
/// is Apache's when a line shows Apache's escapes.
#[must_use]
pub fn detect<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Detection> {
    let mut tallies = [Tally::default(); FORMATS.len()];
    let mut memory = Memory::default();
    let mut sampled = 0;
    let mut envelopes = None;
    let mut has_apache_escape = false;
    for line in lines.into_iter().take(SAMPLE_LINES) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_start_matches('\u{feff}').trim_ascii();
        if text.is_empty() {
            continue;
        }
        sampled += 1;
        let (wrappers, bare) = peel(text, &mut memory);
        if tally(&bare, &mut tallies, &mut memory) && envelopes.is_none() {
            envelopes = Some(wrappers);
        }
        has_apache_escape |= bare.contains("\\\"");
    }
    // The last of equal maxima is the first format when counted backwards.
    let best = (0..FORMATS.len())
        .rev()
        .max_by_key(|index| tallies[*index].score())?;
    if tallies[best].parsed == 0 {
        return None;
    }
    let mut format = FORMATS[best];
    if has_apache_escape && format.name() == "nginx_combined" {
        format = by_name("apache_combined").unwrap_or(format);
    }
    Some(Detection {
        format,
        envelopes: envelopes.unwrap_or_default(),
        parsed: tallies[best].parsed,
        sampled,
    })
}

/// Which key of a line fills which column when it is read as that format, wrappers taken off; empty where the format does
/// not read it.
#[must_use]
pub fn mapping(format: &dyn Format, line: &[u8]) -> Vec<(Column, String)> {
    let mut memory = Memory::default();
    let mut bare = String::from_utf8_lossy(line)
        .trim_start_matches('\u{feff}')
        .trim_ascii()
        .to_owned();
    for _ in 0..=DEPTH_MAX {
        match format.parse(&bare, &mut memory) {
            Ok(_) => return format.mapping(&bare),
            Err(Reason::BrokenJson) => {
                let repaired = repair_escapes(&bare).filter(|text| format.parse(text, &mut memory).is_ok());
                if let Some(repaired) = repaired {
                    return format.mapping(&repaired);
                }
            }
            Err(_) => {}
        }
        match envelope::unwrap(&bare) {
            Ok(Some((_, inner))) => bare = inner.trim_ascii().to_owned(),
            _ => break,
        }
    }
    Vec::new()
}

/// How well a format reads the sample.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    parsed: usize,
    ambiguous: usize,
}

impl Tally {
    fn score(self) -> usize {
        2 * self.parsed - self.ambiguous
    }
}

/// Takes wrappers off until some format reads the rest, or none is left.
fn peel<'a>(text: &'a str, memory: &mut Memory) -> (Vec<Envelope>, Cow<'a, str>) {
    let mut wrappers = Vec::new();
    let mut bare = Cow::Borrowed(text);
    while wrappers.len() < DEPTH_MAX {
        let is_read = candidates(&bare).any(|(_, format)| read(format, &bare, memory).is_ok());
        if is_read {
            break;
        }
        let Ok(Some((kind, inner))) = envelope::unwrap(&bare) else {
            break;
        };
        let inner = inner.trim_ascii().to_owned();
        wrappers.push(kind);
        bare = Cow::Owned(inner);
    }
    (wrappers, bare)
}

/// Lets every format of the line's family try; whether any of them read it.
fn tally(bare: &str, tallies: &mut [Tally], memory: &mut Memory) -> bool {
    let mut is_read = false;
    for (index, format) in candidates(bare) {
        if let Ok(is_ambiguous) = read(format, bare, memory) {
            is_read = true;
            tallies[index].parsed += 1;
            tallies[index].ambiguous += usize::from(is_ambiguous);
        }
    }
    is_read
}

/// The formats of which a line could be one.
fn candidates(line: &str) -> impl Iterator<Item = (usize, &'static dyn Format)> {
    let family = Family::of(line);
    FORMATS
        .iter()
        .copied()
        .enumerate()
        .filter(move |(_, format)| format.family() == family && format.could_be(line))
}

/// Whether the format reads the line, and whether it could read it otherwise.
fn read(format: &dyn Format, line: &str, memory: &mut Memory) -> Result<bool, Reason> {
    match format.parse(line, memory) {
        Err(Reason::BrokenJson) => {
            let repaired = repair_escapes(line).ok_or(Reason::BrokenJson)?;
            format.parse(&repaired, memory).map(|raw| raw.is_ambiguous)
        }
        result => result.map(|raw| raw.is_ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{HashKey, Position};

    fn check(lines: &[String], expected: Option<(&str, usize, usize)>) {
        let found = detect(lines.iter().map(String::as_bytes));
        let found = found.map(|found| (found.format.name(), found.parsed, found.sampled));
        assert_eq!(found, expected);
    }

    fn fixture(format: &str) -> Vec<String> {
        let path = format!("{}/fixtures/{format}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("every format has fixtures");
        let lines: Vec<&str> = text.lines().collect();
        let is_read = |pair: &&[&str]| !pair[1].trim_start().starts_with("rejected");
        let pairs = lines.chunks_exact(2).filter(is_read);
        pairs
            .filter_map(|pair| pair[0].strip_prefix("> "))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_formats_fixtures_are_detected_as_that_format() {
        for format in FORMATS {
            let header = format.header().unwrap_or_default();
            let fixture = fixture(format.name());
            let lines = header
                .lines()
                .map(str::as_bytes)
                .chain(fixture.iter().map(String::as_bytes));
            let found = detect(lines).expect("a format");
            assert_eq!(found.format.name(), format.name());
        }
    }

    #[test]
    fn every_formats_rendering_is_detected_as_that_format() {
        let source = fixture("traefik_json");
        let mut parser = crate::Parser::new(crate::ParserConfig::new(HashKey::new([7; 16])));
        let record = parser
            .parse(source[0].as_bytes(), Position::default())
            .expect("a record");
        for format in FORMATS
            .iter()
            .filter(|format| !matches!(format.name(), "apache_combined" | "nginx_main"))
        {
            let mut line = Vec::new();
            format.render(&record, &mut line);
            let header = format.header().unwrap_or_default();
            let lines = header.lines().map(str::as_bytes).chain([line.as_slice()]);
            let found = detect(lines).expect("a format");
            assert_eq!(
                found.format.name(),
                format.name(),
                "{}",
                String::from_utf8_lossy(&line)
            );
        }
    }

    #[test]
    fn the_format_of_most_lines_wins() {
        let combined = fixture("nginx_combined")[0].clone();
        let common = fixture("apache_common")[0].clone();
        check(
            &[common.clone(), combined.clone(), combined.clone()],
            Some(("nginx_combined", 2, 3)),
        );
        check(
            &[common.clone(), common, combined, String::new()],
            Some(("apache_common", 2, 3)),
        );
    }

    #[test]
    fn the_keys_of_a_wrapped_line_are_named() {
        let format = by_name("nginx_json").expect("a known format");
        let line = r#"{"time":1795391322,"remote_addr":"203.0.113.9","request":"\x16\x03","status":400}"#;
        let wrapped = format!("2026-11-22T23:48:42.1Z stdout F {line}");
        let expected = [
            (Column::At, "time"),
            (Column::Peer, "remote_addr"),
            (Column::RequestLine, "request"),
            (Column::Status, "status"),
        ];
        for text in [line, &wrapped] {
            let told = mapping(format, text.as_bytes());
            let told: Vec<(Column, &str)> =
                told.iter().map(|(column, key)| (*column, key.as_str())).collect();
            assert_eq!(told, expected, "{text}");
        }
        assert!(mapping(format, b"{}").is_empty());
    }

    #[test]
    fn rubbish_is_no_format() {
        check(&["a b c".to_owned(), String::new()], None);
        check(&[], None);
    }

    #[test]
    fn wrappers_are_named_outermost_first() {
        let line = fixture("nginx_combined")[0].replace('"', "\\\"");
        let wrapped = format!("2026-11-22T23:48:42.1Z stdout F {{\"message\":\"{line}\"}}");
        let found = detect([wrapped.as_bytes()]).expect("a format");
        assert_eq!(found.envelopes, [Envelope::Cri, Envelope::Message]);
        assert_eq!(found.format.name(), "nginx_combined");
    }
}
