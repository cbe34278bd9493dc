//! The bridge between the detector, which knows no model, and the models, which know no detector.

use anyhow::Context;
use detector::feature::{Direction, FEATURES};
use detector::{Contribution, Score, Scorer, Standing, Windows};
use models::bundle::{ClientScore, ModelBundle};
use models::calibration::CalibrationError;
use models::drift::DriftReference;
use models::schema::{Feature, FeatureSchema};
use std::path::Path;
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

/// What a budget must be at least for a model to show it, in words; `None` when the model shows the budget, or cannot be
/// loaded: whoever starts with it says why.
#[must_use]
pub(crate) fn least_budget(model: Option<&Path>, per_million: f64) -> Option<String> {
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
