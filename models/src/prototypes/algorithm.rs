//! Fitting by linfa's k-means, scoring by the nearest centre.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array1, Array2, ArrayBase, Axis, Data, Ix2};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::mahalanobis::{Group, Mahalanobis};
use crate::rows::{Rows, RowsError, predict_rows, to_f32};
use crate::simd::widest;

use super::error::PrototypesError;
use super::hyperparams::{PrototypesParams, PrototypesValidParams};

/// Rows to a prototype at least: with fewer, each row would be its own.
const ROWS_PER_PROTOTYPE: usize = 5;

/// The centres stop moving below this, in whitened deviations.
const TOLERANCE: f32 = 1e-3;

/// Centres that a row is compared with at once: four vectors of AVX, so that no addition waits for the last, and no vector's
/// places are summed up to one number for each centre, which took longer than the distance itself.
const TOGETHER: usize = 32;

/// One feature of so many centres.
type Places = [f32; TOGETHER];

/// Fitted prototypes. Higher scores are more unusual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Prototypes {
    params: PrototypesValidParams,
    whitener: Mahalanobis,
    /// Whitened centres, row after row.
    pub(super) centres: Vec<f32>,
    /// The centres once more, so many together, feature after feature; places that are left over are infinitely far away.
    #[serde(skip_serializing)]
    together: Vec<Places>,
}

/// Prototypes as they are stored.
#[derive(Deserialize)]
struct Stored {
    params: PrototypesValidParams,
    whitener: Mahalanobis,
    centres: Vec<f32>,
}

impl From<Stored> for Prototypes {
    fn from(stored: Stored) -> Self {
        let features = stored.whitener.features().max(1);
        let together = stored
            .centres
            .chunks(TOGETHER * features)
            .flat_map(|centres| (0..features).map(move |feature| places(centres, features, feature)))
            .collect();
        Self {
            params: stored.params,
            whitener: stored.whitener,
            centres: stored.centres,
            together,
        }
    }
}

/// One feature of some centres.
fn places(centres: &[f32], features: usize, feature: usize) -> Places {
    let mut places = [f32::INFINITY; TOGETHER];
    for (place, centre) in places.iter_mut().zip(centres.chunks_exact(features)) {
        *place = centre[feature];
    }
    places
}

impl Prototypes {
    /// Begins the settings of prototypes.
    #[must_use]
    pub fn params(seed: u64) -> PrototypesParams {
        PrototypesParams::new(seed)
    }

    /// Features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.whitener.features()
    }

    /// Number of prototypes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.centres.len() / self.features()
    }

    /// True when there is no prototype; a fitted model has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// Scores rows by the squared distance to the nearest prototype. NaN counts as typical.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.features(), out.len())?;
        let (mut z, mut white) = self.whitener.buffers();
        // Wide vectors halve the time: a row is compared with every prototype.
        widest(
            #[inline(always)]
            || {
                for (row, score) in rows.iter().zip(out) {
                    self.whitener.whiten(row, &mut z, &mut white);
                    *score = self.nearest(&white);
                }
            },
        );
        Ok(())
    }

    /// What each feature adds to the squared distance: the parts sum to the score; one may be negative, where a value
    /// makes the others less surprising.
    ///
    /// # Errors
    /// When the slices do not have one value for each feature.
    pub fn contributions(&self, row: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let features = self.features();
        if row.len() != features || out.len() != features {
            return Err(RowsError::Ragged {
                values: row.len().min(out.len()),
                features,
            });
        }
        let (mut z, mut white) = self.whitener.buffers();
        self.whitener.whiten(row, &mut z, &mut white);
        let centre = self.nearest_centre(&white);
        let white = &mut white.as_flattened_mut()[..features];
        for (value, centre) in white.iter_mut().zip(&self.centres[centre * features..]) {
            *value -= centre;
        }
        self.whitener.attribute_white(white, out);
        Ok(())
    }

    /// The squared distance to the nearest prototype.
    #[inline(always)]
    fn nearest(&self, white: &[Group]) -> f32 {
        let mut nearest = [f32::INFINITY; TOGETHER];
        for centres in self.together.chunks_exact(self.features()) {
            let distances = squared_distances(white.as_flattened(), centres);
            for (nearest, distance) in nearest.iter_mut().zip(distances) {
                *nearest = if distance < *nearest { distance } else { *nearest };
            }
        }
        let smaller = |least, distance| if distance < least { distance } else { least };
        nearest.into_iter().fold(f32::INFINITY, smaller)
    }

    /// The nearest prototype's number, the first where several are as near.
    fn nearest_centre(&self, white: &[Group]) -> usize {
        let groups = self.together.chunks_exact(self.features());
        let distances = groups.flat_map(|centres| squared_distances(white.as_flattened(), centres));
        let mut nearest = (0, f32::INFINITY);
        for (centre, distance) in distances.enumerate() {
            if distance < nearest.1 {
                nearest = (centre, distance);
            }
        }
        nearest.0
    }

    /// Checks what stored prototypes claim, so that scoring can trust them.
    ///
    /// # Errors
    /// When sizes contradict each other or a number is not one.
    pub fn validate(&self) -> Result<(), PrototypesError> {
        self.whitener.validate()?;
        if self.centres.is_empty() || !self.centres.len().is_multiple_of(self.features()) {
            return Err(PrototypesError::Stored("the centres are not whole rows"));
        }
        if self.centres.iter().any(|value| !value.is_finite()) {
            return Err(PrototypesError::Stored("a centre is not a number"));
        }
        Ok(())
    }
}

#[inline(always)]
fn squared_distances(white: &[f32], centres: &[Places]) -> Places {
    let mut sums = [0.0; TOGETHER];
    for (value, places) in white.iter().zip(centres) {
        for (sum, place) in sums.iter_mut().zip(places) {
            *sum += (value - place) * (value - place);
        }
    }
    sums
}

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, PrototypesError> for PrototypesValidParams {
    type Object = Prototypes;

    /// Fits whitening and prototypes. Rows must be finite; targets are not looked at.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Prototypes, PrototypesError> {
        let records = to_f32(&dataset.records);
        let whitener = Mahalanobis::params().fit(&DatasetBase::from(records.view()))?;
        let white = whiten_sample(self, &whitener, &records);
        let groups = self.prototypes().min((white.nrows() / ROWS_PER_PROTOTYPE).max(1));
        let members_min = self.members_min().min(white.nrows() / groups);
        let rng = Xoshiro256PlusPlus::seed_from_u64(self.seed());
        // Starting from rows drawn by lot puts prototypes where the rows are; k-means++ prefers the farthest rows, which
        // are the ones that must not become prototypes. Each row's group depends on that row alone, so that the threads
        // k-means works with change no bit.
        let grouped = KMeans::params_with_rng(groups, rng)
            .init_method(KMeansInit::Random)
            .n_runs(1)
            .max_n_iterations(self.passes())
            .tolerance(TOLERANCE)
            .fit(&DatasetBase::from(white))?;
        // At least one group is as large as the average.
        let kept = grouped
            .centroids()
            .rows()
            .into_iter()
            .zip(grouped.cluster_count())
            .filter(|(_, members)| **members as usize >= members_min);
        Ok(Prototypes::from(Stored {
            params: self.clone(),
            whitener,
            centres: kept.flat_map(|(centre, _)| centre.to_vec()).collect(),
        }))
    }
}

/// Whitens the rows that are grouped, drawn by lot where there are more than wanted.
fn whiten_sample(
    params: &PrototypesValidParams,
    whitener: &Mahalanobis,
    records: &Array2<f32>,
) -> Array2<f32> {
    let count = records.nrows();
    let mut chosen: Vec<usize> = if count > params.sample() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(params.seed());
        rand::seq::index::sample(&mut rng, count, params.sample()).into_vec()
    } else {
        (0..count).collect()
    };
    chosen.sort_unstable();
    let mut sample = records.select(Axis(0), &chosen);
    let (mut z, mut white) = whitener.buffers();
    for mut row in sample.rows_mut() {
        whitener.whiten(&row.to_vec(), &mut z, &mut white);
        row.iter_mut()
            .zip(white.as_flattened())
            .for_each(|(value, white)| *value = *white);
    }
    sample
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for Prototypes {
    /// Scores every row; see [`Prototypes::score_rows`]. Like linfa's own models it panics when the shapes differ.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        predict_rows(x, y, self.features(), |rows, scores| {
            self.score_rows(rows, scores)
        });
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
