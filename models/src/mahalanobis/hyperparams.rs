//! Settings of the distance: written freely, checked once.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::error::MahalanobisError;

/// Widest clip: beyond it the square of a distance over a few hundred features loses its small parts in `f32`.
pub const CLIP_MAX: f32 = 1000.0;

/// Deviations beyond which further is not worse: keeps one extreme feature from hiding the others.
const CLIP_DEFAULT: f32 = 15.0;

/// Least shrinkage applied. Two features that are almost copies would otherwise turn rounding noise into evidence: at
/// 0.01 no direction is amplified more than tenfold.
pub const SHRINKAGE_MIN: f64 = 0.01;

/// Checked settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MahalanobisValidParams {
    clip: f32,
    shrinkage: Option<f64>,
}

impl MahalanobisValidParams {
    /// Deviations within which values are held.
    #[must_use]
    pub fn clip(&self) -> f32 {
        self.clip
    }

    /// Fixed shrinkage towards no correlation; `None` estimates it from the rows.
    #[must_use]
    pub fn shrinkage(&self) -> Option<f64> {
        self.shrinkage
    }
}

/// Settings as written: clip at 15 deviations and estimated shrinkage unless told otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct MahalanobisParams(MahalanobisValidParams);

impl Default for MahalanobisParams {
    fn default() -> Self {
        Self(MahalanobisValidParams {
            clip: CLIP_DEFAULT,
            shrinkage: None,
        })
    }
}

impl MahalanobisParams {
    /// Sets the deviations within which values are held.
    #[must_use]
    pub fn clip(mut self, deviations: f32) -> Self {
        self.0.clip = deviations;
        self
    }

    /// Fixes the shrinkage, 0 to 1, instead of estimating it; [`SHRINKAGE_MIN`] holds either way.
    #[must_use]
    pub fn shrinkage(mut self, share: f64) -> Self {
        self.0.shrinkage = Some(share);
        self
    }
}

impl ParamGuard for MahalanobisParams {
    type Checked = MahalanobisValidParams;
    type Error = MahalanobisError;

    fn check_ref(&self) -> Result<&Self::Checked, Self::Error> {
        let clip = self.0.clip;
        if !(clip > 0.0 && clip <= CLIP_MAX) {
            return Err(MahalanobisError::Clip(clip));
        }
        match self.0.shrinkage {
            Some(share) if !(0.0..=1.0).contains(&share) => Err(MahalanobisError::Shrinkage(share)),
            _ => Ok(&self.0),
        }
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
    fn settings_outside_their_limits_are_refused() {
        for clip in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(MahalanobisParams::default().clip(clip).check().is_err(), "{clip}");
        }
        assert!(MahalanobisParams::default().shrinkage(1.5).check().is_err());
        assert!(MahalanobisParams::default().shrinkage(0.5).check().is_ok());
    }
}
