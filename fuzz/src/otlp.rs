//! One message of OTLP's protobuf into lines, and each line into what it is.

use domain::{HashKey, Position};
use ingest::source::kafka::{SplitLimits, otlp_records};
use ingest::{Parser, ParserConfig};

/// One input.
pub fn run(data: &[u8]) {
    let limits = SplitLimits {
        lines_max: 64,
        ..SplitLimits::default()
    };
    let (mut text, mut lines) = (Vec::new(), Vec::new());
    let _ = otlp_records(data, limits, &mut text, &mut lines);
    assert!(lines.len() <= limits.lines_max);
    let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
    for line in lines {
        let line = &text[line];
        assert!(
            line.starts_with(b"{") && line.ends_with(b"}"),
            "a line is one object"
        );
        assert!(!line.contains(&b'\n'), "a line is one line");
        let _ = parser.parse(line, Position::default());
    }
}
