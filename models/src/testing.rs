//! Generated rows for this crate's tests: ordinary clients and, behind them, the odd ones.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::schema::{Direction, Feature, FeatureSchema};
use crate::training::TrainingSet;

/// Rows with their labels.
pub(crate) struct Labelled {
    pub(crate) values: Vec<f32>,
    pub(crate) features: usize,
    /// Way in which each feature is suspicious.
    pub(crate) direction: Direction,
    pub(crate) is_odd: Vec<bool>,
}

/// A standard normal value, as the sum of twelve uniform ones less six: good to four deviations, no tables needed.
pub(crate) fn normal(rng: &mut impl Rng) -> f32 {
    (0..12).map(|_| rng.r#gen::<f32>()).sum::<f32>() - 6.0
}

/// `ordinary` rows of independent normal values, then `odd` rows five deviations away in a random direction each.
pub(crate) fn cluster_with_outliers(seed: u64, ordinary: usize, odd: usize, features: usize) -> Labelled {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values = Vec::new();
    for row in 0..ordinary + odd {
        let away = if row < ordinary { 0.0 } else { 5.0 };
        for _ in 0..features {
            let side = if rng.r#gen::<bool>() { 1.0 } else { -1.0 };
            values.push(normal(&mut rng) + side * away);
        }
    }
    let is_odd = (0..ordinary + odd).map(|row| row >= ordinary).collect();
    Labelled {
        values,
        features,
        direction: Direction::Both,
        is_odd,
    }
}

/// `ordinary` rows whose features all follow one hidden value (each within a fifth of it), then `odd` rows whose
/// features are as large as anyone's and follow nothing: ordinary one by one, odd together.
pub(crate) fn broken_relations(seed: u64, ordinary: usize, odd: usize, features: usize) -> Labelled {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values = Vec::new();
    for row in 0..ordinary + odd {
        let hidden = normal(&mut rng);
        for _ in 0..features {
            let own = normal(&mut rng);
            values.push(if row < ordinary {
                hidden + 0.2 * own
            } else {
                0.8 * own
            });
        }
    }
    let is_odd = (0..ordinary + odd).map(|row| row >= ordinary).collect();
    Labelled {
        values,
        features,
        direction: Direction::Both,
        is_odd,
    }
}

/// `ordinary` rows of counts and shares with long tails, some of them towards the harmless side, then `odd` rows with one
/// to three features pushed up beyond what is usual, as a loud attack does.
pub(crate) fn loud_attacks(seed: u64, ordinary: usize, odd: usize, features: usize) -> Labelled {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values = Vec::new();
    for row in 0..ordinary + odd {
        let start = values.len();
        for feature in 0..features {
            let draw = normal(&mut rng);
            values.push(match feature % 3 {
                0 => draw.exp(),
                // One that most clients never touch.
                1 => (draw - 1.0).max(0.0),
                _ => -draw.exp(),
            });
        }
        if row >= ordinary {
            for _ in 0..rng.gen_range(1..=3) {
                let feature = rng.gen_range(0..features);
                values[start + feature] += [15.0, 3.0, 3.0][feature % 3];
            }
        }
    }
    let is_odd = (0..ordinary + odd).map(|row| row >= ordinary).collect();
    Labelled {
        values,
        features,
        direction: Direction::Up,
        is_odd,
    }
}

/// A schema of `features` features named f0, f1, … that are all suspicious one way.
pub(crate) fn schema_of(features: usize, direction: Direction) -> FeatureSchema {
    let features = (0..features)
        .map(|at| Feature {
            name: format!("f{at}"),
            direction,
        })
        .collect();
    FeatureSchema::new(features, 1).unwrap()
}

/// A training set of ordinary rows, one for each client-day, with 3 to 200 requests behind each.
pub(crate) fn training_set(data: &Labelled) -> TrainingSet {
    let rows = data.is_odd.len();
    let request_counts = (0..rows as u32).map(|row| 3 + row * 37 % 198).collect();
    let schema = schema_of(data.features, data.direction);
    TrainingSet::new(
        schema,
        data.values.clone(),
        request_counts,
        (0..rows as u64).collect(),
        "generated".into(),
    )
    .unwrap()
}
