//! A bundle: everything that turns a row into a score with a meaning, in one artifact.
//!
//! Fitting divides the training rows into three parts that share no client-day. The views are fitted to the first; the
//! second gives each view's score a p-value among clients with about as many requests; those p-values are combined
//! ([`crate::combine`]) and ranked among clients with about as many requests once more; the third part gives the
//! combination its p-value, by the highest value of each client-day: a client is looked at many times a day, and each look
//! is another chance to err.

mod artifact;
mod assess;
mod days;
mod error;
mod explain;
mod fit;
mod score;
#[cfg(test)]
mod tests;

pub use artifact::{BUNDLE_BYTES_MAX, FORMAT_NEWEST, FORMAT_OLDEST};
pub use assess::Assessment;
pub use days::{DayCheck, HeldOutDay};
pub use error::BundleError;
pub use explain::Contribution;
pub use fit::{BundleParams, Provenance};
pub use score::ClientScore;

use crate::calibration::{BucketedCalibration, BudgetThreshold, Calibration, CalibrationError};
use crate::drift::DriftReference;
use crate::rows::RowsError;
use crate::schema::FeatureSchema;
use crate::tail::{FeatureQuantiles, Tails};
use crate::view::View;

/// A trained, calibrated set of views. Immutable while it scores, and safe to share between threads.
#[derive(Debug)]
pub struct ModelBundle {
    schema: FeatureSchema,
    provenance: Provenance,
    views: Vec<CalibratedView>,
    /// The views' combined rank among clients with about as many requests; `None` in a file of format 1.
    normal: Option<BucketedCalibration>,
    combined: Calibration,
    /// How the calibration held on each day, with the others.
    days: DayCheck,
    /// How well it ranks what is labelled.
    assessments: Vec<Assessment>,
    /// Tails of all training rows, for explanations; the tail view has its own, of the rows it was fitted to.
    population: Tails,
    drift: DriftReference,
}

/// One view and what its scores mean.
#[derive(Debug)]
struct CalibratedView {
    /// Place in [`crate::view::MODELS`].
    model: usize,
    view: Box<dyn View>,
    calibration: BucketedCalibration,
}

impl ModelBundle {
    /// What a row must hold.
    #[must_use]
    pub fn schema(&self) -> &FeatureSchema {
        &self.schema
    }

    /// What it was trained on.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Names of its views, in the order of [`crate::view::MODELS`].
    pub fn view_names(&self) -> impl Iterator<Item = &'static str> {
        self.views.iter().map(|view| crate::view::MODELS[view.model].name)
    }

    /// Smallest p-value it can give: 1/(n + 1) for n client-days of calibration.
    #[must_use]
    pub fn smallest_p_value(&self) -> f64 {
        self.combined.smallest_p_value()
    }

    /// The p-value at which to act so that wrongly blocked clients stay within a budget per million client-days, shown
    /// with 95% confidence.
    ///
    /// # Errors
    /// When the calibration is too small to show the budget, with the smallest it can show.
    pub fn threshold_for(&self, per_million_client_days: f64) -> Result<BudgetThreshold, CalibrationError> {
        self.combined.threshold_for(per_million_client_days)
    }

    /// How the calibration held on each day when it was made from the others.
    #[must_use]
    pub fn days(&self) -> &DayCheck {
        &self.days
    }

    /// How well it ranks what is labelled.
    #[must_use]
    pub fn assessments(&self) -> &[Assessment] {
        &self.assessments
    }

    /// Where ordinary clients lie in one feature.
    #[must_use]
    pub fn quantiles(&self, feature: usize) -> Option<FeatureQuantiles> {
        self.population.quantiles(feature)
    }

    /// Population stability index of each feature, now against training; see [`crate::drift`].
    ///
    /// # Errors
    /// When the slice does not divide into rows of the schema.
    pub fn drift(&self, rows: &[f32]) -> Result<Vec<f64>, RowsError> {
        self.drift.stability(rows)
    }

    /// The training rows' distribution, for counting rows one by one.
    #[must_use]
    pub fn drift_reference(&self) -> &DriftReference {
        &self.drift
    }
}
