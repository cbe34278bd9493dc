//! Which shards the open tick touched.

use crate::limits::SHARDS;

const WORDS: usize = SHARDS.div_ceil(64);

/// A set of numbers of shards. A quiet site's tick touches a few of 256: asking each of them was a seventh of what a request
/// costs without the model, and keeping a sorted list of them half as much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Touched([u64; WORDS]);

impl Touched {
    /// Adds a shard; one that there is not is none.
    pub(crate) fn insert(&mut self, shard: usize) {
        if shard < SHARDS {
            self.0[shard / 64] |= 1 << (shard % 64);
        }
    }

    /// The shards, rising.
    pub(crate) fn iter(self) -> impl Iterator<Item = usize> + Clone {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            let rest = std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|bits| *bits != 0)
                .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// Those of all shards that are in the set, rising.
    pub(crate) fn of<T>(self, shards: &mut [T]) -> impl Iterator<Item = &mut T> {
        let (mut rest, mut passed) = (shards, 0);
        self.iter().map_while(move |number| {
            let (_, from) = std::mem::take(&mut rest).split_at_mut_checked(number - passed)?;
            let (shard, after) = from.split_first_mut()?;
            (rest, passed) = (after, number + 1);
            Some(shard)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_come_once_and_in_order() {
        let mut touched = Touched::default();
        for shard in [200, 3, 63, 64, 3, 255, 0, SHARDS] {
            touched.insert(shard);
        }
        assert_eq!(touched.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 200, 255]);
        assert_eq!(Touched::default().iter().next(), None);
        let mut shards: Vec<usize> = (0..SHARDS).collect();
        let chosen: Vec<usize> = touched.of(&mut shards).map(|shard| *shard).collect();
        assert_eq!(chosen, [0, 3, 63, 64, 200, 255]);
        assert_eq!(
            touched.of(&mut shards[..64]).count(),
            3,
            "fewer shards than there should be"
        );
    }
}
