//! The distance on generated rows: joint oddity, contributions, constant columns, hostile input.

use linfa::DatasetBase;
use linfa::prelude::{Fit, Predict};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::evaluation::area_under_roc;
use crate::rows::Rows;
use crate::testing::{broken_relations, cluster_with_outliers};

use super::*;

fn fit(values: &[f32], features: usize) -> Mahalanobis {
    let rows = Rows::new(values, features).unwrap();
    Mahalanobis::params()
        .fit(&DatasetBase::from(rows.view()))
        .unwrap()
}

fn score(model: &Mahalanobis, values: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / model.features()];
    model.score_rows(values, &mut out).unwrap();
    out
}

#[test]
fn rows_that_are_odd_only_in_combination_are_found() {
    let data = broken_relations(1, 3000, 60, 8);
    let model = fit(&data.values, data.features);
    let auroc = area_under_roc(&score(&model, &data.values), &data.is_odd).unwrap();
    assert!(auroc > 0.97, "{auroc}");
}

#[test]
fn the_mean_score_of_the_training_rows_is_about_the_number_of_features() {
    let data = cluster_with_outliers(2, 5000, 0, 12);
    let scores = score(&fit(&data.values, 12), &data.values);
    let mean = scores.iter().sum::<f32>() / scores.len() as f32;
    assert!((mean - 12.0).abs() < 0.5, "{mean}");
}

#[test]
fn a_constant_feature_changes_nothing_and_breaks_nothing() {
    let data = cluster_with_outliers(3, 1000, 10, 3);
    let with_constant: Vec<f32> = data
        .values
        .chunks(3)
        .flat_map(|row| [row[0], 7.0, row[1], row[2]])
        .collect();
    let model = fit(&with_constant, 4);
    let moved: Vec<f32> = with_constant
        .chunks(4)
        .flat_map(|row| [row[0], -9e30, row[2], row[3]])
        .collect();
    assert_eq!(score(&model, &with_constant), score(&model, &moved));
    assert!(
        score(&model, &with_constant)
            .iter()
            .all(|score| score.is_finite())
    );
}

#[test]
fn rows_that_are_all_the_same_have_no_distance() {
    let model = fit(&[1.0; 30], 3);
    assert_eq!(
        score(&model, &[1.0, 1.0, 1.0, 2.0, f32::NAN, f32::INFINITY]),
        [0.0, 0.0]
    );
}

#[test]
fn copies_of_a_feature_do_not_break_the_whitening() {
    let data = cluster_with_outliers(4, 500, 0, 2);
    let copied: Vec<f32> = data
        .values
        .chunks(2)
        .flat_map(|row| [row[0], row[0], row[1], row[1]])
        .collect();
    assert!(
        score(&fit(&copied, 4), &copied)
            .iter()
            .all(|score| score.is_finite())
    );
}

#[test]
fn a_stored_distance_scores_as_before() {
    let data = cluster_with_outliers(5, 400, 4, 6);
    let model = fit(&data.values, 6);
    let loaded: Mahalanobis = postcard::from_bytes(&postcard::to_stdvec(&model).unwrap()).unwrap();
    loaded.validate().unwrap();
    assert_eq!(score(&loaded, &data.values), score(&model, &data.values));
}

#[test]
fn doubles_score_like_floats() {
    let data = cluster_with_outliers(6, 200, 4, 5);
    let model = fit(&data.values, 5);
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
    #[test]
    fn contributions_sum_to_the_score(row in prop::collection::vec(-40.0_f32..40.0, 6)) {
        let data = broken_relations(7, 600, 0, 6);
        let model = fit(&data.values, 6);
        let mut parts = [0.0; 6];
        model.contributions(&row, &mut parts).unwrap();
        let (sum, score) = (parts.iter().sum::<f32>(), score(&model, &row)[0]);
        prop_assert!((sum - score).abs() <= 1e-3 * score.max(1.0), "{} and {}", sum, score);
    }

    #[test]
    fn any_row_whatever_has_a_finite_score(row in prop::collection::vec(prop::num::f32::ANY, 4)) {
        let data = cluster_with_outliers(8, 100, 2, 4);
        let score = score(&fit(&data.values, 4), &row)[0];
        prop_assert!(score.is_finite() && score >= 0.0, "{}", score);
    }
}
