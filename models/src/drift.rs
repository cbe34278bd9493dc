//! Have the clients changed since the model was trained?

use serde::{Deserialize, Serialize};

use crate::robust::quantile;
use crate::rows::{Rows, RowsError};

/// Bins per feature: deciles, as the index is usually read.
const BINS: usize = 10;

/// Hexadecimal digits that tell one reference from another: nobody forges them, they only differ.
const FINGERPRINT_CHARS: usize = 16;

/// Added to each bin's count, so that an empty one does not make the index infinite.
const SMOOTHING: f64 = 0.5;

/// From here on a feature's distribution has moved a little, by the customary reading of the index.
pub const PSI_MODERATE: f64 = 0.1;

/// From here on it is another distribution: retrain.
pub const PSI_LARGE: f64 = 0.25;

/// Fewer rows than this, on either side, are not compared. Without any change the index of `n` rows against `m` is about
/// χ² with bins − 1 degrees of freedom, times 1/n + 1/m (B. Yurdakul, "Statistical properties of population stability
/// index", 2018). For 500 against 500 that is 0.036 on average, and passes 0.13 once in 4,000: at forty features a day once in a
/// hundred days, and still at half of [`PSI_LARGE`].
pub const DRIFT_ROWS_MIN: u64 = 500;

/// The distribution of the training rows, one of each client-day, feature by feature.
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

    /// The same of rows that were counted one by one.
    #[must_use]
    pub fn stability_of(&self, now: &DriftCounts) -> Vec<f64> {
        let pairs = self.features.iter().zip(&now.features);
        pairs
            .map(|(bins, now)| stability_index(&bins.counts, now))
            .collect()
    }

    /// Writes the bin of each of a row's values; values without a place, and places without a value, are left as they are.
    pub fn bins(&self, row: &[f32], out: &mut [u8]) {
        for ((bins, &value), out) in self.features.iter().zip(row).zip(out) {
            *out = bin(&bins.edges, value) as u8;
        }
    }

    /// Counts of no rows yet, in the bins of this reference.
    #[must_use]
    pub fn no_rows(&self) -> DriftCounts {
        let none = |bins: &FeatureBins| vec![0; bins.counts.len()];
        DriftCounts {
            rows: 0,
            features: self.features.iter().map(none).collect(),
        }
    }

    /// Counts that were written down, if they are of these bins.
    #[must_use]
    pub fn counted(&self, features: Vec<Vec<u64>>) -> Option<DriftCounts> {
        let rows_of = |counts: &Vec<u64>| {
            let mut counts = counts.iter();
            counts.try_fold(0_u64, |sum, count| sum.checked_add(*count))
        };
        let rows = rows_of(features.first()?)?;
        let has_shape = features.len() == self.features.len()
            && features
                .iter()
                .zip(&self.features)
                .all(|(counts, bins)| counts.len() == bins.counts.len() && rows_of(counts) == Some(rows));
        has_shape.then_some(DriftCounts { rows, features })
    }

    /// Tells this reference from others: counts in its bins mean nothing in those of another.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for bins in &self.features {
            hasher.update(&(bins.edges.len() as u64).to_le_bytes());
            for edge in &bins.edges {
                hasher.update(&edge.to_le_bytes());
            }
        }
        let whole = hasher.finalize().to_hex();
        whole.chars().take(FINGERPRINT_CHARS).collect()
    }

    /// Checks a stored reference.
    pub(crate) fn is_valid_for(&self, features: usize) -> bool {
        self.features() == features
            && self
                .features
                .iter()
                .all(|bins| bins.counts.len() == bins.edges.len() + 1 && bins.counts.len() <= BINS)
    }
}

/// Rows counted into a reference's bins, feature by feature: they can be added, taken out again, and put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftCounts {
    rows: u64,
    features: Vec<Vec<u64>>,
}

impl DriftCounts {
    /// Rows that are counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The count of each bin, feature by feature.
    #[must_use]
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.features
    }

    /// Counts a row, by what [`DriftReference::bins`] wrote of it.
    pub fn add(&mut self, bins: &[u8]) {
        self.rows += 1;
        self.change(bins, |count| count.saturating_add(1));
    }

    /// Takes out a row that was counted.
    pub fn remove(&mut self, bins: &[u8]) {
        self.rows = self.rows.saturating_sub(1);
        self.change(bins, |count| count.saturating_sub(1));
    }

    /// Adds all rows of another count in the same bins.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (counts, others) in self.features.iter_mut().zip(&other.features) {
            for (count, other) in counts.iter_mut().zip(others) {
                *count += other;
            }
        }
    }

    /// Population stability index of each feature, `now` against these rows; see [`DriftReference::stability`].
    #[must_use]
    pub fn stability(&self, now: &Self) -> Vec<f64> {
        let pairs = self.features.iter().zip(&now.features);
        pairs.map(|(then, now)| stability_index(then, now)).collect()
    }

    fn change(&mut self, bins: &[u8], to: impl Fn(u64) -> u64) {
        for (counts, &bin) in self.features.iter_mut().zip(bins) {
            if let Some(count) = counts.get_mut(usize::from(bin)) {
                *count = to(*count);
            }
        }
    }
}

fn count(edges: &[f32], values: &[f32]) -> Vec<u64> {
    let mut counts = vec![0; edges.len() + 1];
    for &value in values {
        counts[bin(edges, value)] += 1;
    }
    counts
}

fn bin(edges: &[f32], value: f32) -> usize {
    // A NaN is not at or below any edge, nor is it above one: say so explicitly.
    if value.is_nan() {
        edges.len()
    } else {
        edges.partition_point(|&edge| edge < value)
    }
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
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

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
    fn rows_counted_one_by_one_give_the_same_index_and_can_be_taken_out() {
        let (then, now) = (
            cluster_with_outliers(1, 800, 0, 2).values,
            cluster_with_outliers(2, 700, 20, 2).values,
        );
        let reference = DriftReference::fit(Rows::new(&then, 2).unwrap()).unwrap();
        let counted = |values: &[f32]| {
            let mut counts = reference.no_rows();
            for row in values.chunks(2) {
                let mut bins = [0; 2];
                reference.bins(row, &mut bins);
                counts.add(&bins);
            }
            counts
        };
        let (before, mut after) = (counted(&then), counted(&now));
        assert_eq!(reference.stability_of(&after), reference.stability(&now).unwrap());
        assert_eq!(before.stability(&after), reference.stability_of(&after));
        // What was added is gone without a trace, and halves make a whole.
        let whole = after.clone();
        let mut bins = [0; 2];
        reference.bins(&[f32::NAN, -1e9], &mut bins);
        after.add(&bins);
        assert_eq!(bins, [9, 0]);
        assert_ne!(after, whole);
        after.remove(&bins);
        assert_eq!(after, whole);
        // What was written down is taken up again, and nothing else.
        assert_eq!(reference.counted(whole.counts().to_vec()), Some(whole.clone()));
        let mut other = whole.counts().to_vec();
        other[1][0] += 1;
        assert_eq!(reference.counted(other), None);
        assert_eq!(reference.counted(whole.counts()[..1].to_vec()), None);
        let elsewhere = DriftReference::fit(Rows::new(&now, 2).unwrap()).unwrap();
        assert_ne!(elsewhere.fingerprint(), reference.fingerprint());
        let (half, mut rest) = (counted(&now[..600]), counted(&now[600..]));
        rest.merge(&half);
        assert_eq!(rest, whole);
    }

    #[test]
    fn chance_alone_stays_under_half_of_a_large_index_with_the_fewest_rows() {
        // Ten equal bins, forty features, two hundred days: the largest of 8,000 indices of nothing but chance.
        let rows = DRIFT_ROWS_MIN as usize;
        let mut lot = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut drawn = || {
            let mut counts = [0; BINS];
            (0..rows).for_each(|_| counts[lot.gen_range(0..BINS)] += 1);
            counts
        };
        let indices: Vec<f64> = (0..8000).map(|_| stability_index(&drawn(), &drawn())).collect();
        let mean = indices.iter().sum::<f64>() / 8000.0;
        let largest = indices.iter().copied().fold(0.0, f64::max);
        assert!((mean - 9.0 * 2.0 / rows as f64).abs() < 0.002, "{mean}");
        assert!(largest < 0.75 * PSI_LARGE, "{largest}");
        let beyond_half = indices.iter().filter(|index| **index > PSI_LARGE / 2.0).count();
        assert!(beyond_half <= 6, "{beyond_half}");
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
