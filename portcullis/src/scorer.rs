//! The bridge between the detector, which knows no model, and the models, which know no detector.

use crate::config::Models;
use crate::openapi;
use anyhow::Context;
use detector::feature::{Direction, FEATURES};
use detector::{Contribution, Score, Scorer, Standing, Windows};
use ingest::{Countries, Networks, NetworksError};
use models::bundle::{ClientScore, ModelBundle};
use models::calibration::CalibrationError;
use models::drift::DriftReference;
use models::schema::{Feature, FeatureSchema};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The model that ships with the binary, trained on simulated traffic. Its card lies beside it.
const SHIPPED: &[u8] = include_bytes!("../../models/shipped/model.bin");

/// Rises when a feature keeps its name and changes its meaning.
const SCHEMA_VERSION: u32 = 5;

/// A model, ready to score the detector's windows.
pub(crate) struct BundleScorer {
    bundle: ModelBundle,
    /// The budget last asked about, and the p-value to act at: finding it takes longer than scoring a client.
    threshold: Mutex<Option<(f64, Option<f64>)>>,
}

/// The detector's features as a model's schema.
///
/// # Errors
/// When two features share a name; the detector's own tests hold that they do not.
pub(crate) fn schema() -> anyhow::Result<FeatureSchema> {
    let direction = |direction| match direction {
        Direction::Up => models::schema::Direction::Up,
        Direction::Down => models::schema::Direction::Down,
        Direction::Both => models::schema::Direction::Both,
    };
    let features = FEATURES
        .iter()
        .map(|feature| Feature {
            name: feature.name.to_owned(),
            direction: direction(feature.direction),
        })
        .collect();
    Ok(FeatureSchema::new(features, SCHEMA_VERSION)?)
}

/// A model from a file, or the shipped one.
///
/// # Errors
/// When the file cannot be read, is no model, is newer than this binary, or was trained on other features.
pub(crate) fn bundle(path: Option<&Path>) -> anyhow::Result<ModelBundle> {
    let schema = schema()?;
    let Some(path) = path else {
        return ModelBundle::from_bytes(SHIPPED, &schema).context("could not load the shipped model");
    };
    let bytes =
        std::fs::read(path).with_context(|| format!("could not read the model {}", path.display()))?;
    ModelBundle::from_bytes(&bytes, &schema)
        .with_context(|| format!("could not load the model {}", path.display()))
}

/// A model's card, with the units of the detector's features.
#[must_use]
pub(crate) fn card_of(bundle: &ModelBundle) -> String {
    models::card::model_card(bundle, |name| {
        let feature = FEATURES.iter().find(|feature| feature.name == name)?;
        Some(feature.unit)
    })
}

/// The model files of this machine, as a configuration asks about them.
pub(crate) struct ModelFiles {
    /// Whether a file that cannot be loaded is a problem. It is to whoever detects; a process that only serves needs none.
    pub(crate) must_load: bool,
}

impl Models for ModelFiles {
    fn problem(&self, file: &Path) -> Option<(String, String)> {
        if !self.must_load {
            return None;
        }
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let found = format!("which cannot be read ({})", error.kind());
                return Some((found, "a readable model file".to_owned()));
            }
        };
        // The detector's own tests hold that its features make a schema.
        let schema = schema().ok()?;
        let error = ModelBundle::from_bytes(&bytes, &schema).err()?;
        // What was found is cut where it is shown; why it does not do is not.
        let why = error.to_string();
        Some((
            "which cannot be used".to_owned(),
            format!(
                "a model that `portcullis train` of this version wrote: {}",
                api::neutralise(&why)
            ),
        ))
    }

    fn networks_problem(&self, file: &Path) -> Option<(String, String)> {
        if !self.must_load {
            return None;
        }
        let error = Networks::open(file).err()?;
        Some(unusable(
            "a database of autonomous systems, GeoLite2-ASN or one like it",
            &error,
        ))
    }

    fn countries_problem(&self, file: &Path) -> Option<(String, String)> {
        if !self.must_load {
            return None;
        }
        let error = Countries::open(file).err()?;
        Some(unusable(
            "a database of countries, GeoLite2-Country or one like it",
            &error,
        ))
    }

    fn documents_problem(&self, files: &[PathBuf]) -> Option<(usize, String, String)> {
        if !self.must_load {
            return None;
        }
        let wrong = openapi::read(files).err()?;
        // As above: what was expected is not cut.
        let expected = format!("{}; it is {}", wrong.expected, wrong.found);
        Some((wrong.place, "which cannot be used".to_owned(), expected))
    }

    fn least_budget(&self, model: Option<&Path>, per_million: f64) -> Option<String> {
        let scorer = BundleScorer::load(model).ok()?;
        match scorer.check_budget(per_million) {
            Err(CalibrationError::BudgetTooSmall {
                smallest_provable,
                client_days,
                ..
            }) => Some(format!(
                "at least {}: three divided by the {client_days} client-days that the model was calibrated on",
                smallest_provable.ceil()
            )),
            // Every other problem of a calibration would have kept it from being loaded.
            Ok(_) | Err(_) => None,
        }
    }
}

impl BundleScorer {
    /// Loads a model from a file, or the shipped one.
    ///
    /// # Errors
    /// When the file cannot be read, is no model, is newer than this binary, or was trained on other features.
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let bundle = bundle(path)?;
        Ok(Self {
            bundle,
            threshold: Mutex::new(None),
        })
    }

    /// The p-value at which to act to stay within a budget of wrong blocks per million client-days.
    ///
    /// # Errors
    /// When the model's calibration is too small to show it, with the smallest budget that it can show.
    pub(crate) fn check_budget(&self, per_million: f64) -> Result<f64, CalibrationError> {
        let threshold = self.bundle.threshold_for(per_million)?;
        Ok(threshold.p_value)
    }

    /// The distribution of its training rows.
    pub(crate) fn drift_reference(&self) -> &DriftReference {
        self.bundle.drift_reference()
    }

    /// The model's version name and its card: what it was trained on, how often it errs, when not to use it.
    #[must_use]
    pub(crate) fn card(&self) -> (String, serde_json::Value) {
        let text = card_of(&self.bundle);
        (self.version().to_owned(), serde_json::json!({ "markdown": text }))
    }
}

impl Scorer for BundleScorer {
    fn version(&self) -> &str {
        &self.bundle.provenance().name
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        let mut scores = vec![ClientScore::default(); out.len()];
        let is_scored = self.bundle.score(windows.rows, windows.requests, &mut scores);
        debug_assert!(is_scored.is_ok(), "the detector's rows have the schema's width");
        for (out, score) in out.iter_mut().zip(scores) {
            *out = Score {
                value: score.score,
                p_value: score.p_value,
            };
        }
    }

    fn threshold_for(&self, per_million: f64) -> Option<f64> {
        // A poisoned lock means that another thread panicked: the run is lost anyway.
        let mut known = self.threshold.lock().ok()?;
        match *known {
            Some((budget, p_value)) if budget == per_million => p_value,
            _ => {
                let p_value = self.check_budget(per_million).ok();
                *known = Some((per_million, p_value));
                p_value
            }
        }
    }

    fn explain(&self, row: &[f32], requests: u64, most: usize) -> Vec<Contribution> {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let contributions = self.bundle.explain(row, requests, most).unwrap_or_default();
        contributions
            .into_iter()
            .map(|contribution| Contribution {
                feature: contribution.feature,
                share: contribution.contribution,
                typical: contribution.typical,
                extreme: contribution.p999,
            })
            .collect()
    }

    fn standing(&self, feature: usize, value: f32) -> Option<Standing> {
        let (typical, extreme) = self.bundle.standing(feature, value)?;
        Some(Standing { typical, extreme })
    }
}

/// Small models for tests.
/// What was found of a database, and what was expected. As of models: why is not cut.
fn unusable(expected: &str, error: &NetworksError) -> (String, String) {
    let why = error.why();
    (
        "which cannot be used".to_owned(),
        format!("{expected}: {}", api::neutralise(&why)),
    )
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use models::bundle::BundleParams;
    use models::training::TrainingSet;

    /// A model of that name over these features, trained on so many client-days of nothing in particular.
    pub(crate) fn model(schema: FeatureSchema, name: &str, client_days: u64) -> Vec<u8> {
        let width = schema.len() as u64;
        let value = |place: u64| (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32;
        let values = (0..client_days * width).map(value).collect();
        let requests = vec![20; client_days as usize];
        let client_days = (0..client_days).collect();
        let set = TrainingSet::new(schema, values, requests, client_days, "a test".to_owned()).unwrap();
        let bundle = ModelBundle::fit(&set, &BundleParams::new(name, 1)).unwrap();
        bundle.to_bytes().unwrap()
    }

    /// A model over other features than the detector's.
    pub(crate) fn of_other_features() -> Vec<u8> {
        let feature = |name: &str| Feature {
            name: name.to_owned(),
            direction: models::schema::Direction::Up,
        };
        let schema = FeatureSchema::new(vec![feature("colour"), feature("smell")], SCHEMA_VERSION).unwrap();
        model(schema, "of another planet", 400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_hears_what_is_wrong_with_a_model_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("current.model");
        let problem = || {
            let problem = ModelFiles { must_load: true }.problem(&file);
            problem.map(|(found, expected)| format!("{found} | {expected}"))
        };
        let missing = problem().unwrap();
        assert_eq!(
            missing,
            "which cannot be read (entity not found) | a readable model file"
        );
        // A process that only serves needs none.
        assert_eq!(ModelFiles { must_load: false }.problem(&file), None);
        for (bytes, says) in [
            (b"no model".as_slice(), "this is not a portcullis model file"),
            (&SHIPPED[..SHIPPED.len() - 1], "were written"),
        ] {
            std::fs::write(&file, bytes).unwrap();
            let told = problem().unwrap();
            assert!(told.contains(says), "{told}");
        }
        let mut damaged = SHIPPED.to_vec();
        if let Some(last) = damaged.last_mut() {
            *last ^= 1;
        }
        std::fs::write(&file, damaged).unwrap();
        assert!(problem().unwrap().contains("damaged"));
        std::fs::write(&file, SHIPPED).unwrap();
        assert_eq!(problem(), None);
    }

    #[test]
    fn a_model_of_other_features_is_refused_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("other.model");
        std::fs::write(&file, testing::of_other_features()).unwrap();
        let (_, expected) = ModelFiles { must_load: true }.problem(&file).unwrap();
        assert!(
            expected.contains("made for feature schema") && expected.contains("colour"),
            "{expected}"
        );
    }
}
