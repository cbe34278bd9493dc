//! Settings of the regression: written freely, checked once.

use linfa::ParamGuard;

use super::error::LogisticError;

/// Least penalty: under it, kinds that can be parted without a mistake drive weights to where `exp` has no digits left.
pub const PENALTY_MIN: f64 = 1e-6;

/// Largest penalty: beyond it no weight can be told from zero.
pub const PENALTY_MAX: f64 = 1e6;

/// Penalty unless told otherwise: that of weights which are normal around zero with deviation one. A feature between 0 and 1 may
/// then change the odds about threefold either way before it takes many rows to say so.
const PENALTY_DEFAULT: f64 = 1.0;

/// Checked settings.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticValidParams {
    penalty: f64,
}

impl LogisticValidParams {
    /// What half the square of each weight costs, in log-likelihood. The offset costs nothing.
    #[must_use]
    pub fn penalty(&self) -> f64 {
        self.penalty
    }
}

/// Settings as written: a penalty of one unless told otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticParams(LogisticValidParams);

impl Default for LogisticParams {
    fn default() -> Self {
        Self(LogisticValidParams {
            penalty: PENALTY_DEFAULT,
        })
    }
}

impl LogisticParams {
    /// Sets what half the square of each weight costs, in log-likelihood.
    #[must_use]
    pub fn penalty(mut self, penalty: f64) -> Self {
        self.0.penalty = penalty;
        self
    }
}

impl ParamGuard for LogisticParams {
    type Checked = LogisticValidParams;
    type Error = LogisticError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let penalty = self.0.penalty;
        match (PENALTY_MIN..=PENALTY_MAX).contains(&penalty) {
            true => Ok(&self.0),
            false => Err(LogisticError::Penalty(penalty)),
        }
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}
