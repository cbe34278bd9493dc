//! Machine learning: training, scoring, calibration, evaluation, artifacts.
//!
//! Modules stand in the order in which rows of numbers meet them. Nothing here reads a file or looks at a clock, and every
//! random choice takes a seed: the same rows and the same seed give the same bytes. Scoring starts no thread; in fitting,
//! linfa's k-means does, and no bit depends on how many.
//!
//! [`training::TrainingSet`] → [`bundle::ModelBundle::fit`] → [`bundle::ModelBundle::score`] and
//! [`bundle::ModelBundle::explain`] is the whole way; callers need no matrix library.

// What comes in.
pub mod rows;
pub mod schema;
pub mod training;

// Measures that several models rest on.
mod empirical;
pub mod robust;
mod simd;

// The views, the list of them, and what each must beat.
pub mod isolation_forest;
pub mod mahalanobis;
pub mod prototypes;
pub mod tail;
pub mod view;

pub mod baseline;

// From scores to one p-value.
pub mod calibration;
pub mod combine;
pub mod interval;

// What goes out.
pub mod bundle;
pub mod card;

// What people said of it.
pub mod logistic;

// Whether it is any good, and still is.
pub mod drift;
pub mod evaluation;

#[cfg(test)]
mod testing;
