//! How well a bundle and each of its views rank what is labelled.

use serde::{Deserialize, Serialize};

use crate::evaluation::area_under_roc;
use crate::rows::{Rows, RowsError};

use super::ModelBundle;
use super::score::for_each_surprise;

/// Longest name of a labelled set, in bytes.
const WHAT_BYTES_MAX: usize = 200;

/// Most assessments that a bundle keeps; the first ones stay.
pub(super) const ASSESSMENTS_MAX: usize = 16;

/// Areas under the ROC curve on one labelled set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Which set.
    pub what: String,
    /// Whether the model, or whoever chose its settings, saw clients of that set before.
    pub is_seen: bool,
    /// Rows to be found.
    pub positives: u64,
    /// The others.
    pub negatives: u64,
    /// Of each view, in the bundle's order.
    pub views: Vec<f64>,
    /// Of the combined score.
    pub combined: f64,
}

impl ModelBundle {
    /// Ranks labelled rows by each view and by the combined score, and keeps the areas for the card. `None` when the
    /// labels hold only one class.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn assess(
        &mut self,
        (what, is_seen): (&str, bool),
        rows: &[f32],
        request_counts: &[u32],
        is_positive: &[bool],
    ) -> Result<Option<Assessment>, RowsError> {
        let rows = Rows::with_outputs(rows, self.schema.len(), is_positive.len())?;
        let mut combined = vec![0.0; rows.len()];
        let mut views = vec![vec![0.0_f32; rows.len()]; self.views.len()];
        for_each_surprise(
            &self.views,
            self.normal.as_ref(),
            rows,
            request_counts,
            |row, surprise, ranks| {
                combined[row] = surprise;
                for (scores, calibrated) in views.iter_mut().zip(&self.views) {
                    scores[row] = -ranks[calibrated.model] as f32;
                }
            },
        )?;
        let area = |scores: &[f32]| area_under_roc(scores, is_positive);
        let areas: Option<Vec<f64>> = views.iter().map(|scores| area(scores)).collect();
        let (Some(views), Some(combined)) = (areas, area(&combined)) else {
            return Ok(None);
        };
        let positives = is_positive.iter().filter(|positive| **positive).count() as u64;
        let assessment = Assessment {
            what: what
                .chars()
                .filter(|c| !c.is_control())
                .take(WHAT_BYTES_MAX / 4)
                .collect(),
            is_seen,
            positives,
            negatives: is_positive.len() as u64 - positives,
            views,
            combined,
        };
        if self.assessments.len() < ASSESSMENTS_MAX {
            self.assessments.push(assessment.clone());
        }
        Ok(Some(assessment))
    }
}

impl Assessment {
    /// True when a stored assessment does not contradict itself.
    pub(super) fn is_valid(&self, views: usize) -> bool {
        let is_area = |area: &f64| (0.0..=1.0).contains(area);
        self.what.len() <= WHAT_BYTES_MAX
            && self.views.len() == views
            && self.views.iter().all(is_area)
            && is_area(&self.combined)
    }
}
