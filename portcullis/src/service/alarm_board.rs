//! What is raised now and how much is done, for `/metrics` and the health report.

use crate::alarm::{Alarm, Kind};
use api::{Exposition, HealthPart, MetricKind};
use domain::Effort;
use std::sync::{Mutex, PoisonError};

/// What is raised now, and how much is done.
#[derive(Debug, Default)]
pub(crate) struct AlarmBoard(Mutex<Board>);

#[derive(Debug, Default)]
struct Board {
    raised: Vec<(Kind, String)>,
    unwatched: usize,
    effort: Effort,
}

impl AlarmBoard {
    /// Notes what is raised, and how many sources are not watched.
    pub(super) fn set<'a>(&self, raised: impl Iterator<Item = &'a Alarm>, unwatched: usize) {
        let raised = raised.map(|alarm| (alarm.kind, alarm.source.clone())).collect();
        let mut board = self.lock();
        (board.raised, board.unwatched) = (raised, unwatched);
    }

    /// Notes that nobody judges here at the moment.
    pub(super) fn clear(&self) {
        *self.lock() = Board::default();
    }

    /// Notes how much is done.
    pub(super) fn set_effort(&self, effort: Effort) {
        self.lock().effort = effort;
    }

    /// Writes the metrics. Of each kind there is a value without a source, so that a rule sees 0 and not nothing.
    pub(super) fn write(&self, out: &mut Exposition) {
        let board = self.lock();
        let counts = Kind::ALL.map(|kind| {
            let raised = board.raised.iter().filter(|(raised, _)| *raised == kind);
            let labels = [("alarm", kind.as_str()), ("severity", kind.severity().as_str())];
            (labels, raised.count() as f64)
        });
        let values: Vec<(&[(&str, &str)], f64)> = counts
            .iter()
            .map(|(labels, value)| (labels.as_slice(), *value))
            .collect();
        let help = "Alarms of a kind that go on.";
        out.add(MetricKind::Gauge, "alarms", help, &values);
        let labels: Vec<[(&str, &str); 3]> = board
            .raised
            .iter()
            .map(|(kind, source)| {
                [
                    ("alarm", kind.as_str()),
                    ("severity", kind.severity().as_str()),
                    ("source", source.as_str()),
                ]
            })
            .collect();
        let values: Vec<(&[(&str, &str)], f64)> =
            labels.iter().map(|labels| (labels.as_slice(), 1.0)).collect();
        out.add(
            MetricKind::Gauge,
            "alarm",
            "1 for an alarm of a source that goes on.",
            &values,
        );
        out.add_one(
            MetricKind::Gauge,
            "alarm_unwatched_sources",
            "Sources that are not watched for alarms: there are too many.",
            board.unwatched as f64,
        );
        out.add_one(
            MetricKind::Gauge,
            "effort_step",
            "How much less than everything is done: 0 everything, 1 scored less often, 2 less evidence, too.",
            f64::from(board.effort.step()),
        );
    }

    /// How much is done.
    pub(super) fn effort_part(&self) -> HealthPart {
        let effort = self.lock().effort;
        let detail = match effort {
            Effort::Whole => "everything is done",
            Effort::ScoredSeldom => {
                "more comes than can be handled with everything on: clients are scored less often"
            }
            Effort::LittleEvidence => {
                "more comes than can be handled with everything on: clients are scored less often, and less evidence is kept"
            }
        };
        HealthPart {
            name: "effort",
            is_ok: effort == Effort::Whole,
            is_required: false,
            detail: detail.to_owned(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
