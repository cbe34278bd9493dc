//! Explaining a score by the features that carried it.

use crate::rows::{Rows, RowsError};
use crate::tail::Side;

use super::ModelBundle;

/// What one feature did for a score, with what is needed to say it in a sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// Place of the feature in the schema.
    pub feature: usize,
    /// The client's value.
    pub value: f32,
    /// Share of the surprise that this feature carried, 0 to 1; the shares of all features sum to 1 at most.
    pub contribution: f32,
    /// Share of ordinary clients that go at least this far.
    pub tail_probability: f64,
    /// The side on which the value is unusual.
    pub side: Side,
    /// The typical client's value.
    pub typical: f32,
    /// 99% of clients stay on the other side of this.
    pub p99: f32,
    /// 99.9% of clients stay on the other side of this.
    pub p999: f32,
}

impl ModelBundle {
    /// Where ordinary clients stand in the feature of that place, beside that value: the median, and what 99.9% of them
    /// stay on the other side of. `None` for a place outside the schema.
    #[must_use]
    pub fn standing(&self, feature: usize, value: f32) -> Option<(f32, f32)> {
        let tail = self.population.describe(feature, value)?;
        Some((tail.typical, tail.p999))
    }

    /// Names the `top` features that carried a row's score, the strongest first; fewer when fewer did.
    ///
    /// Each view divides its score among the features in its own way; a view that was more surprised has more say.
    ///
    /// # Errors
    /// When the row is not one of the schema.
    pub fn explain(
        &self,
        row: &[f32],
        request_count: u32,
        top: usize,
    ) -> Result<Vec<Contribution>, RowsError> {
        Rows::with_outputs(row, self.schema.len(), 1)?;
        let shares = self.shares(row, request_count)?;
        let mut order: Vec<usize> = (0..shares.len())
            .filter(|&feature| shares[feature] > 0.0)
            .collect();
        order.sort_by(|&left, &right| shares[right].total_cmp(&shares[left]).then(left.cmp(&right)));
        let describe = |feature: usize| {
            let tail = self.population.describe(feature, row[feature])?;
            Some(Contribution {
                feature,
                value: row[feature],
                contribution: shares[feature],
                tail_probability: tail.probability,
                side: tail.side,
                typical: tail.typical,
                p99: tail.p99,
                p999: tail.p999,
            })
        };
        Ok(order.into_iter().take(top).filter_map(describe).collect())
    }

    fn shares(&self, row: &[f32], request_count: u32) -> Result<Vec<f32>, RowsError> {
        let typical: Vec<f32> = (0..self.schema.len())
            .map(|feature| {
                self.population
                    .quantiles(feature)
                    .map_or(0.0, |quantiles| quantiles.median)
            })
            .collect();
        let (mut shares, mut parts) = (vec![0.0; row.len()], vec![0.0; row.len()]);
        let mut surprise_sum = 0.0;
        for calibrated in &self.views {
            let mut score = [0.0];
            calibrated.view.score_rows(row, &mut score)?;
            let surprise = -libm::log(calibrated.calibration.standing(score[0], request_count).rank) as f32;
            calibrated.view.attribute(row, &typical, &mut parts)?;
            let sum: f32 = parts.iter().sum();
            if sum > 0.0 && sum.is_finite() {
                for (share, part) in shares.iter_mut().zip(&parts) {
                    *share += surprise * part / sum;
                }
                surprise_sum += surprise;
            }
        }
        if surprise_sum > 0.0 {
            shares.iter_mut().for_each(|share| *share /= surprise_sum);
        }
        Ok(shares)
    }
}
