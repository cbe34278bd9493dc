//! Centre and spread that a few wild values cannot move.

use serde::{Deserialize, Serialize};

use crate::rows::Rows;

/// Interquartile range of a normal distribution of deviation 1: dividing by it makes the range read as a deviation.
const NORMAL_QUARTILE_RANGE: f64 = 1.348_979_500_392_163_6;

/// The value below which a share of the sorted values lies, interpolated between neighbours.
///
/// Source: R. J. Hyndman, Y. Fan, "Sample Quantiles in Statistical Packages", 1996, definition 7. NaN when empty.
#[must_use]
pub fn quantile(sorted: &[f32], share: f64) -> f32 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f32::NAN;
    };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    (f64::from(below) + (f64::from(above) - f64::from(below)) * place.fract()) as f32
}

/// Median and spread of each feature; turns a value into deviations from what is typical.
///
/// The spread is the interquartile range. Where that is zero, as in a feature that most clients never touch, it is the
/// standard deviation; a constant feature has none, and every value of it reads as typical: nothing is known about how
/// far is far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustScale {
    medians: Vec<f32>,
    /// One over the spread; 0 for a constant feature.
    per_spread: Vec<f32>,
}

impl RobustScale {
    /// Measures centre and spread of each column of finite rows.
    #[must_use]
    pub fn fit(rows: Rows<'_>) -> Self {
        let (mut medians, mut per_spread) = (Vec::new(), Vec::new());
        for feature in 0..rows.features() {
            let mut column = rows.column(feature);
            column.sort_unstable_by(f32::total_cmp);
            medians.push(quantile(&column, 0.5));
            per_spread.push(inverse_or_zero(spread(&column)));
        }
        Self { medians, per_spread }
    }

    /// Number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.medians.len()
    }

    /// True when there is no feature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.medians.is_empty()
    }

    /// Deviations from the median, held within ±`clip`; 0 for a NaN and for a constant feature.
    #[must_use]
    #[inline(always)]
    pub fn deviation(&self, feature: usize, value: f32, clip: f32) -> f32 {
        let z = (value - self.medians[feature]) * self.per_spread[feature];
        // Infinity times zero is NaN as well: an infinite value of a constant feature.
        if z.is_nan() { 0.0 } else { z.clamp(-clip, clip) }
    }

    /// True when both lists have `features` usable numbers: asked of a stored scale.
    pub(crate) fn is_valid_for(&self, features: usize) -> bool {
        self.medians.len() == features
            && self.per_spread.len() == features
            && self
                .medians
                .iter()
                .chain(&self.per_spread)
                .all(|value| value.is_finite())
    }
}

fn spread(sorted: &[f32]) -> f64 {
    let range = f64::from(quantile(sorted, 0.75)) - f64::from(quantile(sorted, 0.25));
    if range > 0.0 {
        return range / NORMAL_QUARTILE_RANGE;
    }
    let count = sorted.len().max(1) as f64;
    let mean = sorted.iter().copied().map(f64::from).sum::<f64>() / count;
    let squares = sorted
        .iter()
        .map(|&value| (f64::from(value) - mean).powi(2))
        .sum::<f64>();
    (squares / count).sqrt()
}

/// 1/x as `f32`, or 0 where that is no finite number: a spread too small to divide by is none.
pub(crate) fn inverse_or_zero(spread: f64) -> f32 {
    let inverse = (1.0 / spread) as f32;
    if inverse.is_finite() { inverse } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation_in(column: &[f32], value: f32) -> f32 {
        RobustScale::fit(Rows::new(column, 1).unwrap()).deviation(0, value, 15.0)
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[7.0], 0.999), 7.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn one_wild_value_moves_neither_centre_nor_spread() {
        let calm = deviation_in(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 8.0);
        let wild = deviation_in(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1e30], 8.0);
        assert_eq!(calm, wild);
    }

    #[test]
    fn a_feature_most_clients_never_touch_still_has_a_spread() {
        let mut column = vec![0.0; 99];
        column.push(1.0);
        assert!(deviation_in(&column, 1.0) > 5.0);
        assert_eq!(deviation_in(&column, 0.0), 0.0);
    }

    #[test]
    fn a_constant_feature_finds_everything_typical() {
        for value in [3.0, 4.0, f32::INFINITY, f32::NAN, f32::MIN] {
            assert_eq!(deviation_in(&[3.0; 10], value), 0.0);
        }
    }
}
