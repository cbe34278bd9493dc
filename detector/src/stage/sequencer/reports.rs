//! Whom other machines report. A report is a view from elsewhere: it strengthens what is seen here, as an unusual score does, and is nothing by
//! itself. Whoever took such a machine over gets nobody blocked who did nothing here.

use crate::limits::REPORTS_MAX;
use domain::Timestamp;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A report strengthens evidence as a score does that one client in a hundred reaches.
pub(super) const REPORTED_P: f64 = 0.01;

/// A report without an end holds for so long: addresses change hands.
const HOLDS_MILLIS: i64 = 24 * 3_600_000;

/// The longest that one holds, whatever it says.
const HOLDS_MILLIS_MAX: i64 = 7 * HOLDS_MILLIS;

/// Whom other machines report, and until when that counts.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    by_owner: HashMap<u64, i64, FixedState>,
    /// Reports that were not kept because there were too many.
    pub left_out: u64,
}

impl Reports {
    /// Takes in that a client with that keyed hash was reported at a moment, to be acted on until another.
    pub(crate) fn note(&mut self, owner: u64, at: Timestamp, until: Option<Timestamp>) {
        let at = at.as_millis();
        let latest = at.saturating_add(HOLDS_MILLIS_MAX);
        let until = until.map_or(at.saturating_add(HOLDS_MILLIS), |until| {
            until.as_millis().min(latest)
        });
        if self.by_owner.len() >= REPORTS_MAX && !self.by_owner.contains_key(&owner) {
            self.by_owner.retain(|_, until| *until > at);
            if self.by_owner.len() >= REPORTS_MAX {
                self.left_out += 1;
                return;
            }
        }
        let known = self.by_owner.entry(owner).or_insert(until);
        *known = until.max(*known);
    }

    /// Whether a client was reported, and that still counts.
    pub(crate) fn holds(&self, owner: u64, at: Timestamp) -> bool {
        self.by_owner
            .get(&owner)
            .is_some_and(|until| at.as_millis() < *until)
    }

    /// How many are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.by_owner.len()
    }

    /// Everybody, in the order of their hashes, with the moment at which it counts no more.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u64, i64)> {
        let mut all: Vec<(u64, i64)> = self
            .by_owner
            .iter()
            .map(|(owner, until)| (*owner, *until))
            .collect();
        all.sort_unstable();
        all
    }

    /// Puts them back, as a checkpoint holds them.
    pub fn restore(&mut self, all: Vec<(u64, i64)>, left_out: u64) {
        self.by_owner = all.into_iter().take(REPORTS_MAX).collect();
        self.left_out = left_out;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::{Input, Output};
    use crate::stage::Serial;
    use crate::testing::{Line, START_MILLIS, detector, run};
    use domain::{Action, Order, OrderKind};

    #[test]
    fn a_report_ends_by_itself_and_at_the_latest_after_a_week() {
        let mut reports = Reports::default();
        let at = Timestamp::from_millis;
        reports.note(1, at(0), None);
        assert!(reports.holds(1, at(HOLDS_MILLIS - 1)) && !reports.holds(1, at(HOLDS_MILLIS)));
        reports.note(1, at(0), Some(at(i64::MAX)));
        assert!(!reports.holds(1, at(HOLDS_MILLIS_MAX)));
        assert!(!reports.holds(2, at(0)));
    }

    #[test]
    fn a_full_table_keeps_whom_it_has() {
        let mut reports = Reports::default();
        for owner in 0..=REPORTS_MAX as u64 {
            reports.note(owner, Timestamp::from_millis(0), None);
        }
        assert_eq!((reports.remembered(), reports.left_out), (REPORTS_MAX, 1));
    }

    /// What is done about a client that was reported, for so many requests.
    fn strongest(is_reported: bool, requests: i64, path: impl Fn(i64) -> (String, u16)) -> Action {
        let mut detector = detector(1000);
        let lines: Vec<Line> = (0..requests)
            .map(|step| {
                let (path, status) = path(step);
                Line::new(step * 10_000, 9, &path, status)
            })
            .collect();
        if is_reported {
            detector.submit(Input::Order(Order {
                seq: 1,
                kind: OrderKind::Report {
                    scenario: "crowdsecurity/http-probing".to_owned(),
                    until: None,
                    events: 10,
                },
                client: lines[0].client(),
                reason: String::new(),
                by: "watcher".to_owned(),
                from: "192.0.2.1".to_owned(),
                at: Timestamp::from_millis(START_MILLIS),
            }));
        }
        run(&mut detector, &[Line::new(-60_000, 1, "/", 200)], &Serial);
        let outputs = run(&mut detector, &lines, &Serial);
        let action = |output: &Output| match output {
            Output::Alert(alert) => Some(alert.action),
            Output::Decision(_) | Output::Question(..) => None,
        };
        outputs.iter().filter_map(action).max().unwrap_or(Action::Observe)
    }

    #[test]
    fn nobody_is_acted_on_for_a_report_alone() {
        let reads = |step: i64| (format!("/page{step}"), 200);
        assert_eq!(strongest(true, 40, reads), Action::Observe);
    }

    #[test]
    fn a_report_strengthens_what_is_seen_here_and_never_weakens_it() {
        // Paths that do not exist, ever more of them.
        let misses = |step: i64| (format!("/old-{}", (b'a' + step as u8) as char), 404);
        let pairs: Vec<(Action, Action)> = (1..=20)
            .map(|requests| {
                (
                    strongest(false, requests, misses),
                    strongest(true, requests, misses),
                )
            })
            .collect();
        assert!(pairs.iter().all(|(without, with)| with >= without), "{pairs:?}");
        assert!(pairs.iter().any(|(without, with)| with > without), "{pairs:?}");
    }
}
