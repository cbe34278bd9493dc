//! What every model must beat: the largest robust z-score of a row.

use crate::robust::RobustScale;
use crate::rows::{Rows, RowsError};

/// Deviations beyond which the baseline no longer tells values apart.
const CLIP: f32 = 1e6;

/// Scores a row by its most extreme feature, in deviations from the median.
#[derive(Debug, Clone, PartialEq)]
pub struct RobustZScore {
    scale: RobustScale,
}

impl RobustZScore {
    /// Measures the centre and spread of finite rows.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn fit(rows: Rows<'_>) -> Result<Self, RowsError> {
        rows.require_finite()?;
        Ok(Self {
            scale: RobustScale::fit(rows),
        })
    }

    /// Scores rows, higher for the more extreme.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.scale.len(), out.len())?;
        for (row, score) in rows.iter().zip(out) {
            let deviations = row
                .iter()
                .enumerate()
                .map(|(at, &value)| self.scale.deviation(at, value, CLIP).abs());
            *score = deviations.fold(0.0, f32::max);
        }
        Ok(())
    }
}
