//! Every known format by itself. The first byte chooses it; what it reads and writes it must read again.
#![no_main]

use domain::{HashKey, Position};
use ingest::{FORMATS, FormatChoice, Parser, ParserConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, line)) = data.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(*choice) % FORMATS.len()];
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Named(format),
        ..ParserConfig::new(HashKey::new([7; 16]))
    });
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
