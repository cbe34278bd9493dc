//! Lines of every format, for what measures reading them.

use domain::{HashKey, Position};
use ingest::{Format, FormatChoice, Parser, ParserConfig};

pub(crate) const KEY: HashKey = HashKey::new([7; 16]);

/// Lines of one buffer: more than fit the first cache, as in a real file.
pub(crate) const LINES: usize = 4096;

/// A combined line of 180 bytes, like the one behind the known limit.
pub(crate) fn combined(index: usize) -> String {
    format!(
        "203.0.113.{} - - [22/Nov/2026:23:{:02}:{:02} +0000] \"GET /api/v1/users/{index}/orders?page={} HTTP/1.1\" \
         200 {} \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101\"",
        index % 250,
        index / 60 % 60,
        index % 60,
        index % 7,
        512 + index,
    )
}

/// The same requests as lines of a format.
pub(crate) fn ordinary(format: &dyn Format) -> Vec<Vec<u8>> {
    let mut parser = Parser::new(ParserConfig::new(KEY));
    let render = |index: usize| {
        let text = combined(index);
        let record = parser
            .parse(text.as_bytes(), Position::default())
            .expect("a record");
        let mut line = Vec::new();
        format.render(&record, &mut line);
        line
    };
    (0..LINES).map(render).collect()
}

/// The same, and the lines of its fixtures among them, one in sixteen: real ones are not all alike.
#[allow(dead_code, reason = "only the benchmark reads them")]
pub(crate) fn with_fixtures(format: &dyn Format) -> Vec<Vec<u8>> {
    let mut lines = ordinary(format);
    let fixtures = fixtures_of(format.name());
    if !fixtures.is_empty() {
        for (index, line) in lines.iter_mut().enumerate().step_by(16) {
            line.clone_from(&fixtures[index / 16 % fixtures.len()]);
        }
    }
    lines
}

/// The lines of a format's fixtures that are requests.
fn fixtures_of(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/fixtures/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("every format has fixtures");
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.chunks_exact(2).filter(|pair| !pair[1].contains("rejected"));
    pairs
        .filter_map(|pair| pair[0].strip_prefix("> "))
        .map(|line| line.as_bytes().to_vec())
        .collect()
}

/// A parser of that format alone, which has read the header that stands before its lines.
pub(crate) fn parser_of(format: &'static dyn Format) -> Parser {
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Named(format),
        ..ParserConfig::new(KEY)
    });
    for line in format.header().unwrap_or_default().lines() {
        let _ = parser.parse(line.as_bytes(), Position::default());
    }
    parser
}
