//! How many different things: linear counting in a small bitmap (Whang, Vander-Zanden, Taylor 1990).

use serde::{Deserialize, Serialize};

/// A bitmap of `WORDS` x 64 bits that estimates how many different hashes it was given.
///
/// Good to a few percent up to its number of bits; past about three times that it saturates and only grows slowly,
/// which is enough: nobody ordinary gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distinct<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Default for Distinct<WORDS> {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl<const WORDS: usize> Distinct<WORDS> {
    /// Number of bits.
    pub const BITS: u32 = WORDS as u32 * 64;

    /// Adds a hash. True when its bit was not set: the thing is new for certain.
    pub fn insert(&mut self, hash: u64) -> bool {
        // The high bits choose, since callers' tables use the low ones.
        let bit = ((hash >> 40) as u32) % Self::BITS;
        let word = &mut self.0[(bit / 64) as usize];
        let mask = 1u64 << (bit % 64);
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }

    /// The first of its words.
    pub(super) fn first_word(&self) -> u64 {
        self.0.first().copied().unwrap_or(0)
    }

    /// Whether a hash, or one that shares its bit, was added.
    #[must_use]
    pub fn contains(&self, hash: u64) -> bool {
        let bit = ((hash >> 40) as u32) % Self::BITS;
        self.0[(bit / 64) as usize] & (1u64 << (bit % 64)) != 0
    }

    /// The estimate: `-m ln(empty / m)`, capped where the bitmap is full.
    #[must_use]
    pub fn estimate(&self) -> f32 {
        let set: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let bits = Self::BITS as f32;
        let empty = (Self::BITS - set).max(1) as f32;
        -bits * (empty / bits).ln()
    }

    /// A bitmap whose estimate is so many times this one's, as near as bits allow and never above it.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        let bits = Self::BITS as f32;
        let wanted = bits * (1.0 - (-self.estimate() * factor.max(0.0) / bits).exp());
        // A little more than a whole number is that number: the logarithm and its inverse do not quite cancel out.
        let wanted = (wanted + 0.01).floor() as u32;
        let mut scaled = *self;
        let mut set: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        for bit in 0..Self::BITS {
            let (word, mask) = (&mut scaled.0[(bit / 64) as usize], 1u64 << (bit % 64));
            if set > wanted && *word & mask != 0 {
                *word &= !mask;
                set -= 1;
            } else if set < wanted && *word & mask == 0 {
                *word |= mask;
                set += 1;
            }
        }
        scaled
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

impl<const WORDS: usize> Serialize for Distinct<WORDS> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de, const WORDS: usize> Deserialize<'de> for Distinct<WORDS> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<u64>::deserialize(deserializer)?;
        let count = words.len();
        let words = words
            .try_into()
            .map_err(|_| serde::de::Error::invalid_length(count, &"the bitmap's words"))?;
        Ok(Self(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::HashKey;

    #[test]
    fn the_estimate_is_good_to_a_tenth_up_to_the_number_of_bits() {
        let key = HashKey::new([7; 16]);
        let mut sketch = Distinct::<4>::default();
        for value in 0..256u32 {
            sketch.insert(key.hash(&value));
            sketch.insert(key.hash(&value));
        }
        assert!((sketch.estimate() - 256.0).abs() < 32.0, "{}", sketch.estimate());
    }

    #[test]
    fn a_scaled_sketch_estimates_so_many_times_as_much() {
        let key = HashKey::new([7; 16]);
        let mut sketch = Distinct::<4>::default();
        (0..60u32).for_each(|value| {
            sketch.insert(key.hash(&value));
        });
        for factor in [0.0, 0.3, 1.0, 2.0] {
            let wanted = sketch.estimate() * factor;
            let found = sketch.scaled(factor).estimate();
            assert!(found <= wanted + 0.1 && found > wanted - 2.0, "{factor}: {found}");
        }
        assert_eq!(sketch.scaled(1.0), sketch);
    }

    #[test]
    fn a_flood_of_hashes_saturates_finitely() {
        let key = HashKey::new([7; 16]);
        let mut sketch = Distinct::<1>::default();
        for value in 0..100_000u32 {
            sketch.insert(key.hash(&value));
        }
        assert!(sketch.estimate().is_finite());
    }
}
