//! Settings of the tails: a direction for each feature.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::rows::FEATURES_MAX;
use crate::schema::Direction;

use super::error::TailError;

/// Checked settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailValidParams {
    directions: Vec<Direction>,
}

impl TailValidParams {
    /// Directions in the order of the features.
    #[must_use]
    pub fn directions(&self) -> &[Direction] {
        &self.directions
    }
}

/// Settings as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailParams(TailValidParams);

impl TailParams {
    /// Takes the direction of each feature, in order.
    #[must_use]
    pub fn new(directions: Vec<Direction>) -> Self {
        Self(TailValidParams { directions })
    }
}

impl ParamGuard for TailParams {
    type Checked = TailValidParams;
    type Error = TailError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let count = self.0.directions.len();
        if count == 0 || count > FEATURES_MAX {
            return Err(TailError::Directions(count));
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}
