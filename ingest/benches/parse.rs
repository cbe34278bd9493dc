//! What reading a line costs, beside the known limits.
//!
//! Limits, measured on two virtual cores of a cloud machine (ns a line): cutting a 180-byte combined line at its
//! quotes with memchr 57; sonic-rs into a borrowed struct, 462 bytes and 15 fields, 376; checking UTF-8 29 to 43;
//! finding the line's end 13. CrowdSec 1.8.2's own figure for a parsed NGINX line is 280,000 (3,600 lines/s).

mod lines;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::Position;
use ingest::format::{Memory, by_name};
use ingest::route::RouteCatalogue;
use ingest::{FORMATS, LineBatch, LineReader, route};
use lines::{KEY, LINES, combined, parser_of};
use std::hint::black_box;

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
        let lines = lines::with_fixtures(*format);
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
