//! The forest on generated rows: does it find what is odd, repeat itself, and survive hostile input?

use linfa::DatasetBase;
use linfa::ParamGuard;
use linfa::prelude::{Fit, Predict, PredictInplace};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::evaluation::area_under_roc;
use crate::rows::{Rows, RowsError};
use crate::testing::cluster_with_outliers;

use super::*;

fn fit(params: IsolationForestParams, values: &[f32], features: usize) -> IsolationForest {
    let rows = Rows::new(values, features).unwrap();
    params.fit(&DatasetBase::from(rows.view())).unwrap()
}

fn score(forest: &IsolationForest, values: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / forest.features()];
    forest.score_rows(values, &mut out).unwrap();
    out
}

#[test]
fn outliers_around_a_cluster_are_found() {
    for seed in 1..=5 {
        let data = cluster_with_outliers(seed, 2000, 20, 10);
        let forest = fit(
            IsolationForest::params(seed).trees(100),
            &data.values,
            data.features,
        );
        let auroc = area_under_roc(&score(&forest, &data.values), &data.is_odd).unwrap();
        assert!(auroc > 0.99, "seed {seed}: {auroc}");
    }
}

#[test]
fn the_seed_decides_the_forest_and_nothing_else_does() {
    let data = cluster_with_outliers(1, 500, 5, 6);
    let forest = |seed| {
        fit(
            IsolationForest::params(seed).trees(20),
            &data.values,
            data.features,
        )
    };
    assert_eq!(
        postcard::to_stdvec(&forest(7)).unwrap(),
        postcard::to_stdvec(&forest(7)).unwrap()
    );
    assert_ne!(forest(7), forest(8));
}

#[test]
fn equal_rows_score_one_half() {
    let forest = fit(IsolationForest::params(1), &[2.0; 300], 3);
    assert!(
        score(&forest, &[2.0; 3])
            .iter()
            .all(|&score| (score - 0.5).abs() < 1e-6)
    );
}

#[test]
fn training_rows_that_are_no_numbers_are_refused_by_place() {
    let mut values = vec![1.0_f32; 40];
    values[13] = f32::INFINITY;
    let rows = Rows::new(&values, 4).unwrap();
    let result = IsolationForest::params(1).fit(&DatasetBase::from(rows.view()));
    let Err(IsolationForestError::Rows(error)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(error, RowsError::NotFinite { row: 3, feature: 1 });
}

#[test]
fn one_row_is_too_few() {
    let rows = Rows::new(&[1.0, 2.0], 2).unwrap();
    let error = IsolationForest::params(1)
        .fit(&DatasetBase::from(rows.view()))
        .unwrap_err();
    assert!(matches!(error, IsolationForestError::TooFewRows(1)), "{error}");
}

#[test]
fn doubles_are_fitted_and_scored_like_floats() {
    let data = cluster_with_outliers(3, 400, 4, 5);
    let floats = Array2::from_shape_vec((404, 5), data.values.clone()).unwrap();
    let doubles = floats.mapv(f64::from);
    let params = IsolationForest::params(9).trees(30).check().unwrap();
    let from_floats = params.fit(&DatasetBase::from(floats.clone())).unwrap();
    let from_doubles = params.fit(&DatasetBase::from(doubles.clone())).unwrap();
    assert_eq!(from_floats, from_doubles);
    let scores: Array1<f64> = from_doubles.predict(&doubles);
    let mut same = Array1::<f32>::zeros(404);
    from_floats.predict_inplace(&floats, &mut same);
    assert_eq!(scores.mapv(|score| score as f32), same);
    assert_eq!(same.to_vec(), score(&from_floats, &data.values));
}

#[test]
fn a_stored_forest_scores_as_before() {
    let data = cluster_with_outliers(4, 300, 3, 7);
    let forest = fit(IsolationForest::params(5).trees(25).samples(100), &data.values, 7);
    let bytes = postcard::to_stdvec(&forest).unwrap();
    let loaded: IsolationForest = postcard::from_bytes(&bytes).unwrap();
    loaded.validate().unwrap();
    assert_eq!(score(&loaded, &data.values), score(&forest, &data.values));
}

#[test]
fn what_a_feature_adds_is_what_the_score_loses_when_it_is_typical() {
    for features in [3, 70] {
        let data = cluster_with_outliers(features as u64, 300, 5, features);
        let forest = fit(
            IsolationForest::params(2).trees(21).samples(64),
            &data.values,
            features,
        );
        let typical = vec![0.25; features];
        let row = &data.values[data.values.len() - features..];
        let mut losses = vec![0.0; features];
        forest.losses(row, &typical, &mut losses).unwrap();
        for (feature, loss) in losses.iter().enumerate() {
            let mut changed = row.to_vec();
            changed[feature] = typical[feature];
            let expected = (score(&forest, row)[0] - score(&forest, &changed)[0]).max(0.0);
            assert_eq!(
                loss.to_bits(),
                expected.to_bits(),
                "feature {feature} of {features}"
            );
        }
        assert!(losses.iter().any(|loss| *loss > 0.0));
    }
}

#[test]
fn the_deepest_trees_allowed_work() {
    let data = cluster_with_outliers(6, 4500, 10, 3);
    let forest = fit(
        IsolationForest::params(5).trees(5).samples(SAMPLES_MAX),
        &data.values,
        3,
    );
    forest.validate().unwrap();
    assert!(area_under_roc(&score(&forest, &data.values), &data.is_odd).unwrap() > 0.95);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_score_depends_on_its_row_alone(
        seed in 0_u64..1000, count in 1_usize..200, samples in 2_usize..600, trees in 1_usize..40, cut in 0.0_f64..1.0,
    ) {
        let data = cluster_with_outliers(seed, 250, 0, 4);
        let forest = fit(IsolationForest::params(seed).trees(trees).samples(samples), &data.values, 4);
        let rows = &data.values[..count * 4];
        let together = score(&forest, rows);
        let apart: Vec<f32> = rows.chunks(4).flat_map(|row| score(&forest, row)).collect();
        prop_assert_eq!(&together, &apart);
        let middle = (cut * count as f64) as usize * 4;
        let halves = [score(&forest, &rows[..middle]), score(&forest, &rows[middle..])].concat();
        prop_assert_eq!(together, halves);
    }

    #[test]
    fn any_row_whatever_scores_between_zero_and_one(row in prop::collection::vec(prop::num::f32::ANY, 4)) {
        let data = cluster_with_outliers(1, 100, 2, 4);
        let forest = fit(IsolationForest::params(3).trees(10), &data.values, 4);
        let score = score(&forest, &row)[0];
        prop_assert!(score > 0.0 && score <= 1.0, "{}", score);
    }
}
