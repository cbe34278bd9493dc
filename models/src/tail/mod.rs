//! One-sided tail probabilities, feature by feature: how many ordinary clients go at least this far?
//!
//! Each feature has a direction in which it speaks against a client. For a value x the tail probability is
//! (1 + clients at or beyond x) / (1 + clients), never zero, because a sample of n cannot show a probability below
//! 1/(n + 1). The score is the sum of max(0, ln(τ/p)) over the features, τ = 0.05. Beyond the farthest client seen the
//! evidence keeps growing slowly with the distance, so that scores can be ranked there; the probability reported does not.
//!
//! Sources: Z. Li, Y. Zhao, X. Hu, N. Botta, C. Ionescu, G. H. Chen, "ECOD: Unsupervised Outlier Detection Using
//! Empirical Cumulative Distribution Functions", IEEE TKDE 2022, with the direction known instead of guessed; the sum
//! with soft threshold from H. Zhang, T. Tong, J. Landers, Z. Wu, "TFisher: A powerful truncation and weighting
//! procedure for combining p-values", Annals of Applied Statistics 14 (2020).
//!
//! It is the view that suffers least from attackers in the training set, and the one that explanations are made of
//! ("97% of its requests were refused logins; 99.9% of clients stay under 4%"). It sees no combinations.

mod algorithm;
mod error;
mod hyperparams;
#[cfg(test)]
mod tests;

pub use algorithm::{FeatureQuantiles, Side, TailValue, Tails};
pub use error::TailError;
pub use hyperparams::{TailParams, TailValidParams};

use linfa::DatasetBase;
use linfa::prelude::Fit;

use crate::view::{ModelSpec, decode_with};

/// This model's entry in [`crate::view::MODELS`].
pub(crate) const SPEC: ModelSpec = ModelSpec {
    name: "tail",
    strength: "single values beyond what clients do, also when the training set is not quite clean",
    weakness: "attacks that stay inside the usual range of every feature",
    fit: |input| {
        let params = Tails::params(input.directions.to_vec());
        Ok(Box::new(params.fit(&DatasetBase::from(input.rows.view()))?))
    },
    decode: |bytes, features| decode_with(bytes, features, Tails::validate),
};
