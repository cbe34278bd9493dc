//! The same logs judged at other thresholds: what a stricter or a laxer policy would have caught, and whom it would have hit.

use super::{ClientDays, Figures};
use detector::policy::PolicySettings;
use models::interval::Proportion;

/// Confidences from which a client is acted on, besides the one in use.
const THRESHOLDS: [f32; 9] = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99];

/// Figures at several thresholds, rising.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sweep {
    /// One for each threshold.
    pub points: Vec<Point>,
}

/// What acting from one confidence on would have done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Confidence from which a client is acted on.
    pub threshold: f32,
    /// Whether it is the one in use.
    pub is_used: bool,
    /// Share of those acted on that are attackers.
    pub precision: Proportion,
    /// Share of the attackers that were acted on.
    pub recall: Proportion,
    /// Client-days of the innocent.
    pub days: ClientDays,
}

impl Sweep {
    /// Judges at each threshold; `judge` is given the policy to judge with. A threshold moves the actions of the policy
    /// in use: it slows down from there on, and blocks from there on or from where it did, whichever is higher.
    ///
    /// # Errors
    /// What `judge` fails with.
    pub(crate) fn over(
        used: &PolicySettings,
        mut judge: impl FnMut(&PolicySettings) -> anyhow::Result<Figures>,
    ) -> anyhow::Result<Self> {
        let mut thresholds = THRESHOLDS.to_vec();
        thresholds.retain(|threshold| *threshold != used.throttle_from);
        thresholds.push(used.throttle_from);
        thresholds.sort_by(f32::total_cmp);
        let mut points = Vec::with_capacity(thresholds.len());
        for threshold in thresholds {
            let figures = judge(&acting_from(used, threshold))?;
            points.push(Point {
                threshold,
                is_used: threshold == used.throttle_from,
                precision: figures.precision(),
                recall: figures.all.recall(),
                days: figures.days(),
            });
        }
        Ok(Self { points })
    }
}

fn acting_from(used: &PolicySettings, threshold: f32) -> PolicySettings {
    PolicySettings {
        observe_from: used.observe_from.min(threshold),
        throttle_from: threshold,
        block_from: used.block_from.max(threshold),
        ..used.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_rise_hold_the_one_in_use_once_and_give_a_policy_without_contradictions() {
        let used = PolicySettings::default();
        let mut seen = Vec::new();
        let sweep = Sweep::over(&used, |policy| {
            assert_eq!(policy.problems(), Vec::<String>::new());
            seen.push(policy.throttle_from);
            Ok(Figures::default())
        })
        .unwrap();
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
        assert_eq!(sweep.points.iter().filter(|point| point.is_used).count(), 1);
    }
}
