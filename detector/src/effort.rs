//! How much was done when: told by whoever feeds the detector, and looked up for what rests on it.
//!
//! The detector never chooses an effort itself: it has no clock, so that a replay and a scan do everything.

use crate::limits::{EFFORT_LOOK_BACK_MILLIS, EFFORT_SPANS_MAX, EVIDENCE_BRIEF_MAX, EVIDENCE_MAX};
use domain::{Completeness, Effort, Timestamp};

/// A span of event time in which less than everything was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffortSpan {
    /// From here.
    pub from: Timestamp,
    /// To here; a span that goes on ends at the present.
    pub to: Timestamp,
    /// How much was done.
    pub effort: Effort,
}

/// The present effort, and the latest spans in which it was less than everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Efforts {
    pub(crate) present: Effort,
    since: Timestamp,
    spans: Vec<EffortSpan>,
}

impl Efforts {
    /// Goes on with another effort from that moment on.
    pub(crate) fn set(&mut self, effort: Effort, now: Timestamp) {
        if effort == self.present {
            return;
        }
        self.close(now);
        (self.present, self.since) = (effort, now);
    }

    /// Puts spans back.
    pub(crate) fn restore(&mut self, spans: Vec<EffortSpan>) {
        self.spans = spans;
        self.make_room();
    }

    /// The latest spans, the one that goes on last.
    pub(crate) fn spans(&self, now: Timestamp) -> Vec<EffortSpan> {
        let mut all = self.clone();
        all.close(now);
        all.spans
    }

    fn close(&mut self, now: Timestamp) {
        if self.present > Effort::Whole {
            self.spans.push(EffortSpan {
                from: self.since,
                to: now.max(self.since),
                effort: self.present,
            });
            self.make_room();
        }
    }

    /// Of too many spans the two oldest become one that covers both: rather too much is called incomplete.
    fn make_room(&mut self) {
        while self.spans.len() > EFFORT_SPANS_MAX {
            let oldest = self.spans.remove(0);
            if let Some(next) = self.spans.first_mut() {
                next.from = next.from.min(oldest.from);
                next.effort = next.effort.max(oldest.effort);
            }
        }
    }

    /// How complete what was seen between two moments is; `None` when everything was done.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Option<Completeness> {
        if self.present == Effort::Whole && self.spans.is_empty() {
            return None;
        }
        let (from, to) = (from.max(to.plus_millis(-EFFORT_LOOK_BACK_MILLIS)), to);
        let running = (self.present > Effort::Whole).then_some(EffortSpan {
            from: self.since,
            to: to.max(self.since),
            effort: self.present,
        });
        let mut least = Effort::Whole;
        let mut left_out = 0;
        for span in self.spans.iter().chain(&running) {
            if span.from <= to && span.to >= from {
                least = least.max(span.effort);
                left_out += span.to.min(to).millis_since(span.from.max(from));
            }
        }
        if least == Effort::Whole {
            return None;
        }
        let all = to.millis_since(from).max(1);
        let whole = (all - left_out.max(0)).clamp(0, all);
        // Of a moment nothing was whole.
        let permille = if to <= from {
            0
        } else {
            whole.saturating_mul(1000) / all
        };
        Some(Completeness {
            effort: least,
            whole_permille: u16::try_from(permille).unwrap_or(1000),
        })
    }
}

/// Requests of one client that are kept as evidence with that effort.
pub(crate) const fn evidence_max(effort: Effort) -> usize {
    match effort {
        Effort::Whole | Effort::ScoredSeldom => EVIDENCE_MAX,
        Effort::LittleEvidence => EVIDENCE_BRIEF_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::{Input, Output};
    use crate::stage::Serial;
    use crate::stage::client::Suspects;
    use crate::testing::{Line, detector, run};
    use domain::{Alert, Evidence, Position};

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn check(efforts: &Efforts, from: i64, to: i64, expected: Option<(Effort, u16)>) {
        let found = efforts.between(at(from), at(to));
        assert_eq!(
            found.map(|found| (found.effort, found.whole_permille)),
            expected,
            "{from} to {to}"
        );
    }

    #[test]
    fn what_rests_on_a_span_says_how_much_of_it_was_whole() {
        let mut efforts = Efforts::default();
        check(&efforts, 0, 100, None);
        efforts.set(Effort::ScoredSeldom, at(100));
        check(&efforts, 0, 99, None);
        check(&efforts, 0, 200, Some((Effort::ScoredSeldom, 500)));
        check(&efforts, 150, 150, Some((Effort::ScoredSeldom, 0)));
        efforts.set(Effort::LittleEvidence, at(200));
        efforts.set(Effort::Whole, at(300));
        check(&efforts, 0, 400, Some((Effort::LittleEvidence, 500)));
        check(&efforts, 301, 400, None);
        // Far back is forgotten, as windows forget.
        check(&efforts, 0, 1_000_000, None);
        let mut again = Efforts::default();
        again.restore(efforts.spans(at(400)));
        check(&again, 0, 400, Some((Effort::LittleEvidence, 500)));
    }

    #[test]
    fn there_are_not_too_many_spans_and_none_is_lost() {
        let mut efforts = Efforts::default();
        for step in 0..i64::try_from(EFFORT_SPANS_MAX).unwrap() + 10 {
            efforts.set(Effort::ScoredSeldom, at(step * 10));
            efforts.set(Effort::Whole, at(step * 10 + 1));
        }
        assert_eq!(efforts.spans(at(10_000)).len(), EFFORT_SPANS_MAX);
        assert!(efforts.between(at(0), at(1)).is_some());
    }

    /// A scanner among ordinary requests, with that effort from the second tick on.
    fn scanned(effort: Effort) -> (Vec<Alert>, u64) {
        let mut detector = detector(1000);
        let ordinary = Line::new(0, 7, "/", 200);
        run(&mut detector, &[ordinary, Line::new(300, 7, "/", 200)], &Serial);
        detector.submit(Input::Effort(effort));
        let lines: Vec<Line> = (0..40)
            .map(|step| Line::new(1000 + step * 1000, 9, &format!("/.git/config{step}"), 404))
            .collect();
        let said = run(&mut detector, &lines, &Serial);
        let alerts = said.into_iter().filter_map(|output| match output {
            Output::Alert(alert) => Some(alert),
            Output::Decision(_) | Output::Question(..) => None,
        });
        (alerts.collect(), detector.totals().records)
    }

    #[test]
    fn with_less_effort_a_scanner_is_still_caught_and_its_alert_says_how_complete_it_is() {
        let (whole, counted) = scanned(Effort::Whole);
        let (brief, counted_brief) = scanned(Effort::LittleEvidence);
        assert_eq!(counted, counted_brief, "every request is counted");
        assert!(
            whole.iter().all(|alert| alert.completeness.is_none()),
            "{whole:?}"
        );
        let (whole, brief) = (whole.last().unwrap(), brief.last().unwrap());
        assert_eq!(whole.action, brief.action);
        let completeness = brief.completeness.unwrap();
        assert_eq!(completeness.effort, Effort::LittleEvidence);
        assert!(completeness.whole_permille < 100, "{completeness:?}");
    }

    #[test]
    fn with_the_least_effort_two_requests_are_kept_as_evidence() {
        for (effort, kept) in [(Effort::Whole, 6), (Effort::LittleEvidence, EVIDENCE_BRIEF_MAX)] {
            let mut suspects = Suspects::new(16);
            for line in 0..6 {
                let position = Position { source: 0, line };
                let write = || Evidence {
                    position,
                    at: at(0),
                    request: String::new(),
                    status: 404,
                };
                suspects.keep(1, (1.0, evidence_max(effort), None), position, write);
            }
            assert_eq!(suspects.of(1).len(), kept);
        }
    }
}
