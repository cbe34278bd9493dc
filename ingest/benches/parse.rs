//! What reading a line costs, beside the known limits.
//!
//! Limits, measured on two virtual cores of a cloud machine (ns a line): cutting a 180-byte combined line at its
//! quotes with memchr 57; sonic-rs into a borrowed struct, 462 bytes and 15 fields, 376; checking UTF-8 29 to 43;
//! finding the line's end 13. CrowdSec 1.8.2's own figure for a parsed NGINX line is 280,000 (3,600 lines/s).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{HashKey, Position};
use ingest::format::{Memory, by_name};
use ingest::route::RouteCatalogue;
use ingest::{FORMATS, Format, FormatChoice, LineBatch, LineReader, Parser, ParserConfig, route};
use std::hint::black_box;

const KEY: HashKey = HashKey::new([7; 16]);

/// Lines of one buffer: more than fit the first cache, as in a real file.
const LINES: usize = 4096;

/// A combined line of 180 bytes, like the one behind the known limit.
fn combined(index: usize) -> String {
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

/// The same requests as lines of a format, and the lines of its fixtures among them: real ones are not all alike.
fn lines_of(format: &dyn Format) -> Vec<Vec<u8>> {
    let mut parser = Parser::new(ParserConfig::new(KEY));
    let fixtures = fixtures_of(format.name());
    let render = |index: usize| {
        // One line in sixteen.
        if index.is_multiple_of(16) && !fixtures.is_empty() {
            return fixtures[index / 16 % fixtures.len()].clone();
        }
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
fn parser_of(format: &'static dyn Format) -> Parser {
    let mut parser = Parser::new(ParserConfig {
        format: FormatChoice::Named(format),
        ..ParserConfig::new(KEY)
    });
    for line in format.header().unwrap_or_default().lines() {
        let _ = parser.parse(line.as_bytes(), Position::default());
    }
    parser
}

fn cut(criterion: &mut Criterion) {
    let lines: Vec<String> = (0..LINES).map(combined).collect();
    let format = by_name("nginx_combined").expect("a known format");
    let mut memory = Memory::default();
    let mut group = criterion.benchmark_group("format only");
    group.throughput(Throughput::Elements(LINES as u64));
    group.bench_function("nginx_combined (limit 57 ns)", |bencher| {
        bencher.iter(|| {
            for line in &lines {
                let _ = black_box(format.parse(line, &mut memory));
            }
        });
    });
    group.finish();
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole record");
    group.throughput(Throughput::Elements(LINES as u64));
    for format in FORMATS {
        let lines = lines_of(*format);
        let mut parser = parser_of(*format);
        group.bench_function(format.name(), |bencher| {
            bencher.iter(|| {
                for line in &lines {
                    let _ = black_box(parser.parse(line, Position::default()));
                }
            });
        });
    }
    group.finish();
}

fn digest(criterion: &mut Criterion) {
    let paths: Vec<String> = (0..LINES)
        .map(|index| format!("/api/v1/users/{index}/orders"))
        .collect();
    let mut group = criterion.benchmark_group("route");
    group.throughput(Throughput::Elements(LINES as u64));
    group.bench_function("digest", |bencher| {
        bencher.iter(|| {
            for path in &paths {
                black_box(route::digest(path, &KEY));
            }
        });
    });
    // What it costs to find the documented route: in a small document, and in one as large as they get.
    for count in [30, 6000] {
        let templates: Vec<String> = (0..count)
            .map(|at| format!("/api/v{}/kind-{at}/{{id}}/part-{}", at % 2, at % 7))
            .chain(["/api/v1/users/{userId}/orders".to_owned()])
            .collect();
        let catalogue = RouteCatalogue::new(templates.iter().map(String::as_str)).expect("good templates");
        group.bench_function(format!("documented, of {count}"), |bencher| {
            bencher.iter(|| {
                for path in &paths {
                    black_box(catalogue.find(path));
                }
            });
        });
    }
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let text: String = (0..16 * LINES).map(|index| combined(index) + "\n").collect();
    let mut group = criterion.benchmark_group("source");
    group.throughput(Throughput::Elements(16 * LINES as u64));
    group.bench_function("lines of memory (limit 13 ns)", |bencher| {
        let mut batch = LineBatch::default();
        bencher.iter(|| {
            let input = std::io::Cursor::new(text.clone().into_bytes());
            let mut reader = LineReader::from_reader(Box::new(input), "bench", 0).expect("a source");
            while reader.fill(&mut batch) {
                black_box(batch.len());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, cut, record, digest, lines);
criterion_main!(benches);
