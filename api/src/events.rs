//! Live events for dashboards: published by whoever knows, read by as many as fit, never waited for.

use crate::metrics::Metrics;
use crate::peer::Stopping;
use crate::state::ApiState;
use crate::wire::{AlertView, DecisionView, OrderView};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use domain::{Order, StampedDecision};
use futures::{Stream, StreamExt as _};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{StatsBucket, StoredAlert};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

/// Events that are kept for readers that come back: minutes of a busy installation.
pub const EVENTS_KEPT: usize = 1024;
/// Events that a reader may be behind before it is dropped.
const READER_BEHIND_MAX: usize = 256;
/// Most readers at once: a screen for everybody in a large team. Each holds a connection.
pub const EVENT_READERS_MAX: usize = 256;
/// A reader's stream ends after this long and is taken up again by the browser with `Last-Event-ID`, so that a
/// revoked key loses it.
const STREAM_LIFE: Duration = Duration::from_secs(600);
/// A comment is sent this often, so that proxies keep the connection and a lost reader is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something that dashboards show as it happens.
#[derive(Debug, Clone)]
pub enum LiveUpdate {
    /// An alert was raised or grew stronger.
    Alert(Box<StoredAlert>),
    /// A decision was stored.
    Decision(Box<StampedDecision>),
    /// A person gave an order.
    Order(Box<Order>),
    /// The figures of the running minute.
    Figures(StatsBucket),
}

impl LiveUpdate {
    fn name(&self) -> &'static str {
        match self {
            Self::Alert(_) => "alert",
            Self::Decision(_) => "decision",
            Self::Order(_) => "order",
            Self::Figures(_) => "figures",
        }
    }

    fn json(&self) -> String {
        let written = match self {
            Self::Alert(alert) => serde_json::to_string(&AlertView::in_list(alert)),
            Self::Decision(decision) => serde_json::to_string(&DecisionView::new(decision)),
            Self::Order(order) => serde_json::to_string(&OrderView::new(order)),
            Self::Figures(bucket) => Ok(serde_json::json!({
                "minute": bucket.minute.to_string(),
                "requests": bucket.requests,
                "rejected": bucket.rejected,
                "clients": bucket.clients,
                "alerts": bucket.alerts,
                "blocks": bucket.blocks,
                "stopped": bucket.stopped,
            })
            .to_string()),
        };
        // Plain structures of ours: serialising them to memory cannot fail.
        written.unwrap_or_default()
    }
}

/// An event, written once for all readers.
#[derive(Debug)]
struct Written {
    number: u64,
    name: &'static str,
    json: String,
}

/// Where events are published and read.
#[derive(Debug)]
pub struct EventHub {
    /// Tells this life of the process from others: numbers begin anew.
    life: String,
    kept: Mutex<VecDeque<Arc<Written>>>,
    sender: broadcast::Sender<Arc<Written>>,
    readers: Arc<Semaphore>,
}

impl EventHub {
    /// An empty hub. `life` differs between lives of the process; its start in milliseconds does.
    #[must_use]
    pub fn new(life: &str) -> Self {
        Self {
            life: life.to_owned(),
            kept: Mutex::default(),
            sender: broadcast::channel(READER_BEHIND_MAX).0,
            readers: Arc::new(Semaphore::new(EVENT_READERS_MAX)),
        }
    }

    /// Publishes. Never waits; readers that are too slow lose their stream.
    pub fn publish(&self, update: &LiveUpdate) {
        let json = update.json();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Arc::new(Written {
            number: kept.back().map_or(1, |last| last.number + 1),
            name: update.name(),
            json,
        });
        if kept.len() >= EVENTS_KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&event));
        // An error means that nobody listens. Under the lock, so that numbers arrive in their order.
        let _ = self.sender.send(event);
    }

    /// A place among the readers; `None` when all are taken.
    pub(crate) fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.readers).try_acquire_owned().ok()
    }

    /// Events after `last_id`, then those to come. Without one, only those to come.
    fn subscribe(&self, last_id: Option<&str>) -> Subscription {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.sender.subscribe();
        let number = last_id
            .and_then(|id| id.strip_prefix(self.life.as_str())?.strip_prefix('-'))
            .and_then(|number| number.parse::<u64>().ok());
        let first_kept = kept.front().map_or(1, |event| event.number);
        // Of another life, or so long ago that some are gone: the reader must look at everything anew.
        let has_missed = last_id.is_some() && number.is_none_or(|number| number + 1 < first_kept);
        let missed = match number {
            Some(number) => kept
                .iter()
                .filter(|event| event.number > number)
                .cloned()
                .collect(),
            None => VecDeque::new(),
        };
        Subscription {
            has_missed,
            missed,
            receiver,
        }
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.life)
    }
}

#[derive(Debug)]
struct Subscription {
    has_missed: bool,
    missed: VecDeque<Arc<Written>>,
    receiver: broadcast::Receiver<Arc<Written>>,
}

/// What one reader's stream holds until it ends.
struct Reader {
    state: Arc<ApiState>,
    subscription: Subscription,
    ends_at: tokio::time::Instant,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.state.metrics.event_reader_went();
    }
}

/// The stream of one reader.
pub(crate) fn stream(
    state: Arc<ApiState>,
    place: OwnedSemaphorePermit,
    last_id: Option<&str>,
    stopping: Option<Stopping>,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>> + use<>> {
    state.metrics.event_reader_came();
    let reader = Reader {
        subscription: state.events.subscribe(last_id),
        ends_at: tokio::time::Instant::now() + STREAM_LIFE,
        is_over: false,
        _place: place,
        state,
    };
    let events = futures::stream::unfold(reader, async |mut reader| {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    // Without this an open page would hold the shutdown up until its bound.
    let until = async move {
        match stopping {
            Some(Stopping(stopping)) => stopping.cancelled_owned().await,
            None => std::future::pending().await,
        }
    };
    Sse::new(events.take_until(Box::pin(until))).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

impl Reader {
    async fn next(&mut self) -> Option<SseEvent> {
        if self.is_over {
            return None;
        }
        if std::mem::take(&mut self.subscription.has_missed) {
            return Some(SseEvent::default().event("reset").data("{}"));
        }
        if let Some(event) = self.subscription.missed.pop_front() {
            return Some(self.write(&event));
        }
        match tokio::time::timeout_at(self.ends_at, self.subscription.receiver.recv()).await {
            Ok(Ok(event)) => Some(self.write(&event)),
            Ok(Err(broadcast::error::RecvError::Lagged(count))) => {
                self.is_over = true;
                self.metrics().event_reader_lagged();
                let data = format!("{{\"missed\":{count}}}");
                Some(SseEvent::default().event("lagged").data(data))
            }
            Ok(Err(broadcast::error::RecvError::Closed)) | Err(_) => None,
        }
    }

    fn write(&self, event: &Written) -> SseEvent {
        SseEvent::default()
            .id(self.state.events.id(event.number))
            .event(event.name)
            .data(&event.json)
    }

    fn metrics(&self) -> &Metrics {
        &self.state.metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    fn figures(requests: u64) -> LiveUpdate {
        LiveUpdate::Figures(StatsBucket {
            minute: Timestamp::from_secs(60),
            requests,
            ..StatsBucket::default()
        })
    }

    fn numbers(subscription: &Subscription) -> Vec<u64> {
        subscription.missed.iter().map(|event| event.number).collect()
    }

    #[test]
    fn a_reader_that_comes_back_gets_what_it_missed() {
        let hub = EventHub::new("7");
        for requests in 0..5 {
            hub.publish(&figures(requests));
        }
        let back = hub.subscribe(Some("7-3"));
        assert_eq!((numbers(&back), back.has_missed), (vec![4, 5], false));
        let up_to_date = hub.subscribe(Some("7-5"));
        assert_eq!((numbers(&up_to_date), up_to_date.has_missed), (vec![], false));
        let new = hub.subscribe(None);
        assert_eq!((numbers(&new), new.has_missed), (vec![], false));
    }

    #[test]
    fn a_reader_of_another_life_or_from_long_ago_is_told_to_look_anew() {
        let hub = EventHub::new("7");
        for requests in 0..EVENTS_KEPT as u64 + 10 {
            hub.publish(&figures(requests));
        }
        assert!(hub.subscribe(Some("6-3")).has_missed);
        assert!(hub.subscribe(Some("7-3")).has_missed);
        assert!(hub.subscribe(Some("<script>")).has_missed);
        assert!(!hub.subscribe(Some("7-10")).has_missed);
        assert_eq!(numbers(&hub.subscribe(Some("7-10"))).len(), EVENTS_KEPT);
    }

    #[test]
    fn publishing_never_waits_for_a_reader() {
        let hub = EventHub::new("7");
        let mut slow = hub.subscribe(None);
        for requests in 0..READER_BEHIND_MAX as u64 * 3 {
            hub.publish(&figures(requests));
        }
        let lagged = slow.receiver.try_recv();
        assert!(matches!(lagged, Err(broadcast::error::TryRecvError::Lagged(_))));
    }
}
