//! How the scores of unsuspicious clients are spread on this site: the shipped model has never seen it.

use serde::{Deserialize, Serialize};

/// Bins of the score histogram over `[0, 1]`.
const BINS: usize = 256;

/// Fewer clients than this say nothing about a site.
const CLIENTS_MIN: u64 = 100;

/// Past this many the histogram is halved, so that it follows the site.
const CLIENTS_MAX: u64 = 100_000;

/// Histogram of the scores of unsuspicious clients, one entry per scoring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreSpread {
    counts: Vec<u64>,
    total: u64,
}

impl Default for ScoreSpread {
    fn default() -> Self {
        Self {
            counts: vec![0; BINS],
            total: 0,
        }
    }
}

impl ScoreSpread {
    /// Adds the score of a client that nothing speaks against.
    pub fn add(&mut self, score: f32) {
        self.counts[bin(score)] += 1;
        self.total += 1;
        if self.total >= CLIENTS_MAX {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.total = self.counts.iter().sum();
        }
    }

    /// Whether it holds what it can have been given: what comes from a checkpoint is checked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.counts.len() == BINS
            && self.counts.iter().all(|count| *count < CLIENTS_MAX)
            && self.counts.iter().sum::<u64>() == self.total
    }

    /// The conformal p-value of a score among this site's own, `(1 + as high or higher) / (n + 1)`; `None` while
    /// too few are known (Vovk, Gammerman, Shafer 2005).
    #[must_use]
    pub fn p_value(&self, score: f32) -> Option<f64> {
        if self.total < CLIENTS_MIN {
            return None;
        }
        let higher: u64 = self.counts[bin(score)..].iter().sum();
        Some((1 + higher) as f64 / (self.total + 1) as f64)
    }
}

fn bin(score: f32) -> usize {
    ((score.clamp(0.0, 1.0) * BINS as f32) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p_value_is_a_rank_and_never_zero() {
        let mut spread = ScoreSpread::default();
        assert_eq!(spread.p_value(0.5), None);
        (0..999).for_each(|place| spread.add(place as f32 / 1000.0));
        assert!((spread.p_value(1.0).unwrap() - 0.001).abs() < 0.005);
        assert!((spread.p_value(0.0).unwrap() - 1.0).abs() < 1e-9);
    }
}
