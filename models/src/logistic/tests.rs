//! The regression against closed forms, in any order of rows, and on rows that cannot be used.

use linfa::prelude::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::*;

fn fit(penalty: f64, values: &[f32], targets: &[bool]) -> Result<Logistic, LogisticError> {
    let rows =
        Array2::from_shape_vec((targets.len(), values.len() / targets.len()), values.to_vec()).unwrap();
    let targets = Array1::from(targets.to_vec());
    Logistic::params()
        .penalty(penalty)
        .fit(&DatasetBase::new(rows, targets))
}

#[test]
fn without_anything_to_tell_by_the_likelihood_is_the_share() {
    // The offset costs nothing: its optimum is the logarithm of the odds, ln(3/1).
    let model = fit(1.0, &[0.0; 4], &[true, true, true, false]).unwrap();
    assert!((model.offset() - 3f64.ln()).abs() < 1e-9, "{}", model.offset());
    assert!(model.weights()[0].abs() < 1e-12);
}

#[test]
fn one_feature_of_two_values_has_the_odds_of_each_when_hardly_penalised() {
    // Of rows with 0, one in four is true; of those with 1, two in three: a saturated model meets both shares.
    let values = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let targets = [true, false, false, false, true, true, false];
    let model = fit(PENALTY_MIN, &values, &targets).unwrap();
    assert!((model.offset() - (1.0f64 / 3.0).ln()).abs() < 1e-4);
    assert!((model.weights()[0] - (2.0f64.ln() + 3.0f64.ln())).abs() < 1e-4);
    let likelihoods = model.predict(&Array2::from_shape_vec((2, 1), vec![0.0_f32, 1.0]).unwrap());
    assert!((likelihoods[0] - 0.25).abs() < 1e-4 && (likelihoods[1] - 2.0 / 3.0).abs() < 1e-4);
}

#[test]
fn a_penalised_weight_solves_its_own_equation() {
    // Two rows at −1 and 1, parted without a mistake: the offset is 0 by symmetry, and penalty · w = 2 · (1 − σ(w)).
    let penalty = 0.5;
    let model = fit(penalty, &[-1.0, 1.0], &[false, true]).unwrap();
    let weight = model.weights()[0];
    let sigmoid = 1.0 / (1.0 + (-weight).exp());
    assert!(model.offset().abs() < 1e-9);
    assert!(
        (penalty * weight - 2.0 * (1.0 - sigmoid)).abs() < 1e-8,
        "{weight}"
    );
}

#[test]
fn rows_that_cannot_be_used_say_why() {
    assert!(matches!(
        fit(1.0, &[1.0, 2.0], &[true, true]),
        Err(LogisticError::OneKind(2))
    ));
    assert!(matches!(
        fit(1.0, &[1.0, f32::NAN], &[true, false]),
        Err(LogisticError::Rows(_))
    ));
    for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Logistic::params().penalty(penalty).check().is_err(), "{penalty}");
    }
    let rows = Array2::<f32>::zeros((3, 1));
    let short = DatasetBase::new(rows, Array1::from(vec![true, false]));
    assert!(matches!(
        Logistic::params().fit(&short),
        Err(LogisticError::Targets { rows: 3, targets: 2 })
    ));
    let model = fit(1.0, &[0.0, 1.0], &[true, false]).unwrap();
    assert!(model.likelihood_rows(&[0.0; 3], &mut [0.0; 2]).is_err());
}

proptest! {
    #[test]
    fn the_optimum_is_found_and_does_not_depend_on_the_order_of_rows(
        rows in prop::collection::vec((prop::array::uniform4(-30.0f32..30.0), any::<bool>()), 2..40),
        penalty in 1e-3f64..10.0, turn in any::<prop::sample::Index>(),
    ) {
        let split = |rows: &[([f32; 4], bool)]| {
            let values: Vec<f32> = rows.iter().flat_map(|(row, _)| *row).collect();
            let targets: Vec<bool> = rows.iter().map(|(_, target)| *target).collect();
            fit(penalty, &values, &targets)
        };
        let Ok(model) = split(&rows) else {
            let first = rows[0].1;
            prop_assert!(rows.iter().all(|(_, target)| *target == first), "both kinds are there");
            return Ok(());
        };
        let mut turned = rows.clone();
        turned.rotate_left(turn.index(rows.len()));
        let again = split(&turned).unwrap();
        for (left, right) in model.weights().iter().zip(again.weights()) {
            prop_assert!((left - right).abs() < 1e-6, "{left} {right}");
        }
        // At the optimum the slope is zero in every direction.
        let mut likelihoods = vec![0.0; rows.len()];
        let values: Vec<f32> = rows.iter().flat_map(|(row, _)| *row).collect();
        model.likelihood_rows(&values, &mut likelihoods).unwrap();
        for (feature, weight) in model.weights().iter().enumerate() {
            let slope: f64 = rows.iter().zip(&likelihoods)
                .map(|((row, target), likelihood)| {
                    f64::from(row[feature]) * (f64::from(*likelihood) - f64::from(u8::from(*target)))
                })
                .sum::<f64>() + penalty * weight;
            prop_assert!(slope.abs() < 1e-3, "{slope}");
        }
    }
}
