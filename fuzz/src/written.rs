//! Formats as operators write them down: the first line is a description, the others are read by it.

use domain::{HashKey, Position};
use ingest::{FormatChoice, Parser, ParserConfig};

/// One input.
pub fn run(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let description = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let Some(Ok(format)) = description.map(FormatChoice::from_text) else {
        return;
    };
    let FormatChoice::Written(written) = &format else {
        return;
    };
    let written = written.clone();
    let mut parser = Parser::new(ParserConfig {
        format,
        ..ParserConfig::new(HashKey::new([7; 16]))
    });
    for line in lines {
        if let Ok(text) = std::str::from_utf8(line) {
            let _ = written.mapping(text);
        }
        if let Ok(record) = parser.parse(line, Position::default()) {
            let mut again = Vec::new();
            written.render(&record, &mut again);
            assert!(!again.contains(&b'\n'), "a rendered record is one line");
        }
    }
}
