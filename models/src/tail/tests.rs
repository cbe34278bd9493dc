//! Tails on generated rows: known probabilities, directions, ties, hostile input.

use linfa::DatasetBase;
use linfa::prelude::Fit;
use proptest::prelude::*;

use crate::evaluation::area_under_roc;
use crate::rows::Rows;
use crate::schema::Direction::{Both, Down, Up};
use crate::testing::loud_attacks;

use super::*;

fn fit(values: &[f32], directions: &[crate::schema::Direction]) -> Tails {
    let rows = Rows::new(values, directions.len()).unwrap();
    Tails::params(directions.to_vec())
        .fit(&DatasetBase::from(rows.view()))
        .unwrap()
}

fn score(model: &Tails, values: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; values.len() / model.features()];
    model.score_rows(values, &mut out).unwrap();
    out
}

fn hundred() -> Vec<f32> {
    (1..=100_u8).map(f32::from).collect()
}

#[test]
fn a_tail_probability_is_the_share_of_clients_at_or_beyond_the_value() {
    let tails = fit(&hundred(), &[Up]);
    let probability = |value| tails.describe(0, value).unwrap().probability;
    assert_eq!(probability(100.0), 2.0 / 101.0);
    assert_eq!(probability(96.0), 6.0 / 101.0);
    assert_eq!(probability(1e9), 1.0 / 101.0);
    assert_eq!(probability(-5.0), 1.0);
    assert_eq!(probability(f32::NAN), 1.0);
}

#[test]
fn only_the_suspicious_direction_counts() {
    assert!(score(&fit(&hundred(), &[Up]), &[0.0])[0] < 0.01);
    assert!(score(&fit(&hundred(), &[Down]), &[0.0])[0] > 1.0);
    assert!(score(&fit(&hundred(), &[Down]), &[1000.0])[0] < 0.01);
    let both = fit(&hundred(), &[Both]);
    assert!(score(&both, &[0.0])[0] > 0.5 && score(&both, &[101.0])[0] > 0.5);
    assert_eq!(both.describe(0, 0.0).unwrap().side, Side::Low);
    assert_eq!(both.describe(0, 50.0).unwrap().probability, 1.0);
}

#[test]
fn a_value_most_clients_have_is_no_evidence() {
    let mut column = vec![0.0; 999];
    column.push(0.5);
    let tails = fit(&column, &[Up]);
    assert_eq!(tails.evidence(0, 0.0), 0.0);
    assert!(tails.evidence(0, 0.5) > 3.0);
    let described = tails.describe(0, 0.97).unwrap();
    assert_eq!((described.typical, described.p99), (0.0, 0.0));
    assert!(described.p999 < 0.01 && described.probability < 0.0011);
}

#[test]
fn beyond_everyone_evidence_grows_and_the_probability_stays_at_its_floor() {
    let tails = fit(&hundred(), &[Up]);
    assert!(tails.evidence(0, 400.0) > tails.evidence(0, 200.0));
    assert!(tails.evidence(0, f32::INFINITY).is_finite());
    assert_eq!(tails.describe(0, 400.0), tails.describe(0, 200.0));
}

#[test]
fn loud_attacks_are_found() {
    let data = loud_attacks(1, 3000, 60, 10);
    let tails = fit(&data.values, &[Up; 10]);
    let auroc = area_under_roc(&score(&tails, &data.values), &data.is_odd).unwrap();
    assert!(auroc > 0.9, "{auroc}");
}

#[test]
fn stored_tails_score_as_before() {
    let data = loud_attacks(2, 300, 3, 4);
    let tails = fit(&data.values, &[Up, Down, Both, Up]);
    let loaded: Tails = postcard::from_bytes(&postcard::to_stdvec(&tails).unwrap()).unwrap();
    loaded.validate().unwrap();
    assert_eq!(score(&loaded, &data.values), score(&tails, &data.values));
}

#[test]
fn directions_must_match_the_features() {
    let rows = Rows::new(&[1.0, 2.0], 2).unwrap();
    let error = Tails::params(vec![Up])
        .fit(&DatasetBase::from(rows.view()))
        .unwrap_err();
    assert!(
        matches!(
            error,
            TailError::Mismatch {
                features: 2,
                directions: 1
            }
        ),
        "{error}"
    );
}

proptest! {
    #[test]
    fn going_further_is_never_less_evidence(low in -200.0_f32..200.0, step in 0.0_f32..200.0) {
        let tails = fit(&hundred(), &[Up]);
        prop_assert!(tails.evidence(0, low + step) >= tails.evidence(0, low));
    }

    #[test]
    fn any_value_whatever_has_finite_evidence(value in prop::num::f32::ANY) {
        for direction in [Up, Down, Both] {
            let evidence = fit(&hundred(), &[direction]).evidence(0, value);
            prop_assert!(evidence.is_finite() && evidence >= 0.0);
        }
    }
}
