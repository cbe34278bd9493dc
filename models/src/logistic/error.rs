//! What can be wrong with the regression's settings or training rows.

use crate::rows::RowsError;

use super::hyperparams::{PENALTY_MAX, PENALTY_MIN};

/// Says why the regression was not fitted.
#[derive(Debug, thiserror::Error)]
pub enum LogisticError {
    /// The penalty is no usable weight.
    #[error("could not penalise weights by {0}: a number from {PENALTY_MIN} to {PENALTY_MAX} is needed")]
    Penalty(f64),
    /// The rows are all of one kind, or there are none.
    #[error("could not tell two kinds apart: all of {0} rows are of one kind")]
    OneKind(usize),
    /// There is not one target for each row.
    #[error("could not fit {rows} rows to {targets} targets")]
    Targets {
        /// Rows given.
        rows: usize,
        /// Targets given.
        targets: usize,
    },
    /// The training rows are not usable.
    #[error("could not fit a regression: {0}")]
    Rows(#[from] RowsError),
    /// A step could not be solved for.
    #[error("could not solve for a step: {0}")]
    Step(#[from] linfa_linalg::LinalgError),
    /// The steps came to no end.
    #[error("could not find the weights within {0} steps")]
    NotFound(usize),
    /// An error of linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}
