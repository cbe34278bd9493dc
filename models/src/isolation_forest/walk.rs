//! Walks from the root of a tree to a leaf, several at a time.
//!
//! A walk waits on memory at every step; eight independent ones hide that. Rows are copied to a width that is a power of two
//! and known to the compiler: it needs no bounds check then, and no pointer for each lane, of which eight leave no register
//! for the rest. Seventeen instructions for a step became ten.

use super::tree::Cut;

/// Rows (or trees, for a lone row) walked at the same time.
pub(super) const LANES: usize = 8;

/// A row of that many places, zeros behind its last feature. The width must be a power of two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Padded<const WIDTH: usize>([f32; WIDTH]);

impl<const WIDTH: usize> Padded<WIDTH> {
    pub(super) const EMPTY: Self = Self([0.0; WIDTH]);

    /// Takes a row over; it must fit.
    pub(super) fn fill(&mut self, row: &[f32]) {
        self.0[..row.len()].copy_from_slice(row);
    }

    pub(super) fn of(row: &[f32]) -> Self {
        let mut padded = Self::EMPTY;
        padded.fill(row);
        padded
    }

    pub(super) fn set(&mut self, feature: usize, value: f32) {
        self.0[feature % WIDTH] = value;
    }

    /// The node below `node` to which the cut there sends the row.
    #[inline(always)]
    fn next(&self, cut: Cut, node: usize) -> usize {
        2 * node + usize::from(self.0[cut.feature as usize % WIDTH] > cut.threshold)
    }
}

/// Follows eight rows down one tree and returns the leaf each reached.
#[inline(always)]
pub(super) fn rows_down_tree<const SIZE: usize, const WIDTH: usize>(
    cuts: &[Cut; SIZE],
    rows: &[Padded<WIDTH>; LANES],
) -> [usize; LANES] {
    let mut at = [1_usize; LANES];
    for _ in 0..SIZE.trailing_zeros() {
        for (at, row) in at.iter_mut().zip(rows) {
            *at = row.next(cuts[*at % SIZE], *at);
        }
    }
    at.map(|node| node % SIZE)
}

/// Follows one row down eight trees and returns the leaf it reached in each.
#[inline(always)]
pub(super) fn row_down_trees<const SIZE: usize, const WIDTH: usize>(
    trees: &[[Cut; SIZE]; LANES],
    row: &Padded<WIDTH>,
) -> [usize; LANES] {
    let mut at = [1_usize; LANES];
    for _ in 0..SIZE.trailing_zeros() {
        for (at, cuts) in at.iter_mut().zip(trees) {
            *at = row.next(cuts[*at % SIZE], *at);
        }
    }
    at.map(|node| node % SIZE)
}

/// Follows one row down one tree and returns the leaf; `passed` hears of the feature of each cut on the way.
pub(super) fn row_down_tree<const SIZE: usize, const WIDTH: usize>(
    cuts: &[Cut; SIZE],
    row: &Padded<WIDTH>,
    mut passed: impl FnMut(usize),
) -> usize {
    let mut at = 1;
    for _ in 0..SIZE.trailing_zeros() {
        let cut = cuts[at % SIZE];
        passed(cut.feature as usize);
        at = row.next(cut, at);
    }
    at % SIZE
}
