//! How well scores tell attackers from everyone else: figures that need labels.

use crate::interval::Proportion;

/// Area under the ROC curve: the probability that a random positive scores above a random negative, ties counting half.
///
/// Source: J. A. Hanley, B. J. McNeil, Radiology 143 (1982); computed from ranks (Mann and Whitney 1947). `None` when
/// one of the two classes is missing, the slices differ in length or a score is NaN.
#[must_use]
pub fn area_under_roc(scores: &[f32], is_positive: &[bool]) -> Option<f64> {
    let groups = tied_groups(scores, is_positive)?;
    let (positives, negatives) = totals(&groups);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let mut positives_above = 0;
    let mut wins = 0.0;
    for group in &groups {
        let tied = group.positives as f64 / 2.0;
        wins += group.negatives as f64 * (positives_above as f64 + tied);
        positives_above += group.positives;
    }
    Some(wins / (positives as f64 * negatives as f64))
}

/// Average precision: precision at each threshold, weighted by the recall it adds.
///
/// The step form without interpolation, ties taken together, as scikit-learn's `average_precision_score`. `None` when
/// there is no positive, the slices differ in length or a score is NaN.
#[must_use]
pub fn average_precision(scores: &[f32], is_positive: &[bool]) -> Option<f64> {
    let groups = tied_groups(scores, is_positive)?;
    let (positives, _) = totals(&groups);
    if positives == 0 {
        return None;
    }
    let (mut seen, mut found, mut sum) = (0, 0, 0.0);
    for group in &groups {
        seen += group.positives + group.negatives;
        found += group.positives;
        sum += group.positives as f64 * found as f64 / seen as f64;
    }
    Some(sum / positives as f64)
}

/// What acting on every score at or above a threshold would have done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Share of those acted on that were positive.
    pub precision: Proportion,
    /// Share of the positives that were acted on.
    pub recall: Proportion,
    /// Share of the negatives that were acted on: the false-block rate.
    pub false_positive_rate: Proportion,
}

/// Counts a threshold's hits and misses, each share with its exact 95% interval.
///
/// `None` when the slices differ in length or a score is NaN.
#[must_use]
pub fn detection_at(scores: &[f32], is_positive: &[bool], threshold: f32) -> Option<Detection> {
    let groups = tied_groups(scores, is_positive)?;
    let (positives, negatives) = totals(&groups);
    let (hits, mistakes) = groups
        .iter()
        .filter(|group| group.score >= threshold)
        .fold((0, 0), |(hits, mistakes), group| {
            (hits + group.positives, mistakes + group.negatives)
        });
    Some(Detection {
        precision: Proportion::new(hits, hits + mistakes),
        recall: Proportion::new(hits, positives),
        false_positive_rate: Proportion::new(mistakes, negatives),
    })
}

/// Rows that share one score.
struct TiedGroup {
    score: f32,
    positives: u64,
    negatives: u64,
}

/// Groups rows by score, highest first.
fn tied_groups(scores: &[f32], is_positive: &[bool]) -> Option<Vec<TiedGroup>> {
    if scores.len() != is_positive.len() || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<(f32, bool)> = scores.iter().copied().zip(is_positive.iter().copied()).collect();
    order.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut groups: Vec<TiedGroup> = Vec::new();
    for (score, positive) in order {
        let (positives, negatives) = (u64::from(positive), u64::from(!positive));
        match groups.last_mut() {
            Some(group) if group.score == score => {
                group.positives += positives;
                group.negatives += negatives;
            }
            _ => groups.push(TiedGroup {
                score,
                positives,
                negatives,
            }),
        }
    }
    Some(groups)
}

fn totals(groups: &[TiedGroup]) -> (u64, u64) {
    groups.iter().fold((0, 0), |(positives, negatives), group| {
        (positives + group.positives, negatives + group.negatives)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half_in_the_area_under_the_curve() {
        assert_eq!(
            area_under_roc(&[0.9, 0.5, 0.5, 0.1], &[true, true, false, false]),
            Some(0.875)
        );
        assert_eq!(area_under_roc(&[1.0; 4], &[true, false, true, false]), Some(0.5));
        assert_eq!(area_under_roc(&[0.0, 1.0], &[true, false]), Some(0.0));
    }

    #[test]
    fn average_precision_matches_a_worked_example() {
        // Found at ranks 1 and 3 of 4: (1/1 + 2/3) / 2.
        let ap = average_precision(&[0.9, 0.8, 0.7, 0.1], &[true, false, true, false]).unwrap();
        assert!((ap - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(
            average_precision(&[1.0; 4], &[true, false, false, false]),
            Some(0.25)
        );
    }

    #[test]
    fn figures_that_cannot_be_computed_are_absent() {
        assert_eq!(area_under_roc(&[0.1, 0.2], &[true, true]), None);
        assert_eq!(area_under_roc(&[0.1, f32::NAN], &[true, false]), None);
        assert_eq!(average_precision(&[0.1], &[false]), None);
        assert_eq!(detection_at(&[0.1], &[], 0.5), None);
    }

    #[test]
    fn a_threshold_counts_what_lies_on_it() {
        let found = detection_at(&[0.9, 0.5, 0.5, 0.1], &[true, true, false, false], 0.5).unwrap();
        assert_eq!((found.precision.successes, found.precision.trials), (2, 3));
        assert_eq!((found.recall.successes, found.recall.trials), (2, 2));
        assert_eq!(
            (
                found.false_positive_rate.successes,
                found.false_positive_rate.trials
            ),
            (1, 2)
        );
    }
}
