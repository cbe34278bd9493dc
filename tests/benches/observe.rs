//! What a request costs the detector: the update of its client's window and signals alone, and everything up to the decision
//! but the model.
//!
//! Limit, one core of a Zen 4 class server: 400 ns for the update of all features' counters. A request's signals and its place in
//! its client's window are most of it; features themselves are computed only when a window is scored. Measured: 290 ns for the
//! update, 720 ns for everything but the model.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use detector::population::RouteStanding;
use detector::window::{Hashes, Window};
use detector::{Detector, Serial, Settings, signal};
use domain::{HashKey, RequestRecord, Timestamp};
use portcullis_tests::ordinary::{AS_LOGGED, Ordinary};
use simulator::{Simulation, scenario};
use std::collections::HashMap;
use std::hint::black_box;

/// Requests per measured run: a few thousand clients, some of them attackers.
const REQUESTS: usize = 50_000;

/// As many as `scan` hands over at a time.
const SLICE: usize = 1024;

const KEY: HashKey = HashKey::new([7; 16]);

fn update(windows: &mut [Window], owners: &[usize], records: &[RequestRecord<'_>]) {
    for (owner, record) in owners.iter().zip(records) {
        let window = &mut windows[*owner];
        // Routes that work are known to most sites after minutes.
        let standing = RouteStanding {
            successes: if record.is_success() { 100 } else { 0 },
            misses: 0,
        };
        let hashes = Hashes {
            query: record.query.as_deref().map_or(0, |query| KEY.hash(query)),
            query_name: 0,
            agent: record.user_agent.as_deref().map_or(0, |agent| KEY.hash(agent)),
        };
        let is_new_agent = hashes.agent != 0 && !window.agents.contains(hashes.agent);
        let signals = signal::read(record, standing.is_known(), is_new_agent, u32::MAX);
        black_box(window.observe(record, record.at, &signals, standing, hashes));
    }
}

fn observe(criterion: &mut Criterion) {
    let million = scenario("million").expect("it is in the list");
    let start = Timestamp::from_secs(1_767_571_200);
    let requests: Vec<_> = Simulation::sized(million, 1, start, REQUESTS as u64)
        .take(REQUESTS)
        .collect();
    let records: Vec<RequestRecord<'_>> = requests.iter().map(|request| request.record(&KEY)).collect();
    let mut numbers: HashMap<_, usize> = HashMap::new();
    let owners: Vec<usize> = records
        .iter()
        .map(|record| {
            let next = numbers.len();
            *numbers.entry(record.client.clone()).or_insert(next)
        })
        .collect();
    let mut group = criterion.benchmark_group("detector");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.sample_size(20);
    group.bench_function("update_window_and_signals", |bencher| {
        bencher.iter_batched_ref(
            || vec![Window::default(); numbers.len()],
            |windows| update(windows, &owners, &records),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("observe_without_model", |bencher| {
        bencher.iter_batched_ref(
            || Detector::new(Settings::new(KEY, AS_LOGGED), Ordinary),
            |detector| {
                let mut outputs = Vec::new();
                for slice in records.chunks(SLICE) {
                    detector.observe(slice, &Serial, &mut outputs);
                    outputs.clear();
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, observe);
criterion_main!(benches);
