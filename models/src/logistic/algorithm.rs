//! Fitting by Newton's method, halving a step that would go too far.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use linfa_linalg::cholesky::CholeskyInplace as _;
use linfa_linalg::triangular::{SolveTriangularInplace as _, UPLO};
use ndarray::{Array1, Array2, ArrayBase, Data, Ix1, Ix2};

use crate::rows::{Rows, RowsError, predict_rows, to_f32};

use super::error::LogisticError;
use super::hyperparams::{LogisticParams, LogisticValidParams};

/// Steps in which the optimum is found, or it is not: from zero, and with a penalty, ten are many.
const STEPS_MAX: usize = 100;

/// A step whose largest part is below this is the last: weights are used to three digits.
const STEP_MIN: f64 = 1e-10;

/// Halvings of one step: after so many it is no longer than rounding.
const HALVINGS_MAX: usize = 50;

/// The curvature is never taken to be less than this in any direction, so that it can always be divided by: only the offset, which
/// no penalty holds, can come near.
const CURVATURE_MIN: f64 = 1e-9;

/// A fitted regression.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// One weight for each feature, then the offset.
    weights: Vec<f64>,
}

impl Logistic {
    /// Begins the settings of a regression.
    #[must_use]
    pub fn params() -> LogisticParams {
        LogisticParams::default()
    }

    /// Fits a regression with the usual settings to rows of `features` values, and whether each is of the kind that is called true.
    ///
    /// # Errors
    /// When the slices do not fit together, or cannot be learnt from.
    pub fn learn(rows: &[f32], features: usize, targets: &[bool]) -> Result<Self, LogisticError> {
        let rows = Rows::new(rows, features)?;
        let targets = Array1::from(targets.to_vec());
        Self::params().fit(&DatasetBase::new(rows.view(), targets))
    }

    /// Features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.weights.len() - 1
    }

    /// What one unit of each feature adds to the logarithm of the odds.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights[..self.features()]
    }

    /// The logarithm of the odds of a row of zeros.
    #[must_use]
    pub fn offset(&self) -> f64 {
        self.weights[self.features()]
    }

    /// How likely each row is of the kind that was called true, from 0 to 1. NaN counts as zero.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn likelihood_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.features(), out.len())?;
        for (row, likelihood) in rows.iter().zip(out) {
            *likelihood = sigmoid(log_odds(&self.weights, row)) as f32;
        }
        Ok(())
    }
}

impl<F, D, K> Fit<ArrayBase<D, Ix2>, ArrayBase<K, Ix1>, LogisticError> for LogisticValidParams
where
    F: Float,
    D: Data<Elem = F>,
    K: Data<Elem = bool>,
{
    type Object = Logistic;

    /// Finds the weights. Rows must be finite, and of both kinds.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, ArrayBase<K, Ix1>>,
    ) -> Result<Logistic, LogisticError> {
        let records = to_f32(&dataset.records);
        let features = records.ncols();
        let rows = Rows::new(
            records.as_slice().expect("to_f32 gives row-major order"),
            features,
        )?;
        rows.require_finite()?;
        let targets = dataset.targets.to_vec();
        if targets.len() != rows.len() {
            return Err(LogisticError::Targets {
                rows: rows.len(),
                targets: targets.len(),
            });
        }
        if targets.iter().all(|target| *target) || !targets.contains(&true) {
            return Err(LogisticError::OneKind(targets.len()));
        }
        let problem = Problem {
            rows,
            targets: &targets,
            penalty: self.penalty(),
        };
        let mut weights = vec![0.0; features + 1];
        for _ in 0..STEPS_MAX {
            let step = problem.step(&weights)?;
            let taken = problem.take(&mut weights, &step);
            if taken <= STEP_MIN {
                return Ok(Logistic { weights });
            }
        }
        Err(LogisticError::NotFound(STEPS_MAX))
    }
}

/// What is to be fitted.
struct Problem<'a> {
    rows: Rows<'a>,
    targets: &'a [bool],
    penalty: f64,
}

impl Problem<'_> {
    /// The negative log-likelihood and its penalty, which are to be least.
    fn cost(&self, weights: &[f64]) -> f64 {
        let likelihood: f64 = self
            .rows
            .iter()
            .zip(self.targets)
            .map(|(row, target)| {
                let odds = log_odds(weights, row);
                let wrong = if *target { -odds } else { odds };
                // ln(1 + e^x) without an overflow.
                wrong.max(0.0) + libm::log1p(libm::exp(-wrong.abs()))
            })
            .sum();
        let squares: f64 = weights[..self.rows.features()]
            .iter()
            .map(|weight| weight * weight)
            .sum();
        likelihood + 0.5 * self.penalty * squares
    }

    /// Newton's step: the solution of curvature times step = slope. Summed in row order, so that no bit depends on the machine's
    /// vector width.
    fn step(&self, weights: &[f64]) -> Result<Vec<f64>, LogisticError> {
        let (features, size) = (self.rows.features(), weights.len());
        let mut slope = vec![0.0; size];
        let mut curvature = vec![0.0; size * size];
        let mut extended = vec![1.0; size];
        for (row, target) in self.rows.iter().zip(self.targets) {
            for (place, value) in extended.iter_mut().zip(row) {
                *place = f64::from(*value);
            }
            let likelihood = sigmoid(log_odds(weights, row));
            let error = likelihood - f64::from(u8::from(*target));
            let spread = likelihood * (1.0 - likelihood);
            for (left, (sum, sums)) in extended
                .iter()
                .zip(slope.iter_mut().zip(curvature.chunks_exact_mut(size)))
            {
                *sum += error * left;
                for (sum, right) in sums.iter_mut().zip(&extended) {
                    *sum += spread * left * right;
                }
            }
        }
        for (feature, weight) in weights[..features].iter().enumerate() {
            slope[feature] += self.penalty * weight;
            curvature[feature * size + feature] += self.penalty;
        }
        curvature[size * size - 1] += CURVATURE_MIN;
        let curvature = Array2::from_shape_vec((size, size), curvature).expect("size squared values");
        let slope = Array2::from_shape_vec((size, 1), slope).expect("size values");
        let lower = curvature.cholesky_into()?;
        let half = lower.solve_triangular_into(slope, UPLO::Lower)?;
        let step = lower.t().to_owned().solve_triangular_into(half, UPLO::Upper)?;
        Ok(step.iter().copied().collect())
    }

    /// Goes as much of a step as makes the cost smaller; gives the largest change of a weight.
    fn take(&self, weights: &mut [f64], step: &[f64]) -> f64 {
        let before = self.cost(weights);
        let mut share = 1.0;
        for _ in 0..HALVINGS_MAX {
            let next: Vec<f64> = weights
                .iter()
                .zip(step)
                .map(|(weight, part)| weight - share * part)
                .collect();
            if self.cost(&next) < before {
                weights.copy_from_slice(&next);
                return share * step.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
            }
            share *= 0.5;
        }
        0.0
    }
}

/// The logarithm of a row's odds. The last weight is the offset.
fn log_odds(weights: &[f64], row: &[f32]) -> f64 {
    let offset = weights.last().copied().unwrap_or_default();
    let weighed: f64 = row
        .iter()
        .zip(weights)
        .filter(|(value, _)| value.is_finite())
        .map(|(value, weight)| f64::from(*value) * weight)
        .sum();
    offset + weighed
}

fn sigmoid(odds: f64) -> f64 {
    // libm, as elsewhere: the same bits on every machine.
    1.0 / (1.0 + libm::exp(-odds))
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for Logistic {
    /// How likely every row is; see [`Logistic::likelihood_rows`]. Like linfa's own models it panics when the shapes differ.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        predict_rows(x, y, self.features(), |rows, out| self.likelihood_rows(rows, out));
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
