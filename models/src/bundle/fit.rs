//! Training: from rows to a bundle.

use linfa::DatasetBase;
use linfa::prelude::Fit;
use serde::{Deserialize, Serialize};

use crate::calibration::{BucketedCalibration, Calibration};
use crate::drift::DriftReference;
use crate::tail::Tails;
use crate::training::{Part, Split, TrainingSet};
use crate::view::{FitInput, MODELS, ModelSpec, ViewError};

use super::days::DayCheck;
use super::error::BundleError;
use super::score::for_each_surprise;
use super::{CalibratedView, ModelBundle};

/// Longest version name, in bytes: it stands in every decision.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Client-days the models are fitted to, and those that calibrate each view; the rest calibrate the combination.
/// Models are content with few thousand rows; what calibrates the combination limits the budget that can be promised.
const FIT_SHARE: f64 = 0.4;
const VIEW_SHARE: f64 = 0.2;

/// Edges between groups of request counts: doublings, in which scores of short histories differ most.
const BUCKET_EDGES: [u32; 6] = [5, 10, 20, 40, 100, 400];

/// How to train a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleParams {
    /// Version name, such as `2026-11-22-1`: it stands in every decision the model makes.
    pub name: String,
    /// Where every random choice comes from: the division of the rows and the forest.
    pub seed: u64,
    /// Edges between groups of request counts that are calibrated apart.
    pub bucket_edges: Vec<u32>,
    /// Share of the client-days that the views are fitted to.
    pub fit_share: f64,
    /// Share of the client-days that calibrates each view.
    pub view_share: f64,
}

impl BundleParams {
    /// Takes the defaults for everything but name and seed.
    #[must_use]
    pub fn new(name: impl Into<String>, seed: u64) -> Self {
        let bucket_edges = BUCKET_EDGES.to_vec();
        Self {
            name: name.into(),
            seed,
            bucket_edges,
            fit_share: FIT_SHARE,
            view_share: VIEW_SHARE,
        }
    }
}

/// What a bundle was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version name.
    pub name: String,
    /// Where the rows come from, in the trainer's words.
    pub description: String,
    /// Version of this crate that trained it.
    pub trained_by: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// Rows in all.
    pub rows: u64,
    /// Rows the views were fitted to.
    pub fit_rows: u64,
    /// Rows each view was calibrated on.
    pub view_rows: u64,
    /// Client-days the combination was calibrated on.
    pub calibration_client_days: u64,
}

impl ModelBundle {
    /// Trains every model in [`MODELS`] and calibrates them. The same rows and parameters give the same bytes.
    ///
    /// # Errors
    /// When the rows are too few for one of the three parts (about 250 client-days with the default shares), or
    /// a parameter is not usable.
    pub fn fit(set: &TrainingSet, params: &BundleParams) -> Result<Self, BundleError> {
        if params.name.is_empty() || params.name.len() > NAME_BYTES_MAX {
            return Err(BundleError::Name(params.name.clone()));
        }
        let split = set.split(params.seed, params.fit_share, params.view_share)?;
        let mut views = Vec::new();
        for (model, spec) in MODELS.iter().enumerate() {
            views.push(fit_view(model, spec, set, &split, params)?);
        }
        let normal = calibrate_counts(&views, &split.views, &params.bucket_edges)?;
        let highest = highest_of_days(&views, Some(&normal), &split.combined)?;
        let combined = calibrate_combination(&highest)?;
        let rows = set.rows();
        let tails = Tails::params(set.schema().directions());
        let provenance = Provenance {
            name: params.name.clone(),
            description: set.description().to_owned(),
            trained_by: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            seed: params.seed,
            rows: rows.len() as u64,
            fit_rows: split.fit.rows().len() as u64,
            view_rows: split.views.rows().len() as u64,
            calibration_client_days: u64::from(combined.size()),
        };
        Ok(Self {
            schema: set.schema().clone(),
            provenance,
            views,
            normal: Some(normal),
            combined,
            days: DayCheck::new(highest),
            assessments: Vec::new(),
            population: tails.fit(&DatasetBase::from(rows.view()))?,
            // As live clients are counted: one vote per client and day, its last look.
            drift: DriftReference::fit(set.last_looks().rows())?,
        })
    }

    /// Compares scores with these client-days from now on, leaving the views as they are: traffic moves from hour to
    /// hour, and what is usual moves with it.
    ///
    /// # Errors
    /// When the rows are of another schema or too few.
    pub fn recalibrate(&mut self, recent: &TrainingSet) -> Result<(), BundleError> {
        if recent.schema() != &self.schema {
            return Err(BundleError::other_schema(&self.schema, recent.schema()));
        }
        let highest = highest_of_days(&self.views, self.normal.as_ref(), &recent.whole())?;
        self.combined = calibrate_combination(&highest)?;
        self.days = DayCheck::new(highest);
        self.provenance.calibration_client_days = u64::from(self.combined.size());
        Ok(())
    }
}

fn fit_view(
    model: usize,
    spec: &'static ModelSpec,
    set: &TrainingSet,
    split: &Split,
    params: &BundleParams,
) -> Result<CalibratedView, BundleError> {
    let directions = set.schema().directions();
    let input = FitInput {
        rows: split.fit.rows(),
        directions: &directions,
        seed: params.seed,
    };
    let failed = |source: ViewError| BundleError::View {
        name: spec.name,
        source,
    };
    let view = (spec.fit)(&input).map_err(failed)?;
    let rows = split.views.rows();
    let mut scores = vec![0.0; rows.len()];
    view.score_rows(rows.values(), &mut scores)?;
    let calibration = BucketedCalibration::fit(&scores, split.views.request_counts(), &params.bucket_edges)
        .map_err(|source| BundleError::Calibration {
        what: spec.name,
        source,
    })?;
    Ok(CalibratedView {
        model,
        view,
        calibration,
    })
}

/// Ranks the combination among clients with about as many requests: views agree more on short histories than on long ones.
fn calibrate_counts(
    views: &[CalibratedView],
    part: &Part,
    edges: &[u32],
) -> Result<BucketedCalibration, BundleError> {
    let mut surprises = vec![0.0; part.client_days().len()];
    for_each_surprise(
        views,
        None,
        part.rows(),
        part.request_counts(),
        |row, surprise, _| {
            surprises[row] = surprise;
        },
    )?;
    BucketedCalibration::fit(&surprises, part.request_counts(), edges).map_err(|source| {
        BundleError::Calibration {
            what: "combined rank",
            source,
        }
    })
}

/// Takes the most surprising look at each client-day, with its day: what an operator counts is clients wrongly blocked
/// per day, and a p-value that holds for each of 50 looks fails 2 to 22 times as often for the day.
fn highest_of_days(
    views: &[CalibratedView],
    normal: Option<&BucketedCalibration>,
    part: &Part,
) -> Result<Vec<(i64, f32)>, BundleError> {
    let mut surprises: Vec<(u64, f32, i64)> = Vec::with_capacity(part.client_days().len());
    for_each_surprise(
        views,
        normal,
        part.rows(),
        part.request_counts(),
        |row, surprise, _| {
            surprises.push((part.client_days()[row], surprise, part.days()[row]));
        },
    )?;
    surprises.sort_unstable_by(|left, right| left.0.cmp(&right.0).then(right.1.total_cmp(&left.1)));
    surprises.dedup_by_key(|(client_day, _, _)| *client_day);
    Ok(surprises
        .into_iter()
        .map(|(_, surprise, day)| (day, surprise))
        .collect())
}

fn calibrate_combination(highest: &[(i64, f32)]) -> Result<Calibration, BundleError> {
    let scores: Vec<f32> = highest.iter().map(|(_, surprise)| *surprise).collect();
    Calibration::fit(&scores).map_err(|source| BundleError::Calibration {
        what: "combined score",
        source,
    })
}
