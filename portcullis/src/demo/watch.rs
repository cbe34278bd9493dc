//! Looks at what the service stored, so that the tally can set it beside the truth.

use super::summary::Snapshot;
use super::tally::Tally;
use crate::service::{Count, Service};
use domain::Timestamp;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::{AlertFilter, Page};

/// Decisions read at a look. A campaign of hundreds is told within a few looks.
const DECISIONS_MAX: u32 = 1_000;
/// Alerts read at a look.
const ALERTS_MAX: u32 = 1_000;
/// Alerts are looked at again for this long: they are stored a moment after what they tell of.
const ALERTS_AGAIN_SECS: i64 = 60;
/// The rate is that of the last so many looks: five seconds.
const RATE_LOOKS: usize = 10;

/// What was looked at so far.
pub(super) struct Watch {
    tally: Arc<Mutex<Tally>>,
    url: String,
    decisions_seq: u64,
    alerts_from: Option<Timestamp>,
    requests: VecDeque<(Instant, u64)>,
}

impl Watch {
    /// Looks at what comes after this moment: a kept folder holds what earlier runs decided.
    pub(super) fn new(service: &Service, tally: Arc<Mutex<Tally>>, url: String) -> Self {
        Self {
            tally,
            url,
            decisions_seq: service.blocklist().status().decisions_seq,
            alerts_from: Some(crate::service::wall_clock()),
            requests: VecDeque::new(),
        }
    }

    /// What truly happened.
    pub(super) fn tally(&self) -> Arc<Mutex<Tally>> {
        Arc::clone(&self.tally)
    }

    /// Takes over new alerts and decisions. A store that does not answer is asked again the next time.
    pub(super) async fn look(&mut self, service: &Service) {
        let store = service.store();
        let filter = AlertFilter {
            from: self.alerts_from,
            ..AlertFilter::default()
        };
        match store.query_alerts(&filter, &Page::first(ALERTS_MAX)).await {
            Ok(alerts) => {
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                for alert in &alerts.items {
                    tally.note_alert(&alert.client, alert.alerted_at);
                }
                if let Some(latest) = alerts.items.first() {
                    self.alerts_from = self
                        .alerts_from
                        .max(Some(latest.alerted_at.plus_secs(-ALERTS_AGAIN_SECS)));
                }
            }
            Err(error) => tracing::warn!("could not read the alerts: {error}"),
        }
        match store.tail_decisions(self.decisions_seq, DECISIONS_MAX).await {
            Ok(rows) => {
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                for row in &rows {
                    self.decisions_seq = row.seq;
                    tally.note_decision(&row.decision, row.created_at);
                }
            }
            Err(error) => tracing::warn!("could not read the decisions: {error}"),
        }
        let requests = self.tally.lock().unwrap_or_else(PoisonError::into_inner).requests;
        self.requests.push_back((Instant::now(), requests));
        if self.requests.len() > RATE_LOOKS {
            self.requests.pop_front();
        }
    }

    /// How things stand.
    pub(super) fn snapshot<'a>(
        &'a self,
        service: &Service,
        lines_sent: u64,
        elapsed: Duration,
        tally: &'a Tally,
    ) -> Snapshot<'a> {
        let figures = service.figures();
        Snapshot {
            elapsed,
            url: &self.url,
            rate: self.rate(),
            alerts: figures.get(Count::Alerts),
            blocks: figures.get(Count::Blocks),
            unread: lines_sent.saturating_sub(figures.get(Count::Lines)),
            tally,
        }
    }

    fn rate(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.requests.front(), self.requests.back()) else {
            return 0.0;
        };
        let secs = to.duration_since(*from).as_secs_f64();
        if secs > 0.0 {
            (after - before) as f64 / secs
        } else {
            0.0
        }
    }
}
