//! Blocks by score alone, through the whole detector: only within a budget that is shown, one in fifty observed.

use crate::detector::{Detector, Output, Settings};
use crate::policy::budget::is_held_out;
use crate::population::day_of;
use crate::score::{Contribution, Score, Scorer, Windows};
use crate::stage::Serial;
use crate::testing::{KEY, Line, START_MILLIS, settings};
use domain::{Action, Alert, Timestamp};

/// Finds everybody who sent exactly five requests as odd as can be, by the first feature, and nobody else.
#[derive(Default)]
struct FiveIsOdd {
    /// Whether clients have changed in that feature.
    has_changed: bool,
}

impl Scorer for FiveIsOdd {
    fn version(&self) -> &'static str {
        "five"
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        for (requests, score) in windows.requests.iter().zip(out) {
            let value = if *requests == 5 { 0.999 } else { 0.1 };
            let p_value = f64::from((1.0 - value) * (1.0 - value));
            *score = Score { value, p_value };
        }
    }

    fn threshold_for(&self, _per_million: f64) -> Option<f64> {
        Some(1e-4)
    }

    fn explain(&self, row: &[f32], _requests: u64, _most: usize) -> Vec<Contribution> {
        let first = Contribution {
            feature: 0,
            share: 1.0,
            typical: row[0],
            extreme: row[0],
        };
        vec![first]
    }

    fn has_changed(&self, feature: usize) -> bool {
        self.has_changed && feature == 0
    }
}

/// What becomes of one client that reads five pages, on a site with that many client-days, all of them dull.
fn alert(number: u32, budget: Option<f64>, client_days: u64) -> (Option<Alert>, Detector<FiveIsOdd>) {
    alert_by(FiveIsOdd::default(), number, budget, client_days)
}

fn alert_by(
    scorer: FiveIsOdd,
    number: u32,
    budget: Option<f64>,
    client_days: u64,
) -> (Option<Alert>, Detector<FiveIsOdd>) {
    let mut settings: Settings = settings(100_000);
    settings.policy.false_positive_budget = budget;
    let mut detector = Detector::new(settings, scorer);
    let scores = &mut detector.memory.population.scores;
    scores.move_to(Timestamp::from_millis(START_MILLIS));
    (0..client_days).for_each(|key| scores.add(key, 0.1));
    let mut lines: Vec<Line> = (0..5)
        .map(|page| Line::new(page * 20_000, number, &format!("/page{page}"), 200))
        .collect();
    // Waiting windows are scored a minute later, when the next request comes.
    lines.push(Line::new(200_000, number + 1, "/page", 200));
    lines.push(Line::new(201_000, number + 1, "/page", 200));
    let mut outputs = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        detector.observe(&[line.record(place as u64 + 1)], &Serial, &mut outputs);
    }
    detector.flush(&mut outputs);
    let alert = outputs.into_iter().find_map(|output| match output {
        Output::Alert(alert) => Some(alert),
        Output::Decision(_) | Output::Question(..) => None,
    });
    (alert, detector)
}

/// A client that the lot spares, or one that it does not.
fn client(is_spared: bool) -> u32 {
    let day = day_of(Timestamp::from_millis(START_MILLIS));
    let is_it = |number: &u32| {
        is_held_out(&KEY, KEY.hash(&Line::new(0, *number, "/", 200).client()), day) == is_spared
    };
    (0..10_000).find(is_it).unwrap()
}

/// Why nothing was done about a client that stood out.
fn why_only_observed(alert: Option<Alert>) -> String {
    let alert = alert.unwrap();
    assert_eq!(alert.action, Action::Observe);
    alert.held_back.unwrap()
}

#[test]
fn without_a_budget_nobody_is_blocked_by_score_alone() {
    let (alert, detector) = alert(client(false), None, 5000);
    assert!(alert.is_none_or(|alert| alert.action == Action::Observe));
    assert_eq!(detector.totals().score_only.blocks, 0);
}

#[test]
fn within_a_budget_that_is_shown_the_score_blocks_and_says_so() {
    let (alert, detector) = alert(client(false), Some(1000.0), 5000);
    let alert = alert.unwrap();
    assert_eq!((alert.action, alert.held_back), (Action::Block, None));
    assert!(
        alert.reasons[0].sentence.contains("by its score alone"),
        "{:?}",
        alert.reasons
    );
    let told = detector.totals().score_only;
    assert_eq!((told.blocks, told.held_out), (1, 0));
    // Whoever is flagged by score alone stays in the reservoir.
    assert_eq!(detector.totals().client_days, 5001);
}

#[test]
fn one_in_fifty_is_only_observed_and_told_why() {
    let (alert, detector) = alert(client(true), Some(1000.0), 5000);
    let reason = why_only_observed(alert);
    assert!(reason.starts_with("drawn by lot: one in 50"), "{reason}");
    let told = detector.totals().score_only;
    assert_eq!((told.blocks, told.held_out, told.convicted), (1, 1, 0));
}

#[test]
fn a_budget_that_is_not_shown_yet_blocks_nobody_and_says_what_it_takes() {
    let (alert, detector) = alert(client(false), Some(1000.0), 500);
    let reason = why_only_observed(alert);
    assert!(
        reason.contains("takes 2995 client-days of this site, and 501 were seen"),
        "{reason}"
    );
    assert_eq!(detector.totals().score_only.blocks, 0);
}

#[test]
fn a_score_says_little_where_clients_have_changed_in_what_carries_it() {
    let scorer = FiveIsOdd { has_changed: true };
    let (alert, _) = alert_by(scorer, client(false), Some(1000.0), 5000);
    let reason = why_only_observed(alert);
    assert!(
        reason.contains("in which this site's clients have changed"),
        "{reason}"
    );
}
