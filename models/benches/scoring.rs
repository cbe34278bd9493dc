//! What a score costs, beside the limit measured for it before the product existed.
//!
//! Limits: one core of a Zen 4 class server, 40 features of `f32`, default x86-64 target, nothing else running; host
//! noise there was ±40% between runs, so a factor below 1.5 is a tie. Per row, not per batch.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linfa::DatasetBase;
use linfa::prelude::Fit;
use models::bundle::{BundleParams, ClientScore, ModelBundle};
use models::isolation_forest::{IsolationForest, IsolationForestParams};
use models::rows::Rows;
use models::schema::{Direction, Feature, FeatureSchema};
use models::training::TrainingSet;
use models::view::{FitInput, MODELS};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const FEATURES: usize = 40;
const TRAIN_ROWS: usize = 10_000;
const BATCH_ROWS: usize = 4096;

/// Rows of long-tailed values, as counters are.
fn rows(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count * FEATURES)
        .map(|_| -rng.r#gen::<f32>().max(1e-6).ln())
        .collect()
}

fn forest(params: &IsolationForestParams) -> IsolationForest {
    let values = rows(1, TRAIN_ROWS);
    let rows = Rows::new(&values, FEATURES).expect("whole rows");
    params.fit(&DatasetBase::from(rows.view())).expect("finite rows")
}

/// Limits, 100 trees of 256: 665 to 684 ns a row in a batch, 1,093 ns alone; scikit-learn 1.9.1 took 3,709 ns in a
/// batch of 50,000 and 4.5 ms alone. Goals: 800 ns a row in batches of 64, 3,000 ns alone. Fitting: 3.5 ms, scikit-learn 253 ms.
fn isolation_forest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("isolation_forest");
    let batch = rows(2, BATCH_ROWS);
    let mut out = vec![0.0; BATCH_ROWS];
    for trees in [100, 200] {
        let forest = forest(&IsolationForest::params(1).trees(trees));
        group.throughput(Throughput::Elements(BATCH_ROWS as u64));
        group.bench_function(BenchmarkId::new("batch", trees), |bencher| {
            bencher.iter(|| forest.score_rows(&batch, &mut out));
        });
        group.throughput(Throughput::Elements(64));
        let mut at = 0;
        group.bench_function(BenchmarkId::new("batch_of_64", trees), |bencher| {
            bencher.iter(|| {
                at = (at + 64) % BATCH_ROWS;
                forest.score_rows(&batch[at * FEATURES..][..64 * FEATURES], &mut out[..64])
            });
        });
        group.throughput(Throughput::Elements(1));
        let mut at = 0;
        group.bench_function(BenchmarkId::new("single", trees), |bencher| {
            bencher.iter(|| {
                // Another row each time: the same one would be predicted branch by branch.
                at = (at + 1) % BATCH_ROWS;
                forest.score_rows(&batch[at * FEATURES..][..FEATURES], &mut out[..1])
            });
        });
    }
    group.bench_function("fit/100", |bencher| {
        bencher.iter(|| forest(&IsolationForest::params(1).trees(100)));
    });
    group.finish();
}

/// Limits for the whole of a score: the forest's 200 trees (about 1,350 ns), 1,600 multiply-adds of the distance (about
/// 200 ns), 40 lookups of tails (none measured; 40 bisections of 100 values are about 300 ns).
fn views_and_bundle(criterion: &mut Criterion) {
    let (values, batch) = (rows(3, TRAIN_ROWS), rows(4, BATCH_ROWS));
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH_ROWS as u64));
    let mut out = vec![0.0; BATCH_ROWS];
    for spec in MODELS {
        let train = Rows::new(&values, FEATURES).expect("whole rows");
        let input = FitInput {
            rows: train,
            directions: &[Direction::Up; FEATURES],
            seed: 1,
        };
        let view = (spec.fit)(&input).expect("finite rows");
        group.bench_function(spec.name, |bencher| {
            bencher.iter(|| view.score_rows(&batch, &mut out));
        });
    }
    let bundle = bundle(values);
    let counts = vec![30; BATCH_ROWS];
    let mut scores = vec![ClientScore::default(); BATCH_ROWS];
    group.bench_function("bundle", |bencher| {
        bencher.iter(|| bundle.score(&batch, &counts, &mut scores));
    });
    group.finish();

    let mut group = criterion.benchmark_group("single");
    group.throughput(Throughput::Elements(1));
    let mut at = 0;
    group.bench_function("bundle", |bencher| {
        bencher.iter(|| {
            at = (at + 1) % BATCH_ROWS;
            bundle.score(
                &batch[at * FEATURES..][..FEATURES],
                &counts[..1],
                &mut scores[..1],
            )
        });
    });
    group.bench_function("explain", |bencher| {
        bencher.iter(|| bundle.explain(&batch[..FEATURES], 30, 3));
    });
    group.finish();
}

fn bundle(values: Vec<f32>) -> ModelBundle {
    let features = (0..FEATURES)
        .map(|at| Feature {
            name: format!("f{at}"),
            direction: Direction::Up,
        })
        .collect();
    let schema = FeatureSchema::new(features, 1).expect("names are unique");
    let client_days = (0..TRAIN_ROWS as u64).collect();
    let set = TrainingSet::new(
        schema,
        values,
        vec![30; TRAIN_ROWS],
        client_days,
        "bench".to_owned(),
    );
    ModelBundle::fit(&set.expect("finite rows"), &BundleParams::new("bench", 1)).expect("enough rows")
}

criterion_group!(benches, isolation_forest, views_and_bundle);
criterion_main!(benches);
