//! Every known format by itself. The first line names it; what it reads and writes it must read again.
#![no_main]

use domain::{HashKey, Position};
use ingest::format::by_name;
use ingest::{FORMATS, FormatChoice, Parser, ParserConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut halves = data.splitn(2, |byte| *byte == b'\n');
    let (Some(name), Some(line)) = (halves.next(), halves.next()) else {
        return;
    };
    // A name that the fuzzer spoiled still chooses one: none of them is ever left out.
    let first = usize::from(name.first().copied().unwrap_or(0));
    let known = std::str::from_utf8(name).ok().and_then(by_name);
    let format = known.unwrap_or(FORMATS[first % FORMATS.len()]);
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
});
