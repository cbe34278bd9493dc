//! In which order people would look at alerts: learnt from their verdicts by whoever knows how, and never more than an order.

use storage::StoredAlert;

/// Learns from verdicts. Pure: the same alerts give the same likelihoods.
pub trait AlertRanker: Send + Sync {
    /// How likely people here would call each of `open` an attack, from 0 to 1 and in that order, by what they said of `judged`.
    /// `None` when nothing can be learnt from those.
    fn rank(&self, judged: &[StoredAlert], open: &[StoredAlert]) -> Option<Vec<f32>>;
}
