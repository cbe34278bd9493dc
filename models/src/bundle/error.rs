//! What can go wrong between training rows and a loaded bundle.

use crate::calibration::CalibrationError;
use crate::rows::RowsError;
use crate::schema::Fingerprint;
use crate::tail::TailError;
use crate::training::TrainingError;
use crate::view::ViewError;

use super::artifact::{BUNDLE_BYTES_MAX, FORMAT_NEWEST, FORMAT_OLDEST};
use super::fit::NAME_BYTES_MAX;

/// Says why a bundle was not fitted, written or loaded. None of these is worth retrying with the same input.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The name is empty or too long.
    #[error("could not name a model {0:?}: 1 to {NAME_BYTES_MAX} bytes are allowed")]
    Name(String),
    /// The training rows are not usable.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A view could not be fitted, written or read.
    #[error("view {name}: {source}")]
    View {
        /// The view.
        name: &'static str,
        /// What it said.
        source: ViewError,
    },
    /// The part of the training rows kept for calibration does not do.
    #[error("{what}: {source}")]
    Calibration {
        /// What was being calibrated.
        what: &'static str,
        /// What is wrong.
        source: CalibrationError,
    },
    /// The population's tails could not be measured.
    #[error(transparent)]
    Population(#[from] TailError),
    /// Rows do not fit the schema.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The bytes are something else.
    #[error("could not load a model: this is not a portcullis model file")]
    NotABundle,
    /// The bytes were written by another version.
    #[error(
        "could not load a model of format {0}: this version reads formats {FORMAT_OLDEST} to {FORMAT_NEWEST}"
    )]
    Format(u16),
    /// The model takes other features.
    #[error(
        "could not load a model made for feature schema {found}: this version computes {expected} \
         ({})",
        difference(missing, added)
    )]
    OtherSchema {
        /// Schema the model was trained with.
        found: Fingerprint,
        /// Schema the caller computes.
        expected: Fingerprint,
        /// Features the model needs and the caller does not compute.
        missing: Vec<String>,
        /// Features the caller computes and the model does not know.
        added: Vec<String>,
    },
    /// The file ends early or goes on too long.
    #[error("could not load a model: the file holds {found} bytes where {expected} were written")]
    Length {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// The file is larger than any model.
    #[error("could not load a model of {0} bytes: at most {BUNDLE_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// The bytes are not those that were written.
    #[error("could not load a model: its checksum does not match, the file is damaged")]
    Damaged,
    /// The model uses a view this version does not have.
    #[error("could not load a model with a view named {0:?}: this version has none of that name")]
    UnknownView(String),
    /// Parts of the model contradict each other.
    #[error("could not load a model: {0}")]
    Contradiction(&'static str),
    /// The bytes do not decode.
    #[error("could not read or write a model: {0}")]
    Coding(#[from] postcard::Error),
}

/// How the features of a model differ from those computed here, in words.
fn difference(missing: &[String], added: &[String]) -> String {
    if missing.is_empty() && added.is_empty() {
        return "the same features, of which some mean something else by now: train a model anew".to_owned();
    }
    format!("it lacks {} and adds {}", listed(missing), listed(added))
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
