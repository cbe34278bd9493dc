//! What the detector says, made durable: alerts for people, decisions for gateways. Nothing is dropped: what cannot be
//! stored waits here, and reading waits with it.

use super::super::figures::{Count, Figures};
use super::minutes::{Counted, Minutes};
use super::reading::Readers;
use super::watched::Watched;
use crate::service::Shared;
use crate::service::crawlers::Questions;
use api::LiveUpdate;
use detector::Output;
use domain::{Action, Alert, Decision};
use storage::{Fence, RejectedSample, StoredAlert};

/// Rejected lines whose samples wait to be stored. More are counted only.
const REJECTED_WAITING_MAX: usize = 64;

/// What waits to be stored.
#[derive(Debug, Default)]
pub(super) struct Effects {
    alerts: Vec<Alert>,
    decisions: Vec<Decision>,
    rejected: Vec<RejectedSample>,
    questions: Questions,
}

impl Effects {
    /// What waits to be stored; questions go to whoever looks things up.
    pub(super) fn new(questions: Questions) -> Self {
        Self {
            questions,
            ..Self::default()
        }
    }

    /// Takes over what the detector said and counts it.
    pub(super) fn take(&mut self, outputs: &mut Vec<Output>, minutes: &mut Minutes, watched: &mut Watched) {
        for output in &*outputs {
            match output {
                Output::Alert(alert) => {
                    minutes.count(alert.action_at.unwrap_or(alert.alerted_at), Counted::Alerts(1));
                }
                Output::Decision(decision) => {
                    let blocks = u64::from(decision.action == Action::Block);
                    minutes.count(decision.event_at, Counted::Blocks(blocks));
                }
                Output::Question(..) => {}
            }
        }
        self.take_early(outputs, watched);
    }

    /// Takes over what a preview said. It is not counted: the tick's end says the same again.
    pub(super) fn take_early(&mut self, outputs: &mut Vec<Output>, watched: &mut Watched) {
        for output in outputs.drain(..) {
            match output {
                Output::Alert(alert) => {
                    if alert.members.is_empty() {
                        watched.watch(&alert.client, alert.action, alert.score);
                    }
                    self.alerts.push(alert);
                }
                Output::Decision(decision) => self.decisions.push(decision),
                Output::Question(client, address) => self.questions.ask(client, address),
            }
        }
    }

    /// Keeps the sample of a rejected line while there is room.
    pub(super) fn keep_rejected(&mut self, sample: impl FnOnce() -> RejectedSample) {
        if self.rejected.len() < REJECTED_WAITING_MAX {
            self.rejected.push(sample());
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.decisions.is_empty() && self.rejected.is_empty()
    }

    /// Stores what waits. Alerts first: a decision that a gateway carries out must have its explanation.
    ///
    /// # Errors
    /// What the store says; what was not stored still waits.
    pub(super) async fn store(
        &mut self,
        shared: &Shared,
        figures: &Figures,
        fence: &Fence,
        readers: &Readers,
    ) -> Result<(), storage::Error> {
        if !self.alerts.is_empty() {
            let now = (shared.clock)();
            let stored: Vec<StoredAlert> = self
                .alerts
                .iter()
                .map(|alert| StoredAlert {
                    blind_spots: readers.blind_spots(alert),
                    whereabouts: readers.whereabouts(&alert.client),
                    ..StoredAlert::new(alert, now)
                })
                .collect();
            shared.store.put_alerts(&stored).await?;
            figures.add(Count::Alerts, stored.len() as u64);
            self.alerts.clear();
            for alert in stored {
                shared.events.publish(&LiveUpdate::Alert(Box::new(alert)));
            }
        }
        if !self.decisions.is_empty() {
            let now = (shared.clock)();
            let rows = shared
                .store
                .append_decisions(&self.decisions, Some(fence), now)
                .await?;
            let blocks = rows
                .iter()
                .filter(|row| row.decision.action == Action::Block)
                .count();
            for row in &rows {
                figures.note_decision(now.millis_since(row.decision.event_at));
            }
            figures.add(Count::Decisions, rows.len() as u64);
            figures.add(Count::Blocks, blocks as u64);
            self.decisions.clear();
            shared.blocklist.wake();
        }
        if !self.rejected.is_empty() {
            shared.store.add_rejected(&self.rejected).await?;
            self.rejected.clear();
        }
        Ok(())
    }
}
