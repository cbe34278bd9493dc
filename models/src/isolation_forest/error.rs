//! What can be wrong with an isolation forest's settings or training rows.

use crate::rows::RowsError;

use super::hyperparams::{SAMPLES_MAX, SAMPLES_MIN, TREES_MAX};

/// Says why a forest was not fitted or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum IsolationForestError {
    /// The number of trees is outside its limits.
    #[error("could not grow {0} trees: at least 1 and at most {TREES_MAX} are allowed")]
    Trees(usize),
    /// The number of samples a tree is grown from is outside its limits.
    #[error(
        "could not grow trees from {0} samples: at least {SAMPLES_MIN} and at most {SAMPLES_MAX} are allowed"
    )]
    Samples(usize),
    /// There are too few rows to cut anything.
    #[error("could not grow a forest from {0} rows: at least {SAMPLES_MIN} are needed")]
    TooFewRows(usize),
    /// The training rows are not usable.
    #[error("could not grow a forest: {0}")]
    Rows(#[from] RowsError),
    /// A stored forest contradicts itself.
    #[error("could not read a stored forest: {0}")]
    Stored(&'static str),
    /// An error of linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
