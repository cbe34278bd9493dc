//! One isolation tree, grown straight into a perfect binary heap.
//!
//! A heap of fixed depth has no pointers and no early exit: every row takes the same number of steps, and the next node
//! is computed rather than loaded. A leaf that lies higher than the bottom is padded with cuts that always go left.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::rows::Rows;

/// Euler's constant, as in Liu et al., equation 1.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// One cut: a row goes right when its value exceeds the threshold, left otherwise (a NaN therefore goes left).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) feature: u32,
    pub(super) threshold: f32,
}

/// Where a leaf was reached early the remaining levels hold this: nothing exceeds infinity, so every row goes left.
pub(super) const ALWAYS_LEFT: Cut = Cut {
    feature: 0,
    threshold: f32::INFINITY,
};

/// c(n): mean depth of an unsuccessful search in a binary search tree of n entries (Liu et al., equation 1).
///
/// It stands in for the subtree that was not grown below a leaf holding n samples.
pub(super) fn average_path_length(samples: usize) -> f64 {
    match samples {
        0 | 1 => 0.0,
        2 => 1.0,
        n => {
            let n = n as f64;
            2.0 * (libm::log(n - 1.0) + EULER_GAMMA) - 2.0 * (n - 1.0) / n
        }
    }
}

/// Levels of cuts needed for `samples` rows: ⌈log2 ψ⌉, the mean height of a tree (Liu et al., algorithm 1).
pub(super) fn depth_for(samples: usize) -> u32 {
    samples.next_power_of_two().trailing_zeros()
}

/// Grows one tree into `cuts` and `leaves`, each 2^depth long; `cuts[0]` is unused, the root is `cuts[1]`.
pub(super) struct Grower<'a, R> {
    pub(super) rows: Rows<'a>,
    pub(super) rng: &'a mut R,
    pub(super) cuts: &'a mut [Cut],
    pub(super) leaves: &'a mut [f32],
    /// Feature numbers in the order of the last draw; kept between nodes to save allocating it.
    pub(super) features: &'a mut [u32],
}

impl<R: Rng> Grower<'_, R> {
    /// Cuts `sample` (row numbers) at heap position `node`, `level` cuts below the root, until it is exhausted.
    ///
    /// Recursion is at most 12 deep: the depth of the largest sample allowed.
    pub(super) fn grow(&mut self, sample: &mut [u32], node: usize, level: u32) {
        if node >= self.cuts.len() {
            self.leaves[node - self.cuts.len()] = leaf_value(level, sample.len());
            return;
        }
        let drawn = if sample.len() > 1 {
            self.draw_cut(sample)
        } else {
            None
        };
        let Some(cut) = drawn else {
            self.close(node, leaf_value(level, sample.len()));
            return;
        };
        self.cuts[node] = cut;
        let middle = partition(sample, |row| self.value(row, cut.feature) > cut.threshold);
        let (left, right) = sample.split_at_mut(middle);
        self.grow(left, 2 * node, level + 1);
        self.grow(right, 2 * node + 1, level + 1);
    }

    /// Draws a feature that varies within the sample, and a threshold between its least and greatest value.
    ///
    /// Constant features are passed over, so that a row's depth counts cuts that could have told it apart. `None`
    /// when all rows are equal.
    fn draw_cut(&mut self, sample: &[u32]) -> Option<Cut> {
        let count = self.features.len();
        for drawn in 0..count {
            let pick = self.rng.gen_range(drawn..count);
            self.features.swap(drawn, pick);
            let feature = self.features[drawn];
            let (least, greatest) = self.range(sample, feature);
            if least < greatest {
                // In f64, because the range of two finite f32 may exceed f32; below the greatest, so that neither
                // side is ever empty.
                let (low, high) = (f64::from(least), f64::from(greatest));
                let threshold = (low + self.rng.r#gen::<f64>() * (high - low)) as f32;
                let threshold = if threshold < greatest { threshold } else { least };
                return Some(Cut { feature, threshold });
            }
        }
        None
    }

    fn range(&self, sample: &[u32], feature: u32) -> (f32, f32) {
        sample
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), &row| {
                let value = self.value(row, feature);
                (least.min(value), greatest.max(value))
            })
    }

    fn value(&self, row: u32, feature: u32) -> f32 {
        self.rows.values()[row as usize * self.rows.features() + feature as usize]
    }

    /// Makes everything below `node` one leaf.
    fn close(&mut self, node: usize, value: f32) {
        let (mut first, mut past) = (node, node + 1);
        while first < self.cuts.len() {
            self.cuts[first..past].fill(ALWAYS_LEFT);
            (first, past) = (2 * first, 2 * past);
        }
        self.leaves[first - self.cuts.len()..past - self.cuts.len()].fill(value);
    }
}

/// Path length of a leaf: the cuts above it, and those that the rows left in it would still have needed.
fn leaf_value(level: u32, samples: usize) -> f32 {
    (f64::from(level) + average_path_length(samples)) as f32
}

/// Moves the rows for which `goes_right` holds behind the others and says where they begin.
fn partition(sample: &mut [u32], goes_right: impl Fn(u32) -> bool) -> usize {
    let mut middle = 0;
    for at in 0..sample.len() {
        if !goes_right(sample[at]) {
            sample.swap(middle, at);
            middle += 1;
        }
    }
    middle
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn path_length_adjustment_matches_published_values() {
        // c(256) of the paper's default sample; scikit-learn's _average_path_length gives the same.
        assert!((average_path_length(256) - 10.244_770_920_116_851).abs() < 1e-9);
        assert_eq!(average_path_length(1), 0.0);
        assert_eq!(average_path_length(2), 1.0);
    }

    #[test]
    fn depth_is_the_logarithm_rounded_up() {
        for (samples, depth) in [(2, 1), (3, 2), (4, 2), (255, 8), (256, 8), (257, 9), (4096, 12)] {
            assert_eq!(depth_for(samples), depth, "{samples} samples");
        }
    }

    #[test]
    fn equal_rows_make_one_leaf_with_the_path_length_of_them_all() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let (mut cuts, mut leaves) = (vec![ALWAYS_LEFT; 8], vec![f32::NAN; 8]);
        let rows = Rows::new(&[3.0; 16], 2).unwrap();
        let mut grower = Grower {
            rows,
            rng: &mut rng,
            cuts: &mut cuts,
            leaves: &mut leaves,
            features: &mut [0, 1],
        };
        grower.grow(&mut [0, 1, 2, 3, 4, 5, 6, 7], 1, 0);
        assert!(leaves.iter().all(|&leaf| leaf == average_path_length(8) as f32));
    }

    #[test]
    fn every_cut_of_a_varying_sample_leaves_rows_on_both_sides() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        let values: Vec<f32> = (0..64_u16).map(|value| f32::from(value).exp2()).collect();
        let (mut cuts, mut leaves) = (vec![ALWAYS_LEFT; 64], vec![f32::NAN; 64]);
        let rows = Rows::new(&values, 1).unwrap();
        let mut grower = Grower {
            rows,
            rng: &mut rng,
            cuts: &mut cuts,
            leaves: &mut leaves,
            features: &mut [0],
        };
        let mut sample: Vec<u32> = (0..64).collect();
        grower.grow(&mut sample, 1, 0);
        let root = cuts[1].threshold;
        assert!(values.iter().any(|&value| value > root) && values.iter().any(|&value| value <= root));
        assert!(leaves.iter().all(|leaf| leaf.is_finite()));
    }
}
