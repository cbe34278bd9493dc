//! An ordinary request takes nothing from the allocator: whoever sends many of them must not be able to make us wait for it.

use allocation_counter::measure;
use detector::{Detector, Serial, Settings};
use domain::{HashKey, RequestRecord, Timestamp};
use portcullis_tests::ordinary::{AS_LOGGED, Ordinary};
use simulator::{Simulation, scenario};

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
