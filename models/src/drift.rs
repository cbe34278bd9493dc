//! Have the clients changed since the model was trained?

use serde::{Deserialize, Serialize};

use crate::robust::quantile;
use crate::rows::{Rows, RowsError};

/// Bins per feature: deciles, as the index is usually read.
const BINS: usize = 10;

/// Added to each bin's count, so that an empty one does not make the index infinite.
const SMOOTHING: f64 = 0.5;

/// From here on a feature's distribution has moved a little, by the customary reading of the index.
pub const PSI_MODERATE: f64 = 0.1;

/// From here on it is another distribution: retrain.
pub const PSI_LARGE: f64 = 0.25;

/// The training rows' distribution, feature by feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReference {
    features: Vec<FeatureBins>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FeatureBins {
    /// Rising; a bin ends on its edge, the last has no end.
    edges: Vec<f32>,
    counts: Vec<u64>,
}

impl DriftReference {
    /// Counts finite rows into the deciles of each feature; equal deciles make fewer bins.
    ///
    /// # Errors
    /// When a value is not finite.
    pub fn fit(rows: Rows<'_>) -> Result<Self, RowsError> {
        rows.require_finite()?;
        let bins = |feature| {
            let mut column = rows.column(feature);
            column.sort_unstable_by(f32::total_cmp);
            let mut edges: Vec<f32> = (1..BINS)
                .map(|bin| quantile(&column, bin as f64 / BINS as f64))
                .filter(|edge| edge.is_finite())
                .collect();
            edges.dedup();
            let counts = count(&edges, &column);
            FeatureBins { edges, counts }
        };
        Ok(Self {
            features: (0..rows.features()).map(bins).collect(),
        })
    }

    /// Number of features.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features.len()
    }

    /// Population stability index of each feature: Σ (now − then) ln(now / then) over the bins' shares. 0 is no change;
    /// see [`PSI_MODERATE`] and [`PSI_LARGE`]. With few rows chance alone moves it by about bins / rows.
    ///
    /// Source: N. Siddiqi, "Credit Risk Scorecards", 2006; it is the symmetrised Kullback–Leibler divergence
    /// (H. Jeffreys 1946). NaN is counted with the largest values.
    ///
    /// # Errors
    /// When the slice does not divide into rows.
    pub fn stability(&self, rows: &[f32]) -> Result<Vec<f64>, RowsError> {
        let rows = Rows::new(rows, self.features())?;
        let index = |(feature, bins): (usize, &FeatureBins)| {
            stability_index(&bins.counts, &count(&bins.edges, &rows.column(feature)))
        };
        Ok(self.features.iter().enumerate().map(index).collect())
    }

    /// Checks a stored reference.
    pub(crate) fn is_valid_for(&self, features: usize) -> bool {
        self.features() == features
            && self
                .features
                .iter()
                .all(|bins| bins.counts.len() == bins.edges.len() + 1)
    }
}

fn count(edges: &[f32], values: &[f32]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() + 1];
    for &value in values {
        // A NaN is not at or below any edge, nor is it above one: say so explicitly.
        let bin = if value.is_nan() {
            edges.len()
        } else {
            edges.partition_point(|&edge| edge < value)
        };
        counts[bin] += 1;
    }
    counts
}

fn stability_index(then: &[u64], now: &[u64]) -> f64 {
    let shares = |counts: &[u64]| -> Vec<f64> {
        let total = counts.iter().sum::<u64>() as f64 + SMOOTHING * counts.len() as f64;
        counts
            .iter()
            .map(|&count| (count as f64 + SMOOTHING) / total)
            .collect()
    };
    let parts = shares(then).into_iter().zip(shares(now));
    parts
        .map(|(then, now)| (now - then) * libm::log(now / then))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::cluster_with_outliers;

    fn stability(now: &[f32]) -> Vec<f64> {
        let then = cluster_with_outliers(1, 5000, 0, 2);
        let reference = DriftReference::fit(Rows::new(&then.values, 2).unwrap()).unwrap();
        reference.stability(now).unwrap()
    }

    #[test]
    fn the_same_clients_on_another_day_have_not_drifted() {
        let now = cluster_with_outliers(2, 5000, 0, 2).values;
        assert!(stability(&now).iter().all(|index| *index < 0.02));
    }

    #[test]
    fn only_the_feature_that_moved_is_reported() {
        let mut now = cluster_with_outliers(2, 5000, 0, 2).values;
        now.chunks_mut(2).for_each(|row| row[1] += 1.0);
        let indices = stability(&now);
        assert!(indices[0] < PSI_MODERATE && indices[1] > PSI_LARGE, "{indices:?}");
    }

    #[test]
    fn a_feature_that_was_constant_and_comes_alive_has_drifted() {
        let reference = DriftReference::fit(Rows::new(&[0.0; 1000], 1).unwrap()).unwrap();
        assert!(reference.stability(&[0.0; 500]).unwrap()[0] < 0.01);
        assert!(reference.stability(&[3.0; 500]).unwrap()[0] > PSI_LARGE);
    }

    #[test]
    fn the_index_matches_a_worked_example() {
        // Shares 0.5, 0.5 then 0.8, 0.2, smoothing made negligible by the counts: 0.3 ln 1.6 + 0.3 ln 2.5.
        let index = stability_index(&[5_000_000, 5_000_000], &[8_000_000, 2_000_000]);
        assert!(
            (index - (0.3 * 1.6_f64.ln() + 0.3 * 2.5_f64.ln())).abs() < 1e-5,
            "{index}"
        );
    }
}
