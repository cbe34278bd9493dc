//! What it costs a line that its source is watched for alarms: the look at fields, clocks and addresses.
//!
//! Limit: 20 ns a line, some hundredths of what reading and counting it take. Measured on a machine that was busy with other things: 15 ns
//! for a look at a record that is in the cache (a quiet minute), and 13 ns a line over fifty thousand records that are not, of which one in
//! sixteen is looked at. The binary has no library: the code is compiled in as it stands.

#[path = "../../portcullis/src/alarm/seen.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "only what the survey fills is used"
)]
mod seen;
#[path = "../../portcullis/src/alarm/survey.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "only the survey is measured"
)]
mod survey;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{HashKey, RequestRecord, Timestamp};
use seen::{Leader, Offset};
use simulator::{Simulation, scenario};
use std::hint::black_box;
use survey::Survey;

/// Requests of one minute: of a quiet source, all of which are looked at, and of a busy one.
const MINUTES: [(&str, usize); 2] = [("a_quiet_minute", 200), ("a_busy_minute", 50_000)];

const KEY: HashKey = HashKey::new([7; 16]);

fn survey(criterion: &mut Criterion) {
    let million = scenario("million").expect("it is in the list");
    let start = Timestamp::from_secs(1_767_571_200);
    let most = MINUTES[1].1;
    let requests: Vec<_> = Simulation::sized(million, 1, start, most as u64)
        .take(most)
        .collect();
    let records: Vec<RequestRecord<'_>> = requests.iter().map(|request| request.record(&KEY)).collect();
    let mut group = criterion.benchmark_group("survey");
    for (name, count) in MINUTES {
        let records = &records[..count.min(records.len())];
        group.throughput(Throughput::Elements(records.len() as u64));
        group.bench_function(name, |bencher| {
            let mut survey = Survey::default();
            bencher.iter(|| {
                for record in records {
                    survey.pass(black_box(record), record.at);
                }
                black_box(survey.take())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, survey);
criterion_main!(benches);
