//! What can be wrong with this view's settings or training rows.

use crate::rows::{FEATURES_MAX, RowsError};

/// Says why tails were not fitted or not loaded.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// No direction, or too many.
    #[error("could not use {0} directions: at least 1 and at most {FEATURES_MAX} are allowed")]
    Directions(usize),
    /// There is not one direction for each feature.
    #[error("could not fit tails of {features} features with {directions} directions")]
    Mismatch {
        /// Features of the rows.
        features: usize,
        /// Directions given.
        directions: usize,
    },
    /// There are no rows.
    #[error("could not fit tails to no rows")]
    NoRows,
    /// The training rows are not usable.
    #[error("could not fit tails: {0}")]
    Rows(#[from] RowsError),
    /// Stored tails contradict themselves.
    #[error("could not read stored tails: {0}")]
    Stored(&'static str),
    /// An error of linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
