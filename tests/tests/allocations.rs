//! An ordinary request takes nothing from the allocator: whoever sends many of them must not be able to make us wait for it.

#[path = "../../ingest/benches/lines/unescaped.rs"]
mod unescaped;

use allocation_counter::measure;
use detector::{Detector, Serial, Settings};
use domain::{HashKey, Position, RequestRecord, Timestamp};
use ingest::{FORMATS, Format, FormatChoice, Parser, ParserConfig};
use portcullis_tests::ordinary::{AS_LOGGED, Ordinary};
use simulator::{Simulation, scenario};
use unescaped::UNESCAPED;

const KEY: HashKey = HashKey::new([7; 16]);

/// Requests before counting starts, by when most clients and routes are known; and those that are counted.
const BEFORE: usize = 30_000;
const COUNTED: usize = 15_000;

/// As many as `scan` hands over at a time.
const SLICE: usize = 1024;

/// New clients, and windows that are due for a look, take memory; 0.26 when this was written.
const PER_REQUEST_MAX: f64 = 0.4;

#[test]
fn an_ordinary_request_allocates_next_to_nothing() {
    let demo = scenario("demo").expect("it is in the list");
    let start = Timestamp::from_secs(1_767_571_200);
    let requests: Vec<_> = Simulation::sized(demo, 3, start, (BEFORE + COUNTED) as u64)
        .take(BEFORE + COUNTED)
        .collect();
    let records: Vec<RequestRecord<'_>> = requests.iter().map(|request| request.record(&KEY)).collect();
    let (before, counted) = records.split_at(BEFORE);
    let mut detector = Detector::new(Settings::new(KEY, AS_LOGGED), Ordinary);
    let mut outputs = Vec::new();
    detector.observe(before, &Serial, &mut outputs);
    outputs.clear();
    let info = measure(|| {
        for slice in counted.chunks(SLICE) {
            detector.observe(slice, &Serial, &mut outputs);
            outputs.clear();
        }
    });
    let per_request = info.count_total as f64 / counted.len() as f64;
    println!("{per_request:.3} allocations a request");
    assert!(
        per_request <= PER_REQUEST_MAX,
        "{per_request:.3} allocations a request"
    );
}

/// Lines of ordinary requests in a format.
fn lines_of(format: &dyn Format, requests: usize) -> Vec<Vec<u8>> {
    let mut parser = Parser::new(ParserConfig::new(KEY));
    let render = |index: usize| {
        let line = format!(
            "203.0.113.{} - - [22/Nov/2026:23:48:{:02} +0000] \"GET /api/v1/users?page={} HTTP/1.1\" 200 {} \
             \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            index % 200,
            index % 60,
            index % 7,
            512 + index
        );
        let record = parser
            .parse(line.as_bytes(), Position::default())
            .expect("a record");
        let mut out = Vec::new();
        format.render(&record, &mut out);
        out
    };
    (0..requests).map(render).collect()
}

#[test]
fn reading_an_ordinary_line_takes_no_memory() {
    const LINES: usize = 500;
    let mut over = Vec::new();
    for format in FORMATS {
        let lines = lines_of(*format, LINES);
        let mut parser = Parser::new(ParserConfig {
            format: FormatChoice::Named(*format),
            ..ParserConfig::new(KEY)
        });
        for line in format.header().unwrap_or_default().lines() {
            let _ = parser.parse(line.as_bytes(), Position::default());
        }
        let mut read = || {
            lines
                .iter()
                .filter(|line| parser.parse(line, Position::default()).is_ok())
                .count()
        };
        // Layouts are compiled, and routes met, on the first lines.
        assert_eq!(read(), LINES, "{}", format.name());
        let info = measure(|| {
            read();
        });
        let per_line = info.count_total as f64 / LINES as f64;
        let allowed = UNESCAPED.iter().find(|(name, _, _)| *name == format.name());
        println!("{:22} {per_line:.2} allocations a line", format.name());
        if per_line > allowed.map_or(0.0, |(_, allowed, _)| *allowed) {
            over.push(format!("{} {per_line:.2}", format.name()));
        }
    }
    assert!(over.is_empty(), "allocations a line: {}", over.join(", "));
}
