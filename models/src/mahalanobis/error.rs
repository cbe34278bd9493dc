//! What can be wrong with this view's settings or training rows.

use crate::rows::RowsError;

use super::hyperparams::CLIP_MAX;

/// Says why the distance was not fitted or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum MahalanobisError {
    /// The clip is no usable number of deviations.
    #[error("could not hold values within {0} deviations: a number above 0 and at most {CLIP_MAX} is needed")]
    Clip(f32),
    /// The shrinkage is no share.
    #[error("could not shrink by {0}: a number from 0 to 1 is needed")]
    Shrinkage(f64),
    /// One row has no spread.
    #[error("could not fit a distance to {0} rows: at least 2 are needed")]
    TooFewRows(usize),
    /// The training rows are not usable.
    #[error("could not fit a distance: {0}")]
    Rows(#[from] RowsError),
    /// The correlation matrix could not be decomposed.
    #[error("could not whiten the training rows: {0}")]
    Whitening(#[from] linfa_linalg::LinalgError),
    /// A stored distance contradicts itself.
    #[error("could not read a stored distance: {0}")]
    Stored(&'static str),
    /// An error of linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
