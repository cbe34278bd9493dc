//! Formats that somebody writes down: the first line is the description, the others are lines of such a log. What is
//! read must be written and read again.

use domain::{HashKey, Position};
use ingest::{FormatChoice, Parser, ParserConfig};

/// One input.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let description = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let Some(Ok(FormatChoice::Written(format))) = description.map(FormatChoice::from_text) else {
        return;
    };
    assert!(
        !format.columns().is_empty(),
        "a format that says nothing is refused"
    );
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Written(format.clone()),
        ..ParserConfig::new(HashKey::new([7; 16]))
    });
    for line in lines {
        let Ok(record) = parser.parse(line, Position::default()) else {
            continue;
        };
        let mut written = Vec::new();
        format.render(&record, &mut written);
        match parser.parse(&written, Position::default()) {
            // What can be read in two ways may be another request once its escapes are undone.
            Ok(again) if !again.is_ambiguous && !record.is_ambiguous => {
                assert_eq!(record.status, again.status, "the status survives");
            }
            _ => {}
        }
    }
}
