//! The forest itself: growing and scoring.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use ndarray::{Array1, ArrayBase, Data, Ix2};
use rand::{SeedableRng, seq::index};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::rows::{FEATURES_MAX, Rows, RowsError, predict_rows, to_f32};

use super::error::IsolationForestError;
use super::hyperparams::{
    IsolationForestParams, IsolationForestValidParams, SAMPLES_MAX, SAMPLES_MIN, TREES_MAX,
};
use super::tree::{ALWAYS_LEFT, Cut, Grower, average_path_length, depth_for};
use super::walk::{LANES, Padded, row_down_tree, row_down_trees, rows_down_tree};

/// Rows scored per pass over the trees: 64 rows of 64 places and one tree fit the first-level cache together.
const BLOCK: usize = 64;

/// Places of the rows that are walked, where that is enough: a real schema has thirty to a hundred features, ours forty.
const NARROW: usize = 64;

/// A fitted forest. Higher scores are more unusual.
///
/// A row's score does not depend on the rows it is scored with, to the last bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    params: IsolationForestValidParams,
    features: usize,
    /// Rows each tree was really grown from: fewer than asked for when the training set was smaller.
    samples: usize,
    depth: u32,
    /// Trees one after the other, 2^depth cuts each, in heap order from index 1.
    cuts: Vec<Cut>,
    /// Trees one after the other, 2^depth path lengths each.
    leaves: Vec<f32>,
}

impl IsolationForest {
    /// Begins the settings of a forest; every random choice comes from `seed`.
    #[must_use]
    pub fn params(seed: u64) -> IsolationForestParams {
        IsolationForestParams::new(seed)
    }

    /// Features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.params.trees()
    }

    /// Scores rows, each between 0 and 1, higher for the more unusual; about 0.5 is ordinary.
    ///
    /// A NaN counts as smaller than every threshold, and infinities as what they are.
    ///
    /// # Errors
    /// When the slices do not fit together.
    pub fn score_rows(&self, rows: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        let rows = Rows::with_outputs(rows, self.features, out.len())?;
        for (block, sums) in rows
            .values()
            .chunks(BLOCK * self.features)
            .zip(out.chunks_mut(BLOCK))
        {
            let sum_paths = SumPaths {
                forest: self,
                block,
                sums,
            };
            self.with_sizes(sum_paths);
            for sum in sums {
                *sum = self.score_of(*sum);
            }
        }
        Ok(())
    }

    /// What the score would lose were each feature in turn its typical value, zero where it would lose nothing.
    ///
    /// Only the trees that ask for a feature on the row's way down can send it elsewhere, eight of forty features to a tree:
    /// a fifth of the walks that scoring forty changed rows takes, for the same result to the last bit.
    ///
    /// # Errors
    /// When a slice does not have one value for each feature.
    pub fn losses(&self, row: &[f32], typical: &[f32], out: &mut [f32]) -> Result<(), RowsError> {
        Rows::with_outputs(row, self.features, 1)?;
        for values in [typical.len(), out.len()] {
            if values != self.features {
                return Err(RowsError::Ragged {
                    values,
                    features: self.features,
                });
            }
        }
        let sum = self.with_sizes(ChangedPaths {
            forest: self,
            row,
            typical,
            sums: out,
        });
        let score = self.score_of(sum);
        for loss in out {
            *loss = (score - self.score_of(*loss)).max(0.0);
        }
        Ok(())
    }

    /// `2^(−E[h] / c(ψ))`, Liu et al., equation 2.
    fn score_of(&self, path_sum: f32) -> f32 {
        let mean = f64::from(path_sum) / self.trees() as f64;
        libm::exp2(-mean / average_path_length(self.samples)) as f32
    }

    /// Does what is compiled for this depth and width: lengths known to the compiler need no bounds checks.
    fn with_sizes<W: Walks>(&self, walks: W) -> W::Output {
        match self.depth {
            1 => self.with_width::<2, W>(walks),
            2 => self.with_width::<4, W>(walks),
            3 => self.with_width::<8, W>(walks),
            4 => self.with_width::<16, W>(walks),
            5 => self.with_width::<32, W>(walks),
            6 => self.with_width::<64, W>(walks),
            7 => self.with_width::<128, W>(walks),
            8 => self.with_width::<256, W>(walks),
            9 => self.with_width::<512, W>(walks),
            10 => self.with_width::<1024, W>(walks),
            11 => self.with_width::<2048, W>(walks),
            _ => self.with_width::<4096, W>(walks),
        }
    }

    fn with_width<const SIZE: usize, W: Walks>(&self, walks: W) -> W::Output {
        if self.features <= NARROW {
            walks.run::<SIZE, NARROW>()
        } else {
            walks.run::<SIZE, FEATURES_MAX>()
        }
    }

    fn heaps<const SIZE: usize>(&self) -> (&[[Cut; SIZE]], &[[f32; SIZE]]) {
        (self.cuts.as_chunks::<SIZE>().0, self.leaves.as_chunks::<SIZE>().0)
    }

    /// Checks what a stored forest claims, so that scoring can trust it.
    ///
    /// # Errors
    /// When sizes contradict each other or a number is not one.
    pub fn validate(&self) -> Result<(), IsolationForestError> {
        let size = 1_usize.checked_shl(self.depth).unwrap_or(0);
        let trees = self.trees();
        if !(1..=TREES_MAX).contains(&trees) || !(SAMPLES_MIN..=SAMPLES_MAX).contains(&self.samples) {
            return Err(IsolationForestError::Stored(
                "trees or samples outside their limits",
            ));
        }
        if self.depth != depth_for(self.samples) {
            return Err(IsolationForestError::Stored(
                "depth does not follow from the samples",
            ));
        }
        if self.cuts.len() != trees * size || self.leaves.len() != trees * size {
            return Err(IsolationForestError::Stored("cuts or leaves are missing"));
        }
        if self
            .cuts
            .iter()
            .any(|cut| cut.feature as usize >= self.features || cut.threshold.is_nan())
        {
            return Err(IsolationForestError::Stored(
                "a cut names a feature that does not exist",
            ));
        }
        if self.leaves.iter().any(|leaf| !leaf.is_finite()) {
            return Err(IsolationForestError::Stored("a path length is not a number"));
        }
        Ok(())
    }
}

/// Something to be done with walks through trees of a size and rows of a width that the compiler knows.
trait Walks {
    type Output;

    fn run<const SIZE: usize, const WIDTH: usize>(self) -> Self::Output;
}

/// Adds up path lengths, always in the order of the trees, whichever way the walks are interleaved: addition of floats is not
/// associative, and a score may not depend on the batch.
struct SumPaths<'a> {
    forest: &'a IsolationForest,
    block: &'a [f32],
    sums: &'a mut [f32],
}

impl Walks for SumPaths<'_> {
    type Output = ();

    fn run<const SIZE: usize, const WIDTH: usize>(self) {
        let Self { forest, block, sums } = self;
        sums.fill(0.0);
        let (trees, leaves) = forest.heaps::<SIZE>();
        let (groups, rest) = sums.as_chunks_mut::<LANES>();
        let whole = groups.len() * LANES;
        let mut rows = vec![Padded::<WIDTH>::EMPTY; whole];
        for (padded, row) in rows.iter_mut().zip(block.chunks_exact(forest.features)) {
            padded.fill(row);
        }
        let rows = rows.as_chunks::<LANES>().0;
        for (cuts, leaves) in trees.iter().zip(leaves) {
            for (group, sums) in rows.iter().zip(groups.iter_mut()) {
                for (sum, leaf) in sums.iter_mut().zip(rows_down_tree(cuts, group)) {
                    *sum += leaves[leaf];
                }
            }
        }
        let rows = block.chunks_exact(forest.features).skip(whole);
        for (row, sum) in rows.zip(rest) {
            *sum = path_sum(trees, leaves, &Padded::<WIDTH>::of(row));
        }
    }
}

/// Walks one row down eight trees at a time.
fn path_sum<const SIZE: usize, const WIDTH: usize>(
    trees: &[[Cut; SIZE]],
    leaves: &[[f32; SIZE]],
    row: &Padded<WIDTH>,
) -> f32 {
    let mut sum = 0.0;
    let (groups, rest) = trees.as_chunks::<LANES>();
    let (groups_leaves, rest_leaves) = leaves.as_chunks::<LANES>();
    for (group, leaves) in groups.iter().zip(groups_leaves) {
        for (leaves, leaf) in leaves.iter().zip(row_down_trees(group, row)) {
            sum += leaves[leaf];
        }
    }
    for (cuts, leaves) in rest.iter().zip(rest_leaves) {
        sum += leaves[row_down_tree(cuts, row, |_| {})];
    }
    sum
}

/// Adds up path lengths of a row, and of the row with each feature in turn its typical value; gives the former.
struct ChangedPaths<'a> {
    forest: &'a IsolationForest,
    row: &'a [f32],
    typical: &'a [f32],
    sums: &'a mut [f32],
}

impl Walks for ChangedPaths<'_> {
    type Output = f32;

    fn run<const SIZE: usize, const WIDTH: usize>(self) -> f32 {
        let (trees, leaves) = self.forest.heaps::<SIZE>();
        let mut row = Padded::<WIDTH>::of(self.row);
        let mut is_asked = vec![false; self.row.len()];
        let mut sum = 0.0;
        self.sums.fill(0.0);
        for (cuts, leaves) in trees.iter().zip(leaves) {
            is_asked.fill(false);
            let leaf = row_down_tree(cuts, &row, |feature| is_asked[feature] = true);
            let path = leaves[leaf];
            sum += path;
            for (feature, changed) in self.sums.iter_mut().enumerate() {
                if !is_asked[feature] {
                    *changed += path;
                    continue;
                }
                row.set(feature, self.typical[feature]);
                *changed += leaves[row_down_tree(cuts, &row, |_| {})];
                row.set(feature, self.row[feature]);
            }
        }
        sum
    }
}

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, IsolationForestError>
    for IsolationForestValidParams
{
    type Object = IsolationForest;

    /// Grows the forest. Rows must be finite; targets are not looked at.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<IsolationForest, IsolationForestError> {
        let records = to_f32(&dataset.records);
        let (count, features) = records.dim();
        if count < SAMPLES_MIN {
            return Err(IsolationForestError::TooFewRows(count));
        }
        let values = records.as_slice().expect("to_f32 gives row-major order");
        let rows = Rows::new(values, features)?;
        rows.require_finite()?;
        Ok(grow_forest(self, rows))
    }
}

fn grow_forest(params: &IsolationForestValidParams, rows: Rows<'_>) -> IsolationForest {
    let samples = params.samples().min(rows.len());
    let depth = depth_for(samples);
    let size = 1_usize << depth;
    let mut cuts = vec![ALWAYS_LEFT; params.trees() * size];
    let mut leaves = vec![0.0; params.trees() * size];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(params.seed());
    for (cuts, leaves) in cuts.chunks_exact_mut(size).zip(leaves.chunks_exact_mut(size)) {
        let mut sample: Vec<u32> = index::sample(&mut rng, rows.len(), samples)
            .into_iter()
            .map(|row| row as u32)
            .collect();
        let mut features: Vec<u32> = (0..rows.features() as u32).collect();
        let mut grower = Grower {
            rows,
            rng: &mut rng,
            cuts,
            leaves,
            features: &mut features,
        };
        grower.grow(&mut sample, 1, 0);
    }
    IsolationForest {
        params: params.clone(),
        features: rows.features(),
        samples,
        depth,
        cuts,
        leaves,
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for IsolationForest {
    /// Scores every row; see [`IsolationForest::score_rows`]. Like linfa's own models it panics when the shapes differ.
    fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        predict_rows(x, y, self.features(), |rows, scores| {
            self.score_rows(rows, scores)
        });
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
