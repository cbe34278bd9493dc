//! Nearest prototypes: far from everybody, though not far from the middle.
//!
//! Rows are whitened as for [`crate::mahalanobis`], a sample of them is divided into several hundred groups by linfa's
//! k-means, and the score is the squared distance to the nearest group's centre. Clients come in kinds (people, partners'
//! jobs, monitors, crawlers), and what lies between the kinds is near the mean of all of them: the distance from the one
//! middle calls it ordinary, and the distance to the nearest kind does not. A group with few rows is no kind and is left
//! out, so that a handful of odd rows cannot vouch for themselves.
//!
//! Sources: S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory 28 (1982); prototypes in place
//! of all neighbours as in S. Ramaswamy, R. Rastogi, K. Shim, "Efficient Algorithms for Mining Outliers from Large Data
//! Sets", SIGMOD 2000.
//!
//! Fit it on rows that hold no attacks: a campaign large enough becomes a kind of its own.

mod algorithm;
mod error;
mod hyperparams;
#[cfg(test)]
mod tests;

pub use algorithm::Prototypes;
pub use error::PrototypesError;
pub use hyperparams::{PROTOTYPES_MAX, PrototypesParams, PrototypesValidParams, SAMPLE_MAX};

use linfa::DatasetBase;
use linfa::prelude::Fit;

use crate::view::{ModelSpec, decode_with};

/// This model's entry in [`crate::view::MODELS`].
pub(crate) const SPEC: ModelSpec = ModelSpec {
    name: "prototypes",
    strength: "clients unlike every kind of client there is, also where they lie between the kinds",
    weakness: "a training set with attacks in it, and honest kinds of clients that it held few of",
    fit: |input| {
        Ok(Box::new(
            Prototypes::params(input.seed).fit(&DatasetBase::from(input.rows.view()))?,
        ))
    },
    decode: |bytes, features| decode_with(bytes, features, Prototypes::validate),
};
