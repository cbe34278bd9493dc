//! The prototypes on generated rows: kinds of clients, what lies between them, contributions, hostile input.

use linfa::DatasetBase;
use linfa::prelude::{Fit, Predict};
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::evaluation::area_under_roc;
use crate::mahalanobis::Mahalanobis;
use crate::rows::Rows;
use crate::testing::{broken_relations, cluster_with_outliers, normal};

use super::*;

fn fit(params: PrototypesParams, values: &[f32], features: usize) -> Prototypes {
    let rows = Rows::new(values, features).unwrap();
    params.fit(&DatasetBase::from(rows.view())).unwrap()
}

fn score(model: &Prototypes, values: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / model.features()];
    model.score_rows(values, &mut out).unwrap();
    out
}

/// Clients of four kinds in the corners of a square, and odd ones in its middle.
fn four_kinds(seed: u64, ordinary: usize, odd: usize) -> (Vec<f32>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values = Vec::new();
    for row in 0..ordinary + odd {
        for _ in 0..2 {
            let side = if rng.r#gen::<bool>() { 4.0 } else { -4.0 };
            values.push(if row < ordinary { side } else { 0.0 } + 0.5 * normal(&mut rng));
        }
    }
    (values, (0..ordinary + odd).map(|row| row >= ordinary).collect())
}

#[test]
fn what_lies_between_the_kinds_is_found_where_the_distance_from_the_middle_is_blind() {
    let (train, _) = four_kinds(1, 2000, 0);
    let (test, is_odd) = four_kinds(2, 1000, 50);
    let ours = score(&fit(Prototypes::params(1).prototypes(16), &train, 2), &test);
    let rows = Rows::new(&train, 2).unwrap();
    let middle = Mahalanobis::params()
        .fit(&DatasetBase::from(rows.view()))
        .unwrap();
    let mut theirs = vec![0.0; is_odd.len()];
    middle.score_rows(&test, &mut theirs).unwrap();
    let (ours, theirs) = (area_under_roc(&ours, &is_odd), area_under_roc(&theirs, &is_odd));
    assert!(ours > Some(0.99) && theirs < Some(0.1), "{ours:?} and {theirs:?}");
}

#[test]
fn rows_that_are_odd_only_in_combination_are_found() {
    let (train, test) = (broken_relations(1, 3000, 0, 8), broken_relations(2, 1000, 60, 8));
    let model = fit(Prototypes::params(1), &train.values, 8);
    let auroc = area_under_roc(&score(&model, &test.values), &test.is_odd).unwrap();
    assert!(auroc > 0.95, "{auroc}");
}

#[test]
fn a_handful_of_odd_rows_in_training_does_not_vouch_for_itself() {
    let mut data = cluster_with_outliers(3, 1000, 0, 4);
    // Three copies of one odd row, far from everybody.
    (0..3).for_each(|_| data.values.extend([9.0, -9.0, 9.0, -9.0]));
    let model = fit(Prototypes::params(1).prototypes(200), &data.values, 4);
    let scores = score(&model, &data.values);
    let highest = scores[..1000].iter().copied().fold(0.0, f32::max);
    assert!(scores[1000] > highest, "{} and {highest}", scores[1000]);
}

#[test]
fn few_rows_give_few_prototypes_and_equal_rows_have_no_distance() {
    let model = fit(Prototypes::params(1), &[1.0; 36], 3);
    assert!(!model.is_empty() && model.len() <= 2);
    assert_eq!(
        score(&model, &[1.0, 1.0, 1.0, 2.0, f32::NAN, f32::INFINITY]),
        [0.0, 0.0]
    );
}

#[test]
fn a_sample_is_drawn_by_the_seed() {
    let data = cluster_with_outliers(4, 2000, 0, 3);
    let params = |seed| Prototypes::params(seed).sample(500).prototypes(20);
    assert_eq!(fit(params(1), &data.values, 3), fit(params(1), &data.values, 3));
    assert_ne!(fit(params(1), &data.values, 3), fit(params(2), &data.values, 3));
}

#[test]
fn stored_prototypes_score_as_before_and_damaged_ones_are_refused() {
    let data = cluster_with_outliers(5, 400, 4, 6);
    let model = fit(Prototypes::params(1), &data.values, 6);
    let loaded: Prototypes = postcard::from_bytes(&postcard::to_stdvec(&model).unwrap()).unwrap();
    loaded.validate().unwrap();
    assert_eq!(score(&loaded, &data.values), score(&model, &data.values));
    let mut damaged = model.clone();
    damaged.centres.pop();
    assert!(damaged.validate().is_err());
    damaged.centres.push(f32::NAN);
    assert!(damaged.validate().is_err());
}

#[test]
fn doubles_score_like_floats() {
    let data = cluster_with_outliers(6, 200, 4, 5);
    let model = fit(Prototypes::params(1), &data.values, 5);
    let doubles = Array2::from_shape_vec((204, 5), data.values.clone())
        .unwrap()
        .mapv(f64::from);
    let scores: Array1<f64> = model.predict(&doubles);
    assert_eq!(
        scores.mapv(|score| score as f32).to_vec(),
        score(&model, &data.values)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn contributions_sum_to_the_score(row in prop::collection::vec(-40.0_f32..40.0, 6)) {
        static MODEL: std::sync::OnceLock<Prototypes> = std::sync::OnceLock::new();
        let model = MODEL.get_or_init(|| fit(Prototypes::params(1), &broken_relations(7, 600, 0, 6).values, 6));
        let mut parts = [0.0; 6];
        model.contributions(&row, &mut parts).unwrap();
        let (sum, score) = (parts.iter().sum::<f32>(), score(model, &row)[0]);
        prop_assert!((sum - score).abs() <= 2e-3 * score.max(1.0), "{} and {}", sum, score);
    }

    #[test]
    fn any_row_whatever_has_a_finite_score(row in prop::collection::vec(prop::num::f32::ANY, 4)) {
        static MODEL: std::sync::OnceLock<Prototypes> = std::sync::OnceLock::new();
        let model = MODEL.get_or_init(|| fit(Prototypes::params(1), &cluster_with_outliers(8, 100, 2, 4).values, 4));
        let score = score(model, &row)[0];
        prop_assert!(score.is_finite() && score >= 0.0, "{}", score);
    }
}
