//! One line as whatever reads it, wrappers included, by a parser that remembers earlier lines; and detection.

use domain::{HashKey, Position};
use ingest::{Parser, ParserConfig, detect};

/// One input.
pub fn run(data: &[u8]) {
    let lines = || data.split(|byte| *byte == b'\n');
    let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
    if let Some(detection) = detect(lines()) {
        parser.begin_with(&detection);
    }
    for (number, line) in (1u64..).zip(lines()) {
        let position = Position {
            line: number,
            ..Position::default()
        };
        let _ = parser.parse(line, position);
    }
    assert_eq!(
        parser.counts().parsed + parser.rejects().total(),
        lines().count() as u64,
        "every line is counted once"
    );
}
