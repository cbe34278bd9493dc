//! Isolation forest: what few random cuts can set apart from everyone else is unusual.
//!
//! Every tree takes a small sample of the training rows and cuts it by a random feature at a random value until each
//! row stands alone or the depth limit is reached. A row's score is `2^(−E[h] / c(ψ))`, where `E[h]` is its mean depth
//! over the trees and c(ψ) the mean depth of an unsuccessful search in a binary search tree of ψ entries:
//! near 1 for what is isolated at once, about 0.5 for what is ordinary.
//!
//! Source: F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008, algorithms 1 to 3, equations 1 and 2.
//!
//! Seen well: what is far out in some feature, also in a training set that is not quite clean. Not seen: what is
//! ordinary in every feature and odd only in their combination (that is [`crate::mahalanobis`]'s part).
//!
//! Cuts are drawn between a feature's least and greatest value, so scaling or shifting a feature changes nothing.

mod algorithm;
mod error;
mod hyperparams;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use algorithm::IsolationForest;
pub use error::IsolationForestError;
pub use hyperparams::{
    IsolationForestParams, IsolationForestValidParams, SAMPLES_MAX, SAMPLES_MIN, TREES_MAX,
};

use linfa::DatasetBase;
use linfa::prelude::Fit;

use crate::view::{ModelSpec, decode_with};

/// This model's entry in [`crate::view::MODELS`].
pub(crate) const SPEC: ModelSpec = ModelSpec {
    name: "isolation_forest",
    strength: "values far out in some feature, also when the training set is not quite clean",
    weakness: "clients that are odd only in how their features relate",
    fit: |input| {
        let params = IsolationForest::params(input.seed);
        Ok(Box::new(params.fit(&DatasetBase::from(input.rows.view()))?))
    },
    decode: |bytes, features| decode_with(bytes, features, IsolationForest::validate),
};
