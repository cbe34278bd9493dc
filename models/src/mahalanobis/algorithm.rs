//! Fitting in `f64`, scoring in `f32`.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use linfa_linalg::cholesky::CholeskyInplace as _;
use linfa_linalg::triangular::{SolveTriangularInplace as _, UPLO};
use ndarray::{Array1, Array2, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use crate::robust::{RobustScale, inverse_or_zero};
use crate::rows::{Rows, RowsError, predict_rows, to_f32};
use crate::simd::widest;

use super::error::MahalanobisError;
use super::hyperparams::{MahalanobisParams, MahalanobisValidParams, SHRINKAGE_MIN};

/// Sums that run side by side: four vectors of AVX, so that no addition waits for the last.
const SUMS: usize = 32;

/// A fitted distance. Higher scores are more unusual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Mahalanobis {
    params: MahalanobisValidParams,
    scale: RobustScale,
    /// Mean of each scaled and clipped feature.
    means: Vec<f32>,
    /// Whitening matrix W, lower triangular, stored column after column: rows times W have unit covariance.
    whitening: Vec<f32>,
    /// Shrinkage that was applied.
    shrinkage: f64,
    /// W once more, for each group of outputs column after column, zeros behind the last output.
    #[serde(skip_serializing)]
    columns: Vec<Group>,
}

/// A distance as it is stored.
#[derive(Deserialize)]
struct Stored {
    params: MahalanobisValidParams,
    scale: RobustScale,
    means: Vec<f32>,
    whitening: Vec<f32>,
    shrinkage: f64,
}

impl From<Stored> for Mahalanobis {
    fn from(stored: Stored) -> Self {
        let features = stored.means.len().max(1);
        let columns = (0..groups(features))
            .flat_map(|group| {
                let columns = stored.whitening.chunks(features);
                columns.map(move |column| piece(column, group))
            })
            .collect();
        Self {
            params: stored.params,
            scale: stored.scale,
            means: stored.means,
            whitening: stored.whitening,
            shrinkage: stored.shrinkage,
            columns,
        }
    }
}

/// Values that are worked on together; their sums stay in registers.
pub(crate) type Group = [f32; SUMS];

/// Groups that hold so many values.
const fn groups(values: usize) -> usize {
    values.div_ceil(SUMS)
}

/// That group of a column's values, zeros behind the last.
fn piece(column: &[f32], group: usize) -> Group {
    let mut piece = [0.0; SUMS];
    for (place, value) in piece.iter_mut().zip(column.iter().skip(group * SUMS)) {
        *place = *value;
    }
    piece
}

impl Mahalanobis {
    /// Begins the settings of a distance.
    #[must_use]
    pub fn params() -> MahalanobisParams {
        MahalanobisParams::default()
    }

    /// Features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.means.len()
    }

    /// Share of "no correlation at all" that was mixed into the correlations measured.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// Scores rows by squared distance: 0 is the centre, the number of features is ordinary. NaN counts as typical.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.features(), out.len())?;
        let (mut z, mut white) = self.buffers();
        widest(
            #[inline(always)]
            || {
                for (row, score) in rows.iter().zip(out) {
                    self.whiten(row, &mut z, &mut white);
                    *score = squared_length(&white);
                }
            },
        );
        Ok(())
    }

    /// What each feature adds to the squared distance: zᵢ (S⁻¹ z)ᵢ. The parts sum to the score; one may be negative,
    /// where a value makes the others less surprising.
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
        let (mut z, mut white) = self.buffers();
        self.whiten(row, &mut z, &mut white);
        let white = white.as_flattened();
        // S⁻¹ z = Wᵀ (W z), and a column of W is a row of Wᵀ.
        for (feature, column) in self.whitening.chunks_exact(features).enumerate() {
            let precision_z: f32 = column
                .iter()
                .zip(white)
                .map(|(weight, value)| weight * value)
                .sum();
            out[feature] = z[feature] * precision_z;
        }
        Ok(())
    }

    /// Room for a row's deviations and for what whitening makes of them.
    pub(crate) fn buffers(&self) -> (Vec<f32>, Vec<Group>) {
        let features = self.features();
        (vec![0.0; features], vec![[0.0; SUMS]; groups(features)])
    }

    /// Scales a row into `z` and whitens it into `white`: for each output the features' parts are added up in their order, which
    /// depends on nothing but the row. Behind the last feature `white` is zero.
    #[inline(always)]
    pub(crate) fn whiten(&self, row: &[f32], z: &mut [f32], white: &mut [Group]) {
        for (feature, z) in z.iter_mut().enumerate() {
            *z = self.scale.deviation(feature, row[feature], self.params.clip()) - self.means[feature];
        }
        for (sums, columns) in white.iter_mut().zip(self.columns.chunks_exact(z.len())) {
            *sums = combine(z, columns);
        }
    }

    /// What each feature adds to the squared length of a whitened difference: dᵢ (Wᵀ w)ᵢ, where d is the difference
    /// before whitening, found back through the triangle of W. A constant feature adds nothing.
    pub(crate) fn attribute_white(&self, white: &[f32], out: &mut [f32]) {
        let features = self.features();
        let mut left = white.to_vec();
        for (feature, column) in self.whitening.chunks_exact(features).enumerate() {
            let pivot = column[feature];
            let difference = if pivot == 0.0 { 0.0 } else { left[feature] / pivot };
            let mut precision = 0.0;
            for ((left, weight), white) in left[feature..]
                .iter_mut()
                .zip(&column[feature..])
                .zip(&white[feature..])
            {
                *left -= weight * difference;
                precision += weight * white;
            }
            out[feature] = difference * precision;
        }
    }

    /// Checks what a stored distance claims, so that scoring can trust it.
    ///
    /// # Errors
    /// When sizes contradict each other or a number is not one.
    pub fn validate(&self) -> Result<(), MahalanobisError> {
        let features = self.features();
        if !self.scale.is_valid_for(features) || self.whitening.len() != features * features {
            return Err(MahalanobisError::Stored(
                "scale, means and whitening have different sizes",
            ));
        }
        if self
            .whitening
            .iter()
            .chain(&self.means)
            .any(|value| !value.is_finite())
        {
            return Err(MahalanobisError::Stored("a weight is not a number"));
        }
        if self.params.clip().is_nan() || self.params.clip() <= 0.0 {
            return Err(MahalanobisError::Stored("the clip is not above zero"));
        }
        Ok(())
    }
}

/// The sum of columns, each so many times. Above the diagonal W is zero, and what is zero adds nothing.
#[inline(always)]
fn combine(times: &[f32], columns: &[Group]) -> Group {
    let mut sums = [0.0; SUMS];
    for (times, column) in times.iter().zip(columns) {
        for (sum, weight) in sums.iter_mut().zip(column) {
            *sum += weight * times;
        }
    }
    sums
}

#[inline(always)]
fn squared_length(groups: &[Group]) -> f32 {
    let mut sums = [0.0; SUMS];
    for group in groups {
        for (sum, value) in sums.iter_mut().zip(group) {
            *sum += value * value;
        }
    }
    sums.iter().sum()
}

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, MahalanobisError> for MahalanobisValidParams {
    type Object = Mahalanobis;

    /// Fits scale and whitening. Rows must be finite; targets are not looked at.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Mahalanobis, MahalanobisError> {
        let records = to_f32(&dataset.records);
        let (count, features) = records.dim();
        if count < 2 {
            return Err(MahalanobisError::TooFewRows(count));
        }
        let rows = Rows::new(
            records.as_slice().expect("to_f32 gives row-major order"),
            features,
        )?;
        rows.require_finite()?;

        let scale = RobustScale::fit(rows);
        let (means, mut matrix) = moments(rows, &scale, self.clip());
        let per_deviation = correlate(&mut matrix);
        let shrinkage = self
            .shrinkage()
            .unwrap_or_else(|| oracle_shrinkage(&matrix, count))
            .max(SHRINKAGE_MIN);
        shrink(&mut matrix, shrinkage);
        // W = L⁻¹ D⁻¹ with the correlation matrix L Lᵀ and deviations D.
        let lower = matrix.cholesky_into()?;
        let inverse = lower.solve_triangular_into(Array2::eye(features), UPLO::Lower)?;
        let mut whitening = Vec::with_capacity(features * features);
        for (column, &per_deviation) in inverse.columns().into_iter().zip(&per_deviation) {
            whitening.extend(
                column
                    .iter()
                    .map(|weight| (weight * f64::from(per_deviation)) as f32),
            );
        }
        let means = means.into_iter().map(|mean| mean as f32).collect();
        Ok(Mahalanobis::from(Stored {
            params: self.clone(),
            scale,
            means,
            whitening,
            shrinkage,
        }))
    }
}

/// Mean and covariance of the scaled, clipped rows, summed in row order: no blocked product, whose result would depend
/// on the machine's vector width.
fn moments(rows: Rows<'_>, scale: &RobustScale, clip: f32) -> (Vec<f64>, Array2<f64>) {
    let (count, features) = (rows.len() as f64, rows.features());
    let scaled = |row: &[f32], z: &mut [f64]| {
        for (feature, (&value, z)) in row.iter().zip(z).enumerate() {
            *z = f64::from(scale.deviation(feature, value, clip));
        }
    };
    let (mut means, mut z) = (vec![0.0; features], vec![0.0; features]);
    for row in rows.iter() {
        scaled(row, &mut z);
        for (mean, value) in means.iter_mut().zip(&z) {
            *mean += value / count;
        }
    }
    let mut covariance = vec![0.0; features * features];
    for row in rows.iter() {
        scaled(row, &mut z);
        for (value, mean) in z.iter_mut().zip(&means) {
            *value -= mean;
        }
        for (sums, left) in covariance.chunks_exact_mut(features).zip(&z) {
            for (sum, right) in sums.iter_mut().zip(&z) {
                *sum += left * right / count;
            }
        }
    }
    let covariance =
        Array2::from_shape_vec((features, features), covariance).expect("features squared values");
    (means, covariance)
}

/// Turns covariances into correlations and returns one over each deviation; a constant feature gets 0 and correlates
/// with itself alone.
fn correlate(covariance: &mut Array2<f64>) -> Vec<f32> {
    let per_deviation: Vec<f32> = covariance
        .diag()
        .iter()
        .map(|variance| inverse_or_zero(variance.sqrt()))
        .collect();
    for ((row, column), value) in covariance.indexed_iter_mut() {
        *value *= f64::from(per_deviation[row]) * f64::from(per_deviation[column]);
        if row == column {
            *value = 1.0;
        }
    }
    per_deviation
}

/// Oracle approximating shrinkage ρ (Chen et al. 2010, equation 23).
fn oracle_shrinkage(matrix: &Array2<f64>, rows: usize) -> f64 {
    let (n, p) = (rows as f64, matrix.nrows() as f64);
    let trace = matrix.diag().sum();
    let trace_of_square = matrix.iter().map(|value| value * value).sum::<f64>();
    let numerator = (1.0 - 2.0 / p) * trace_of_square + trace * trace;
    let denominator = (n + 1.0 - 2.0 / p) * (trace_of_square - trace * trace / p);
    if denominator <= 0.0 {
        1.0
    } else {
        (numerator / denominator).clamp(0.0, 1.0)
    }
}

/// Mixes in the target: no correlation.
fn shrink(correlation: &mut Array2<f64>, share: f64) {
    for ((row, column), value) in correlation.indexed_iter_mut() {
        if row != column {
            *value *= 1.0 - share;
        }
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for Mahalanobis {
    /// Scores every row; see [`Mahalanobis::score_rows`]. Like linfa's own models it panics when the shapes differ.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        predict_rows(x, y, self.features(), |rows, scores| {
            self.score_rows(rows, scores)
        });
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
