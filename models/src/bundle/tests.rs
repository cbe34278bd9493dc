//! The bundle as a whole: determinism, detection, honest p-values, explanations, and files that are not what they seem.

use proptest::prelude::*;

use crate::baseline::RobustZScore;
use crate::calibration::CalibrationError;
use crate::evaluation::area_under_roc;
use crate::schema::Direction;
use crate::testing::{
    Labelled, broken_relations, cluster_with_outliers, loud_attacks, schema_of, training_set,
};
use crate::training::TrainingSet;

use super::*;

fn fit(data: &Labelled, seed: u64) -> ModelBundle {
    ModelBundle::fit(&training_set(data), &BundleParams::new("test-1", seed)).unwrap()
}

fn score(bundle: &ModelBundle, values: &[f32]) -> Vec<ClientScore> {
    let rows = values.len() / bundle.schema().len();
    let counts: Vec<u32> = (0..rows as u32).map(|row| 3 + row * 37 % 198).collect();
    let mut out = vec![ClientScore::default(); rows];
    bundle.score(values, &counts, &mut out).unwrap();
    out
}

fn small_bundle() -> ModelBundle {
    fit(&loud_attacks(1, 600, 0, 4), 1)
}

#[test]
fn the_same_rows_and_seed_give_the_same_bytes() {
    let data = loud_attacks(1, 600, 0, 4);
    assert_eq!(
        fit(&data, 5).to_bytes().unwrap(),
        fit(&data, 5).to_bytes().unwrap()
    );
    assert_ne!(
        fit(&data, 5).to_bytes().unwrap(),
        fit(&data, 6).to_bytes().unwrap()
    );
}

#[test]
fn a_loaded_bundle_scores_explains_and_is_written_as_before() {
    let bundle = small_bundle();
    let bytes = bundle.to_bytes().unwrap();
    let loaded = ModelBundle::from_bytes(&bytes, bundle.schema()).unwrap();
    let values = loud_attacks(2, 100, 20, 4).values;
    assert_eq!(score(&loaded, &values), score(&bundle, &values));
    assert_eq!(
        loaded.explain(&values[400..404], 9, 3),
        bundle.explain(&values[400..404], 9, 3)
    );
    assert_eq!(loaded.to_bytes().unwrap(), bytes);
}

#[test]
fn the_combined_score_beats_the_robust_z_score_on_every_kind_of_oddity() {
    for scenario in [cluster_with_outliers, broken_relations, loud_attacks] {
        let (train, test) = (scenario(1, 3000, 0, 12), scenario(2, 2000, 60, 12));
        let scores: Vec<f32> = score(&fit(&train, 1), &test.values)
            .iter()
            .map(|score| score.score)
            .collect();
        let mut baseline = vec![0.0; test.is_odd.len()];
        let rows = crate::rows::Rows::new(&train.values, 12).unwrap();
        RobustZScore::fit(rows)
            .unwrap()
            .score_rows(&test.values, &mut baseline)
            .unwrap();
        let (ours, theirs) = (
            area_under_roc(&scores, &test.is_odd),
            area_under_roc(&baseline, &test.is_odd),
        );
        println!("{ours:?} {theirs:?}");
        assert!(
            ours >= theirs && ours > Some(0.97),
            "{ours:?}, baseline {theirs:?}"
        );
    }
}

#[test]
fn ordinary_clients_get_small_p_values_as_rarely_as_these_say() {
    let bundle = fit(&loud_attacks(1, 5000, 0, 8), 1);
    let scores = score(&bundle, &loud_attacks(2, 20_000, 0, 8).values);
    for p in [0.1, 0.01] {
        let rate = scores.iter().filter(|score| score.p_value <= p).count() as f64 / 20_000.0;
        assert!((0.6 * p..1.5 * p).contains(&rate), "{rate} at {p}");
    }
    assert!(
        scores
            .iter()
            .all(|score| score.p_value >= bundle.smallest_p_value() && score.p_value <= 1.0)
    );
}

#[test]
fn a_client_looked_at_many_times_a_day_counts_once_by_its_worst() {
    let data = loud_attacks(1, 4000, 0, 4);
    let client_days = (0..4000).map(|row| row / 10).collect();
    let set = TrainingSet::new(
        schema_of(4, Direction::Up),
        data.values.clone(),
        vec![50; 4000],
        client_days,
        String::new(),
    );
    let bundle = ModelBundle::fit(&set.unwrap(), &BundleParams::new("many", 1)).unwrap();
    assert_eq!(bundle.provenance().calibration_client_days, 160);
    // Ten looks a day: the share of single looks below p = 0.05 must be far smaller than 5%.
    let scores = score(&bundle, &loud_attacks(9, 10_000, 0, 4).values);
    let rate = scores.iter().filter(|score| score.p_value <= 0.05).count() as f64 / 10_000.0;
    assert!(rate < 0.012, "{rate}");
}

#[test]
fn the_feature_that_was_pushed_up_leads_the_explanation() {
    let bundle = fit(&loud_attacks(1, 3000, 0, 12), 1);
    for feature in 0..12 {
        let mut row: Vec<f32> = (0..12).map(|at| bundle.quantiles(at).unwrap().median).collect();
        row[feature] = bundle.quantiles(feature).unwrap().p999.abs() * 4.0 + 1.0;
        let explanation = bundle.explain(&row, 30, 3).unwrap();
        let first = explanation[0];
        assert_eq!(first.feature, feature, "{explanation:?}");
        assert!(first.contribution > 0.5 && first.tail_probability < 0.001 && first.value > first.p999);
        assert!(explanation.iter().map(|part| part.contribution).sum::<f32>() <= 1.0001);
    }
}

#[test]
fn a_budget_that_cannot_be_shown_is_refused() {
    let error = small_bundle().threshold_for(1.0).unwrap_err();
    assert!(
        matches!(error, CalibrationError::BudgetTooSmall { client_days: 240, .. }),
        "{error}"
    );
}

#[test]
fn recalibrating_moves_what_counts_as_usual() {
    let mut bundle = small_bundle();
    let mut moved = loud_attacks(3, 500, 0, 4);
    moved
        .values
        .iter_mut()
        .for_each(|value| *value = *value * 3.0 + 1.0);
    let median_p = |bundle: &ModelBundle| {
        let mut p: Vec<f64> = score(bundle, &moved.values)
            .iter()
            .map(|score| score.p_value)
            .collect();
        p.sort_by(f64::total_cmp);
        p[250]
    };
    let before = median_p(&bundle);
    bundle.recalibrate(&training_set(&moved)).unwrap();
    assert!(before < 0.2 && (median_p(&bundle) - 0.5).abs() < 0.1, "{before}");
    let other = training_set(&loud_attacks(3, 500, 0, 5));
    let error = bundle.recalibrate(&other).unwrap_err();
    assert!(matches!(error, BundleError::OtherSchema { .. }));
    assert!(error.to_string().contains("it lacks "), "{error}");
}

#[test]
fn too_few_rows_are_refused_by_what_they_are_too_few_for() {
    let set = training_set(&loud_attacks(1, 100, 0, 4));
    let error = ModelBundle::fit(&set, &BundleParams::new("small", 1)).unwrap_err();
    assert!(
        error.to_string().contains("could not calibrate with 20 scores"),
        "{error}"
    );
    let unnamed = ModelBundle::fit(&set, &BundleParams::new("", 1)).unwrap_err();
    assert!(matches!(unnamed, BundleError::Name(_)), "{unnamed}");
}

#[test]
fn another_schema_is_refused_with_both_names_and_the_features_between_them() {
    let bundle = small_bundle();
    let other = schema_of(5, Direction::Up);
    let error = ModelBundle::from_bytes(&bundle.to_bytes().unwrap(), &other)
        .unwrap_err()
        .to_string();
    for part in [
        bundle.schema().fingerprint().to_string(),
        other.fingerprint().to_string(),
        "f4".to_owned(),
    ] {
        assert!(error.contains(&part), "no {part} in {error}");
    }
}

#[test]
fn a_newer_format_is_refused_before_anything_else_is_read() {
    let mut bytes = small_bundle().to_bytes().unwrap();
    bytes[8] = 9;
    let error = ModelBundle::read(&bytes[..10]).unwrap_err();
    assert!(matches!(error, BundleError::Format(9)), "{error}");
    assert!(
        error.to_string().contains("format 9") && error.to_string().contains("1 to 2"),
        "{error}"
    );
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = small_bundle().to_bytes().unwrap();
    for end in (0..82).chain((82..bytes.len()).step_by(9973)) {
        let error = ModelBundle::read(&bytes[..end]).unwrap_err();
        assert!(
            matches!(error, BundleError::NotABundle | BundleError::Length { .. }),
            "{end}: {error}"
        );
    }
}

#[test]
fn a_flipped_bit_is_noticed() {
    let bytes = small_bundle().to_bytes().unwrap();
    for at in (82..bytes.len()).step_by(9973) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert!(
            matches!(ModelBundle::read(&damaged), Err(BundleError::Damaged)),
            "byte {at}"
        );
    }
}

/// Puts a header that fits around any payload, as someone who forges a file would.
fn with_fitting_header(bytes: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut forged = bytes[..42].to_vec();
    forged.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    forged.extend_from_slice(blake3::hash(payload).as_bytes());
    forged.extend_from_slice(payload);
    forged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_forged_file_is_refused_or_scores_without_a_panic(at in 0.0_f64..1.0, byte in any::<u8>()) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(|| small_bundle().to_bytes().unwrap());
        let mut payload = bytes[82..].to_vec();
        let at = (at * payload.len() as f64) as usize;
        payload[at] = byte;
        if let Ok(bundle) = ModelBundle::read(&with_fitting_header(bytes, &payload)) {
            let width = bundle.schema().len();
            let _ = score(&bundle, &vec![1.5; width * 3]);
            let _ = bundle.explain(&vec![1.5; width], 7, 3);
        }
    }

    #[test]
    fn a_score_depends_on_its_row_alone(seed in 0_u64..50, count in 1_usize..150) {
        static BUNDLE: std::sync::OnceLock<ModelBundle> = std::sync::OnceLock::new();
        let bundle = BUNDLE.get_or_init(small_bundle);
        let values = loud_attacks(seed, 150, 0, 4).values[..count * 4].to_vec();
        let together = score(bundle, &values);
        for (row, expected) in together.iter().enumerate() {
            let mut alone = [ClientScore::default()];
            bundle.score(&values[row * 4..][..4], &[3 + row as u32 * 37 % 198], &mut alone).unwrap();
            prop_assert_eq!(&alone[0], expected);
        }
    }

    #[test]
    fn any_row_whatever_gets_a_score(row in prop::collection::vec(prop::num::f32::ANY, 4), count in any::<u32>()) {
        static BUNDLE: std::sync::OnceLock<ModelBundle> = std::sync::OnceLock::new();
        let bundle = BUNDLE.get_or_init(small_bundle);
        let mut out = [ClientScore::default()];
        bundle.score(&row, &[count], &mut out).unwrap();
        prop_assert!((0.0..=1.0).contains(&out[0].score) && out[0].p_value > 0.0);
        for part in bundle.explain(&row, count, 4).unwrap() {
            prop_assert!(part.contribution > 0.0 && part.contribution <= 1.0001);
        }
    }
}
