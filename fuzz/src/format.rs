//! Every known format by itself. The first line names it, or else the first byte chooses it: seeds keep their format when
//! the list grows. What it reads and writes it must read again.

use domain::{HashKey, Position};
use ingest::format::by_name;
use ingest::{FORMATS, Format, FormatChoice, Parser, ParserConfig};

fn named(data: &[u8]) -> Option<(&'static dyn Format, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let format = by_name(std::str::from_utf8(&data[..end]).ok()?)?;
    Some((format, &data[end + 1..]))
}

fn chosen(data: &[u8]) -> Option<(&'static dyn Format, &[u8])> {
    let (choice, line) = data.split_first()?;
    Some((FORMATS[usize::from(*choice) % FORMATS.len()], line))
}

/// One input.
pub fn run(data: &[u8]) {
    let Some((format, line)) = named(data).or_else(|| chosen(data)) else {
        return;
    };
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Named(format),
        ..ParserConfig::new(HashKey::new([7; 16]))
    });
    for header in format.header().unwrap_or_default().lines() {
        let _ = parser.parse(header.as_bytes(), Position::default());
    }
    let Ok(record) = parser.parse(line, Position::default()) else {
        return;
    };
    let mut written = Vec::new();
    format.render(&record, &mut written);
    assert!(!written.contains(&b'\n'), "a rendered record is one line");
    let again = parser.parse(&written, Position::default());
    if let Ok(again) = again {
        assert_eq!(record.status, again.status, "the status survives");
    }
}
