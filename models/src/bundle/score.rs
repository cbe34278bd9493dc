//! Scoring: from a row to a score, a p-value and what each view thought.

use crate::calibration::{BucketedCalibration, Standing};
use crate::combine::cauchy_combination;
use crate::rows::{Rows, RowsError};
use crate::view::VIEWS;

use super::{CalibratedView, ModelBundle};

/// Rows scored per pass over the views: their scores stay on the stack, and a forest is at its fastest.
const BLOCK: usize = 64;

/// How unusual a client is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ClientScore {
    /// Between 0 and 1, for ranking and showing: 1 − √rank. 0.9 is one client in a hundred, 0.99 one in ten thousand.
    /// Beyond the calibration it is extrapolated; act on the p-value.
    pub score: f32,
    /// Share of ordinary client-days that look at least this unusual at their worst; never below 1/(n + 1).
    pub p_value: f64,
    /// Each view's own p-value among clients with about as many requests, in the order of [`crate::view::MODELS`];
    /// 1 for a view the bundle does not have.
    pub views: [f64; VIEWS],
}

impl ModelBundle {
    /// Scores rows. Each score depends on its row and request count alone, to the last bit; it takes no memory.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score(
        &self,
        rows: &[f32],
        request_counts: &[u32],
        out: &mut [ClientScore],
    ) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.schema.len(), out.len())?;
        let normal = self.normal.as_ref();
        for_each_surprise(
            &self.views,
            normal,
            rows,
            request_counts,
            |row, surprise, views| {
                let Standing { p_value, rank } = self.combined.standing(surprise);
                out[row] = ClientScore {
                    score: (1.0 - rank.sqrt()) as f32,
                    p_value,
                    views,
                };
            },
        )
    }
}

/// Computes each row's surprise, −ln of the views' combined rank, among clients with about as many requests where `normal`
/// is given, and hands it over with the views' p-values.
pub(super) fn for_each_surprise(
    views: &[CalibratedView],
    normal: Option<&BucketedCalibration>,
    rows: Rows<'_>,
    request_counts: &[u32],
    mut act: impl FnMut(usize, f32, [f64; VIEWS]),
) -> Result<(), RowsError> {
    if rows.len() != request_counts.len() {
        return Err(RowsError::Outputs {
            rows: rows.len(),
            outputs: request_counts.len(),
        });
    }
    let blocks = rows
        .values()
        .chunks(BLOCK * rows.features())
        .zip(request_counts.chunks(BLOCK));
    for (block, (values, counts)) in blocks.enumerate() {
        let mut scores = [0.0; BLOCK];
        let mut standings = [[Standing {
            p_value: 1.0,
            rank: 1.0,
        }; VIEWS]; BLOCK];
        for (slot, calibrated) in views.iter().enumerate() {
            let scores = &mut scores[..counts.len()];
            calibrated.view.score_rows(values, scores)?;
            for ((standing, &score), &count) in standings.iter_mut().zip(&*scores).zip(counts) {
                standing[slot] = calibrated.calibration.standing(score, count);
            }
        }
        for (row, standing) in standings[..counts.len()].iter().enumerate() {
            let mut p_values = [1.0; VIEWS];
            for (calibrated, standing) in views.iter().zip(standing) {
                p_values[calibrated.model] = standing.p_value;
            }
            let combined = cauchy_combination(&standing.map(|standing| standing.rank)[..views.len()]);
            let mut surprise = -libm::log(combined) as f32;
            if let Some(normal) = normal {
                surprise = -libm::log(normal.standing(surprise, counts[row]).rank) as f32;
            }
            act(block * BLOCK + row, surprise, p_values);
        }
    }
    Ok(())
}
