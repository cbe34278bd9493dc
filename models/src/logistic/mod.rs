//! Ridge logistic regression: how likely a row is of one kind, learnt from a few dozen that people have judged.
//!
//! The penalised likelihood is strictly concave, so that it has one optimum: the same rows give the same weights in whatever
//! order they come, and nothing has to be kept between fits. Newton's method finds it in a handful of steps, each a Cholesky
//! solve. The penalty keeps weights finite also where the kinds can be parted without a mistake, which with fewer rows than
//! features they always can.
//!
//! `linfa-ftrl` begins at random weights and goes over the rows once; `linfa-logistic` brings an optimiser of its own with it.
//!
//! Sources: S. le Cessie, J. C. van Houwelingen, "Ridge Estimators in Logistic Regression", Applied Statistics 41 (1992);
//! C. M. Bishop, "Pattern Recognition and Machine Learning" (2006), section 4.3.3.

mod algorithm;
mod error;
mod hyperparams;
#[cfg(test)]
mod tests;

pub use algorithm::Logistic;
pub use error::LogisticError;
pub use hyperparams::{LogisticParams, LogisticValidParams, PENALTY_MAX, PENALTY_MIN};
