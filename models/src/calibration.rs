//! From a score to a p-value that means what it says, and from a budget to the p-value at which to act.
//!
//! A score is compared with those of clients that were kept aside and not trained on. If a client is like them, its
//! p-value (1 + those scoring at least as high) / (1 + all of them) is at most t with probability at most t, whatever the
//! model: conformal calibration needs only that clients are exchangeable. They are not across days, so the budget that
//! counts is the one seen on later days; see the evaluation.
//!
//! Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005; per group of clients
//! (here: by number of requests) as in their Mondrian predictors; S. Bates, E. Candès, L. Lei, Y. Romano, M. Sesia,
//! "Testing for outliers with conformal p-values", Annals of Statistics 51 (2023).

use serde::{Deserialize, Serialize};

use crate::empirical::SurvivalTable;
use crate::interval::upper_limit;

/// Most edges between groups of request counts.
pub const BUCKETS_MAX: usize = 32;

/// Fewest calibration scores in a group: fewer would floor its p-values above 2%. Groups with less borrow from their
/// neighbours.
const BUCKET_SCORES_MIN: usize = 50;

/// Highest scores kept one by one: p-values are exact wherever anyone would act on them.
const EXACT_SCORES: usize = 1024;

/// Ratio of ranks below those: p-values there are at most 1% too large.
const RANK_RATIO: f64 = 1.01;

/// Share of the highest scores from which the tail beyond them is extrapolated, and the fewest that takes.
const TAIL_SHARE: f64 = 0.02;
const TAIL_SCORES_MIN: usize = 10;

/// Smallest rank that extrapolation gives.
const RANK_MIN: f64 = 1e-12;

/// Confidence with which a budget must be shown to hold.
const BUDGET_CONFIDENCE: f64 = 0.95;

/// Events per trial that cannot be excluded at 95% confidence after none was seen: −ln 0.05, the rule of three.
const RULE_OF_THREE: f64 = 3.0;

/// Says why scores could not be calibrated or a budget not promised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// There is nothing to compare with.
    #[error("could not calibrate with {0} scores: at least {BUCKET_SCORES_MIN} are needed")]
    TooFewScores(usize),
    /// A score is NaN or infinite.
    #[error("could not calibrate: score {0} is not finite")]
    NotFinite(usize),
    /// The edges do not rise or are too many.
    #[error("could not group by request counts {0:?}: at most {BUCKETS_MAX} rising edges are allowed")]
    Edges(Vec<u32>),
    /// Scores and request counts differ in number.
    #[error("could not calibrate {scores} scores with {counts} request counts")]
    Mismatch {
        /// Scores given.
        scores: usize,
        /// Request counts given.
        counts: usize,
    },
    /// The budget is smaller than the calibration clients can show.
    #[error(
        "could not promise {asked} wrongly blocked per million client-days from {client_days} client-days: \
         the smallest budget they can show is {smallest_provable:.3}"
    )]
    BudgetTooSmall {
        /// What was asked for, per million client-days.
        asked: f64,
        /// What is the least that can be promised, per million client-days.
        smallest_provable: f64,
        /// Client-days it was calibrated on.
        client_days: u32,
    },
}

/// A score's standing among the calibration scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Conformal p-value, at least 1/(n + 1). The one to act on.
    pub p_value: f64,
    /// The same, continued below its floor by an exponential tail. It ranks clients that all stand above everyone
    /// seen; nothing may be decided from it.
    pub rank: f64,
}

/// Calibration of one score over one group of clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    table: SurvivalTable,
    /// Mean excess of the highest scores: the scale of the exponential tail beyond the highest.
    tail_scale: f64,
}

impl Calibration {
    /// Keeps the scores of clients that the model was not fitted to.
    ///
    /// # Errors
    /// When there are fewer than 50 or one is not finite.
    pub fn fit(scores: &[f32]) -> Result<Self, CalibrationError> {
        if scores.len() < BUCKET_SCORES_MIN {
            return Err(CalibrationError::TooFewScores(scores.len()));
        }
        if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
            return Err(CalibrationError::NotFinite(at));
        }
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let tail = ((sorted.len() as f64 * TAIL_SHARE) as usize).max(TAIL_SCORES_MIN);
        let tail = &sorted[sorted.len() - tail..];
        let excess = tail
            .iter()
            .map(|&score| f64::from(score) - f64::from(tail[0]))
            .sum::<f64>();
        let table = SurvivalTable::from_sorted(&sorted, EXACT_SCORES, RANK_RATIO);
        Ok(Self {
            table,
            tail_scale: excess / tail.len() as f64,
        })
    }

    /// Number of scores behind it.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.table.total()
    }

    /// Smallest p-value it can give: 1/(n + 1).
    #[must_use]
    pub fn smallest_p_value(&self) -> f64 {
        1.0 / (f64::from(self.size()) + 1.0)
    }

    /// Compares a score with the calibration scores. NaN stands below all of them.
    #[must_use]
    pub fn standing(&self, score: f32) -> Standing {
        let beyond = self.table.count_at_least(score);
        let p_value = (f64::from(beyond) + 1.0).min(f64::from(self.size()) + 1.0) * self.smallest_p_value();
        let rank = if beyond == 0 {
            p_value * self.tail_beyond(score)
        } else {
            p_value
        };
        Standing {
            p_value,
            rank: rank.max(RANK_MIN),
        }
    }

    /// exp(−excess over the highest score / mean excess): 1 at the highest, falling.
    fn tail_beyond(&self, score: f32) -> f64 {
        if self.tail_scale <= 0.0 {
            return 1.0;
        }
        libm::exp(-(f64::from(score) - f64::from(self.table.largest())) / self.tail_scale)
    }

    /// Finds the p-value at or below which acting keeps wrongly blocked clients within a budget, shown with 95%
    /// confidence, where every calibration score is one client-day's highest.
    ///
    /// Acting on clients that score above all but k of n calibration client-days errs with a rate whose upper
    /// Clopper–Pearson limit for k of n is known; the largest k that fits is taken.
    ///
    /// # Errors
    /// [`CalibrationError::BudgetTooSmall`] below 3/n, with the smallest budget that can be shown.
    pub fn threshold_for(&self, per_million_client_days: f64) -> Result<BudgetThreshold, CalibrationError> {
        let client_days = self.size();
        let budget = per_million_client_days / 1e6;
        let smallest_provable = 1e6 * RULE_OF_THREE / f64::from(client_days);
        let limit = |k: u32| upper_limit(u64::from(k), u64::from(client_days), 1.0 - BUDGET_CONFIDENCE);
        let fits = |k: u32| limit(k) <= budget;
        if per_million_client_days.is_nan() || per_million_client_days < smallest_provable || !fits(0) {
            return Err(CalibrationError::BudgetTooSmall {
                asked: per_million_client_days,
                smallest_provable,
                client_days,
            });
        }
        // The limit rises with k: halve between the last that fits and the first that does not.
        let (mut fitting, mut failing) = (0, client_days);
        while failing - fitting > 1 {
            let middle = fitting.midpoint(failing);
            if fits(middle) {
                fitting = middle;
            } else {
                failing = middle;
            }
        }
        let p_value = (f64::from(fitting) + 1.0) * self.smallest_p_value();
        Ok(BudgetThreshold {
            p_value,
            exceeded_by: fitting,
            client_days,
            rate_at_most: limit(fitting),
        })
    }

    /// True when a stored calibration does not contradict itself.
    pub(crate) fn is_valid(&self) -> bool {
        self.table.is_valid() && self.tail_scale.is_finite() && self.tail_scale >= 0.0
    }
}

/// The p-value to act at for a budget, and what shows that it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetThreshold {
    /// Act on clients with this p-value or less.
    pub p_value: f64,
    /// Calibration client-days that would have been acted on.
    pub exceeded_by: u32,
    /// Calibration client-days in all.
    pub client_days: u32,
    /// Upper 95% limit of the share of client-days wrongly acted on.
    pub rate_at_most: f64,
}

/// Calibration of one score for each group of request counts: after 8 requests other scores are usual than after 800.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BucketedCalibration {
    /// A group ends below each edge; the last has no end.
    edges: Vec<u32>,
    groups: Vec<Calibration>,
}

impl BucketedCalibration {
    /// Calibrates each group of request counts; one with fewer than 50 scores takes in its neighbours'.
    ///
    /// # Errors
    /// When the edges do not rise, the slices differ in length, or all scores together are too few.
    pub fn fit(scores: &[f32], request_counts: &[u32], edges: &[u32]) -> Result<Self, CalibrationError> {
        if edges.len() > BUCKETS_MAX || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(CalibrationError::Edges(edges.to_vec()));
        }
        if scores.len() != request_counts.len() {
            return Err(CalibrationError::Mismatch {
                scores: scores.len(),
                counts: request_counts.len(),
            });
        }
        let mut buckets = vec![Vec::new(); edges.len() + 1];
        for (&score, &count) in scores.iter().zip(request_counts) {
            buckets[bucket_of(edges, count)].push(score);
        }
        let groups = (0..buckets.len()).map(|bucket| Calibration::fit(&with_neighbours(&buckets, bucket)));
        Ok(Self {
            edges: edges.to_vec(),
            groups: groups.collect::<Result<_, _>>()?,
        })
    }

    /// Compares a score with those of clients that had made about as many requests.
    #[must_use]
    pub fn standing(&self, score: f32, request_count: u32) -> Standing {
        self.groups[bucket_of(&self.edges, request_count)].standing(score)
    }

    /// Edges of the groups and the number of scores behind each, borrowed ones included.
    pub fn sizes(&self) -> impl Iterator<Item = (Option<u32>, u32)> {
        let ends = self.edges.iter().copied().map(Some).chain([None]);
        ends.zip(self.groups.iter().map(Calibration::size))
    }

    /// True when a stored calibration does not contradict itself.
    pub(crate) fn is_valid(&self) -> bool {
        self.groups.len() == self.edges.len() + 1
            && self.edges.windows(2).all(|pair| pair[0] < pair[1])
            && self.groups.iter().all(Calibration::is_valid)
    }
}

fn bucket_of(edges: &[u32], request_count: u32) -> usize {
    edges.partition_point(|&edge| edge <= request_count)
}

/// A bucket's scores, joined by those of the buckets around it until there are enough or no more.
fn with_neighbours(buckets: &[Vec<f32>], bucket: usize) -> Vec<f32> {
    let mut scores = Vec::new();
    for reach in 0..buckets.len() {
        let first = bucket.saturating_sub(reach);
        let last = (bucket + reach).min(buckets.len() - 1);
        scores = buckets[first..=last].concat();
        if scores.len() >= BUCKET_SCORES_MIN {
            break;
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::normal;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn normals(seed: u64, count: usize) -> Vec<f32> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..count).map(|_| normal(&mut rng)).collect()
    }

    #[test]
    fn a_p_value_is_the_share_that_scores_as_high_and_never_zero() {
        let scores: Vec<f32> = (1..=99_u8).map(f32::from).collect();
        let calibration = Calibration::fit(&scores).unwrap();
        assert_eq!(calibration.standing(99.0).p_value, 0.02);
        assert_eq!(calibration.standing(99.5).p_value, 0.01);
        assert_eq!(calibration.standing(1e9).p_value, calibration.smallest_p_value());
        assert_eq!(calibration.standing(f32::NAN).p_value, 1.0);
        assert_eq!(calibration.standing(-7.0).p_value, 1.0);
    }

    #[test]
    fn beyond_the_highest_only_the_rank_goes_on_falling() {
        let calibration = Calibration::fit(&normals(1, 1000)).unwrap();
        let (far, farther) = (calibration.standing(6.0), calibration.standing(7.0));
        assert_eq!(far.p_value, farther.p_value);
        assert!(farther.rank < far.rank && far.rank < far.p_value);
    }

    #[test]
    fn benign_clients_fall_below_a_p_value_as_often_as_it_says() {
        // Averaged over calibration sets, because each set by itself is off by chance.
        let mut below = 0;
        for seed in 0..50 {
            let calibration = Calibration::fit(&normals(seed, 200)).unwrap();
            let fresh = normals(seed + 1000, 2000);
            below += fresh
                .iter()
                .filter(|&&score| calibration.standing(score).p_value <= 0.02)
                .count();
        }
        let rate = below as f64 / 100_000.0;
        assert!((0.015..=0.0205).contains(&rate), "{rate}");
    }

    #[test]
    fn a_budget_below_three_in_n_is_refused_with_the_smallest_that_is_not() {
        let calibration = Calibration::fit(&normals(2, 10_000)).unwrap();
        let error = calibration.threshold_for(299.0).unwrap_err();
        let CalibrationError::BudgetTooSmall {
            smallest_provable,
            client_days,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((smallest_provable, client_days), (300.0, 10_000));
        assert!(error.to_string().contains("300.000"), "{error}");
        let threshold = calibration.threshold_for(smallest_provable).unwrap();
        assert_eq!((threshold.exceeded_by, threshold.p_value), (0, 1.0 / 10_001.0));
        assert!(calibration.threshold_for(f64::NAN).is_err());
    }

    #[test]
    fn a_budget_holds_on_fresh_clients_in_nineteen_draws_of_twenty() {
        let mut broken = 0;
        for seed in 0..40 {
            let calibration = Calibration::fit(&normals(seed, 2000)).unwrap();
            let threshold = calibration.threshold_for(10_000.0).unwrap();
            assert!(threshold.rate_at_most <= 0.01 && threshold.exceeded_by > 5);
            let fresh = normals(seed + 500, 20_000);
            let acted = fresh
                .iter()
                .filter(|&&s| calibration.standing(s).p_value <= threshold.p_value)
                .count();
            broken += u32::from(acted as f64 / 20_000.0 > 0.01);
        }
        assert!(broken <= 4, "{broken} of 40");
    }

    #[test]
    fn a_group_is_compared_with_its_own_and_a_small_one_with_its_neighbours_too() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let counts: Vec<u32> = (0..600).map(|_| rng.gen_range(1..100)).collect();
        let scores: Vec<f32> = counts
            .iter()
            .map(|&count| if count < 10 { 0.9 } else { 0.1 })
            .collect();
        let calibration = BucketedCalibration::fit(&scores, &counts, &[10, 50, 5000]).unwrap();
        assert_eq!(calibration.standing(0.9, 5).p_value, 1.0);
        assert!(calibration.standing(0.9, 60).p_value < 0.01);
        assert!(calibration.standing(0.9, 9999).p_value < 0.01);
        assert!(calibration.sizes().all(|(_, size)| size >= 50));
    }

    #[test]
    fn what_cannot_be_calibrated_is_refused() {
        assert_eq!(
            Calibration::fit(&[1.0; 49]).unwrap_err(),
            CalibrationError::TooFewScores(49)
        );
        let mut scores = [1.0; 60];
        scores[7] = f32::INFINITY;
        assert_eq!(
            Calibration::fit(&scores).unwrap_err(),
            CalibrationError::NotFinite(7)
        );
        let edges = BucketedCalibration::fit(&[1.0; 60], &[1; 60], &[5, 5]).unwrap_err();
        assert_eq!(edges, CalibrationError::Edges(vec![5, 5]));
    }

    proptest! {
        #[test]
        fn a_higher_score_never_stands_lower(low in -9.0_f32..9.0, step in 0.0_f32..9.0) {
            let calibration = Calibration::fit(&normals(4, 3000)).unwrap();
            let (low, high) = (calibration.standing(low), calibration.standing(low + step));
            prop_assert!(high.p_value <= low.p_value && high.rank <= low.rank);
            prop_assert!(high.rank > 0.0 && low.p_value <= 1.0);
        }
    }
}
