//! Squared Mahalanobis distance: odd in combination, though ordinary feature by feature.
//!
//! Values are scaled robustly (median, interquartile range), held within ±15 deviations, and whitened by a shrunken
//! correlation matrix; the score is the squared length of what results. A slow attack often stays inside the usual range
//! of every feature and breaks only their relations (many requests, few distinct ones, no pauses); a forest that cuts
//! along one feature at a time is nearly blind to that, and this view is not.
//!
//! Sources: P. C. Mahalanobis, "On the generalised distance in statistics", 1936; shrinkage by Y. Chen, A. Wiesel,
//! Y. C. Eldar, A. O. Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", IEEE Trans. Signal Processing 58
//! (2010), equation 23 (oracle approximating shrinkage).
//!
//! Fit it on rows that hold no attacks: a campaign of 3 to 9% of the clients teaches it that the attack is normal.

mod algorithm;
mod error;
mod hyperparams;
#[cfg(test)]
mod tests;

pub(crate) use algorithm::Group;
pub use algorithm::Mahalanobis;
pub use error::MahalanobisError;
pub use hyperparams::{CLIP_MAX, MahalanobisParams, MahalanobisValidParams, SHRINKAGE_MIN};

use linfa::DatasetBase;
use linfa::prelude::Fit;

use crate::view::{ModelSpec, decode_with};

/// This model's entry in [`crate::view::MODELS`].
pub(crate) const SPEC: ModelSpec = ModelSpec {
    name: "mahalanobis",
    strength: "combinations of values that do not occur together, each ordinary by itself",
    weakness: "a training set with attacks in it, and groups of clients that are honest and unlike the rest",
    fit: |input| {
        Ok(Box::new(
            Mahalanobis::params().fit(&DatasetBase::from(input.rows.view()))?,
        ))
    },
    decode: |bytes, features| decode_with(bytes, features, Mahalanobis::validate),
};
