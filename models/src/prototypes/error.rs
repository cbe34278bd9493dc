//! What can be wrong with this view's settings or training rows.

use crate::mahalanobis::MahalanobisError;
use crate::rows::RowsError;

use super::hyperparams::{PROTOTYPES_MAX, SAMPLE_MAX};

/// Says why prototypes were not fitted or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum PrototypesError {
    /// No usable number of prototypes.
    #[error("could not look for {0} prototypes: at least 1 and at most {PROTOTYPES_MAX} are allowed")]
    Prototypes(usize),
    /// No usable sample.
    #[error("could not look for prototypes among {0} rows: at least 1 and at most {SAMPLE_MAX} are allowed")]
    Sample(usize),
    /// No pass over the rows.
    #[error("could not look for prototypes in {0} passes: at least 1 is needed")]
    Passes(u64),
    /// The training rows are not usable.
    #[error("could not fit prototypes: {0}")]
    Rows(#[from] RowsError),
    /// The rows could not be whitened.
    #[error("could not whiten the rows for prototypes: {0}")]
    Whitening(#[from] MahalanobisError),
    /// linfa's k-means refused.
    #[error("could not group the rows: {0}")]
    Grouping(#[from] linfa_clustering::KMeansError),
    /// Stored prototypes contradict themselves.
    #[error("could not read stored prototypes: {0}")]
    Stored(&'static str),
    /// An error of linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
