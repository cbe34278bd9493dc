//! Settings of an isolation forest: written freely, checked once.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::error::IsolationForestError;

/// Most trees: 200 to 300 are recommended, beyond a thousand the ranks no longer change and scoring only gets slower.
pub const TREES_MAX: usize = 1000;

/// Fewest samples a tree can be grown from: one row cannot be cut.
pub const SAMPLES_MIN: usize = 2;

/// Most samples a tree is grown from. Depth is log2 of it, and a tree takes 12 bytes times it: 48 kB at the limit.
/// Larger samples mask outliers rather than find them (Liu et al., section 2).
pub const SAMPLES_MAX: usize = 1 << 12;

/// Trees when nothing else is asked for. At 100 the ranks of two seeds correlate by only 0.78 on ordinary rows.
const TREES_DEFAULT: usize = 200;

/// Samples when nothing else is asked for (Liu et al., section 4.1).
const SAMPLES_DEFAULT: usize = 256;

/// Checked settings: what [`IsolationForestParams::check`](ParamGuard::check) gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsolationForestValidParams {
    trees: usize,
    samples: usize,
    seed: u64,
}

impl IsolationForestValidParams {
    /// Number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.trees
    }

    /// Rows drawn, without replacement, for each tree; all rows when there are fewer.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Where every random choice of the fit comes from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Settings as written: 200 trees of 256 samples unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsolationForestParams(IsolationForestValidParams);

impl IsolationForestParams {
    /// Starts from the defaults with the seed of every random choice.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(IsolationForestValidParams {
            trees: TREES_DEFAULT,
            samples: SAMPLES_DEFAULT,
            seed,
        })
    }

    /// Sets the number of trees, 1 to [`TREES_MAX`].
    #[must_use]
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// Sets the rows each tree is grown from, [`SAMPLES_MIN`] to [`SAMPLES_MAX`].
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.0.samples = samples;
        self
    }
}

impl ParamGuard for IsolationForestParams {
    type Checked = IsolationForestValidParams;
    type Error = IsolationForestError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        if self.0.trees == 0 || self.0.trees > TREES_MAX {
            return Err(IsolationForestError::Trees(self.0.trees));
        }
        if self.0.samples < SAMPLES_MIN || self.0.samples > SAMPLES_MAX {
            return Err(IsolationForestError::Samples(self.0.samples));
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, Self::Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_limits_are_refused_by_name() {
        let trees = IsolationForestParams::new(1).trees(0).check().unwrap_err();
        assert!(trees.to_string().contains("0 trees"), "{trees}");
        let samples = IsolationForestParams::new(1).samples(1).check().unwrap_err();
        assert!(samples.to_string().contains("1 samples"), "{samples}");
        assert!(
            IsolationForestParams::new(1)
                .samples(SAMPLES_MAX + 1)
                .check()
                .is_err()
        );
        assert!(IsolationForestParams::new(1).samples(SAMPLES_MAX).check().is_ok());
    }
}
