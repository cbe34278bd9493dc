//! Speed of generating traffic, alone and rendered as a log line.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use domain::{HashKey, Timestamp};
use simulator::{Simulation, scenario};
use std::hint::black_box;

/// Requests per measured run: long enough to pass the warm-up of the world's first clients.
const REQUESTS: u64 = 50_000;

fn run() -> Simulation {
    let million = scenario("million").expect("it is in the list");
    Simulation::sized(million, 1, Timestamp::from_secs(1_767_571_200), REQUESTS)
}

fn generate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulator");
    group.throughput(Throughput::Elements(REQUESTS));
    group.sample_size(10);
    group.bench_function("generate", |bencher| {
        bencher.iter_batched(
            run,
            |run| {
                run.take(REQUESTS as usize)
                    .map(|request| u64::from(request.status()))
                    .sum::<u64>()
            },
            BatchSize::LargeInput,
        );
    });
    for name in ["nginx_combined", "nginx_json"] {
        let format = ingest::format::by_name(name).expect("it is in the list");
        group.bench_function(format!("generate_and_render_{name}"), |bencher| {
            let key = HashKey::new([7; 16]);
            let mut line = Vec::with_capacity(1 << 12);
            bencher.iter_batched(
                run,
                |run| {
                    for request in run.take(REQUESTS as usize) {
                        line.clear();
                        format.render(&request.record(&key), &mut line);
                        black_box(&line);
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
