//! The forest itself: growing and scoring.

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use ndarray::{Array1, ArrayBase, Data, Ix2};
use rand::{SeedableRng, seq::index};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::rows::{Rows, RowsError, predict_rows, to_f32};

use super::error::IsolationForestError;
use super::hyperparams::{
    IsolationForestParams, IsolationForestValidParams, SAMPLES_MAX, SAMPLES_MIN, TREES_MAX,
};
use super::tree::{ALWAYS_LEFT, Cut, Grower, average_path_length, depth_for};

/// Rows (or trees, for a lone row) walked at the same time. A walk waits on memory at every step; eight independent
/// ones hide that, and more no longer fit the registers.
const LANES: usize = 8;

/// Rows scored per pass over the trees: 64 rows of 40 features and one tree fit the first-level cache together.
const BLOCK: usize = 64;

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
            self.sum_paths(block, sums);
            for sum in sums {
                *sum = self.score_of(*sum);
            }
        }
        Ok(())
    }

    /// `2^(−E[h] / c(ψ))`, Liu et al., equation 2.
    fn score_of(&self, path_sum: f32) -> f32 {
        let mean = f64::from(path_sum) / self.trees() as f64;
        libm::exp2(-mean / average_path_length(self.samples)) as f32
    }

    /// Picks the walk compiled for this depth: a length known to the compiler needs no bounds checks.
    fn sum_paths(&self, block: &[f32], sums: &mut [f32]) {
        match self.depth {
            1 => self.sum_paths_at::<2>(block, sums),
            2 => self.sum_paths_at::<4>(block, sums),
            3 => self.sum_paths_at::<8>(block, sums),
            4 => self.sum_paths_at::<16>(block, sums),
            5 => self.sum_paths_at::<32>(block, sums),
            6 => self.sum_paths_at::<64>(block, sums),
            7 => self.sum_paths_at::<128>(block, sums),
            8 => self.sum_paths_at::<256>(block, sums),
            9 => self.sum_paths_at::<512>(block, sums),
            10 => self.sum_paths_at::<1024>(block, sums),
            11 => self.sum_paths_at::<2048>(block, sums),
            _ => self.sum_paths_at::<4096>(block, sums),
        }
    }

    /// Adds up path lengths, always in the order of the trees, whichever way the walks are interleaved: addition of
    /// floats is not associative, and a score may not depend on the batch.
    fn sum_paths_at<const SIZE: usize>(&self, block: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        let whole = sums.len() / LANES * LANES;
        for (cuts, leaves) in self.heaps::<SIZE>() {
            let groups = block.chunks_exact(LANES * self.features);
            for (group, group_sums) in groups.zip(sums.chunks_exact_mut(LANES)) {
                let rows: [&[f32]; LANES] =
                    std::array::from_fn(|lane| &group[lane * self.features..(lane + 1) * self.features]);
                let reached = walk([cuts; LANES], rows);
                for (sum, leaf) in group_sums.iter_mut().zip(reached) {
                    *sum += leaves[leaf];
                }
            }
        }
        let rest = block[whole * self.features..].chunks_exact(self.features);
        for (row, sum) in rest.zip(&mut sums[whole..]) {
            *sum = self.sum_path_of_row::<SIZE>(row);
        }
    }

    /// Walks one row down eight trees at a time.
    fn sum_path_of_row<const SIZE: usize>(&self, row: &[f32]) -> f32 {
        let mut sum = 0.0;
        let mut trees = self.heaps::<SIZE>();
        for _ in 0..self.trees() / LANES {
            let group: [_; LANES] =
                std::array::from_fn(|_| trees.next().expect("counted: trees / LANES groups of LANES"));
            let reached = walk(group.map(|(cuts, _)| cuts), [row; LANES]);
            for ((_, leaves), leaf) in group.into_iter().zip(reached) {
                sum += leaves[leaf];
            }
        }
        for (cuts, leaves) in trees {
            let [leaf] = walk([cuts], [row]);
            sum += leaves[leaf];
        }
        sum
    }

    fn heaps<const SIZE: usize>(&self) -> impl Iterator<Item = (&[Cut; SIZE], &[f32; SIZE])> {
        self.cuts
            .as_chunks::<SIZE>()
            .0
            .iter()
            .zip(self.leaves.as_chunks::<SIZE>().0)
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

/// Follows N independent walks to the bottom and returns the leaf each reached.
#[inline(always)]
fn walk<const N: usize, const SIZE: usize>(cuts: [&[Cut; SIZE]; N], rows: [&[f32]; N]) -> [usize; N] {
    let mut at = [1_usize; N];
    for _ in 0..SIZE.trailing_zeros() {
        for lane in 0..N {
            let cut = cuts[lane][at[lane] % SIZE];
            at[lane] = 2 * at[lane] + usize::from(rows[lane][cut.feature as usize] > cut.threshold);
        }
    }
    at.map(|node| node % SIZE)
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
