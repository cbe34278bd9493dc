//! What the handlers share.

use crate::askers::Askers;
use crate::auth::{Keys, SharedSecret};
use crate::blocklist::BlocklistSource;
use crate::check::CheckSettings;
use crate::events::EventHub;
use crate::lapi::{Lapi, Lists, Machines};
use crate::line_sink::LineSink;
use crate::metrics::{Metrics, MetricsSource};
use crate::points::PointsSource;
use crate::ranking::AlertRanker;
use crate::route::PUSHES_MAX;
use domain::Timestamp;
use std::sync::Arc;
use storage::{Bouncer, Store};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Gives the time by the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The origin under which bouncers see our decisions when nothing else is configured: some take only origins that
/// they know.
pub const DEFAULT_ORIGIN: &str = "crowdsec";

/// How one part of the process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPart {
    /// Its name.
    pub name: &'static str,
    /// Whether it works.
    pub is_ok: bool,
    /// Whether the process is no use without it: then it is not ready.
    pub is_required: bool,
    /// What is wrong, or figures. Shown to people with a key only.
    pub detail: String,
}

/// Says how the other parts of the process are.
pub trait HealthSource: Send + Sync {
    /// Every part. Answers at once, from memory.
    fn parts(&self) -> Vec<HealthPart>;
}

/// What an [`ApiState`] is made of.
pub struct ApiParts {
    /// Decisions, orders, alerts, keys.
    pub store: Arc<dyn Store>,
    /// What gateways are to carry out.
    pub blocklist: Arc<dyn BlocklistSource>,
    /// The time by the wall clock.
    pub clock: Clock,
    /// The origin under which bouncers see our decisions.
    pub origin: String,
    /// What a machine has to know to register itself as a watcher; `None` while none can.
    pub registration: Option<SharedSecret>,
    /// How `/check` is asked.
    pub check: CheckSettings,
    /// Live events; the binary publishes into it.
    pub events: Arc<EventHub>,
    /// How the other parts of the process are.
    pub health: Vec<Arc<dyn HealthSource>>,
    /// Figures of the other parts of the process.
    pub metrics: Vec<Arc<dyn MetricsSource>>,
    /// Who learns from verdicts; without it alerts stand by time only.
    pub ranker: Option<Arc<dyn AlertRanker>>,
    /// Who takes lines over that are pushed; without it none are.
    pub sink: Option<Arc<dyn LineSink>>,
    /// How far the gateways are that this process tells; without it, it tells none.
    pub points: Option<Arc<dyn PointsSource>>,
}

impl ApiParts {
    /// The parts that have no default, and defaults for the others.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, blocklist: Arc<dyn BlocklistSource>, clock: Clock) -> Self {
        let life = clock().as_millis().to_string();
        Self {
            store,
            blocklist,
            clock,
            origin: DEFAULT_ORIGIN.to_owned(),
            registration: None,
            check: CheckSettings::default(),
            events: Arc::new(EventHub::new(&life)),
            health: Vec::new(),
            metrics: Vec::new(),
            ranker: None,
            sink: None,
            points: None,
        }
    }
}

/// What the handlers share.
pub struct ApiState {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    pub(crate) blocklist: Arc<dyn BlocklistSource>,
    pub(crate) lapi: Arc<Lapi>,
    pub(crate) machines: Machines,
    pub(crate) lists: Lists,
    pub(crate) check: CheckSettings,
    pub(crate) askers: Askers,
    pub(crate) events: Arc<EventHub>,
    pub(crate) health: Vec<Arc<dyn HealthSource>>,
    pub(crate) metrics: Metrics,
    pub(crate) other_metrics: Vec<Arc<dyn MetricsSource>>,
    pub(crate) ranker: Option<Arc<dyn AlertRanker>>,
    pub(crate) sink: Option<Arc<dyn LineSink>>,
    pub(crate) points: Option<Arc<dyn PointsSource>>,
    /// Turns of those who push.
    pub(crate) pushes: Semaphore,
    clock: Clock,
    tasks: TaskTracker,
}

impl ApiState {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self {
            keys: Keys::new(Arc::clone(&parts.store)),
            lapi: Arc::new(Lapi::new(Arc::clone(&parts.blocklist), &parts.origin)),
            machines: Machines::new(parts.registration),
            lists: Lists::default(),
            store: parts.store,
            blocklist: parts.blocklist,
            check: parts.check,
            askers: Askers::default(),
            events: parts.events,
            health: parts.health,
            metrics: Metrics::default(),
            other_metrics: parts.metrics,
            ranker: parts.ranker,
            sink: parts.sink,
            points: parts.points,
            pushes: Semaphore::new(PUSHES_MAX),
            clock: parts.clock,
            tasks: TaskTracker::new(),
        }
    }

    /// The time by the wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Waits for what answers left behind (notes of who asked). Called last, when no listener takes requests.
    pub async fn finish_background_work(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Writes down in the background that a key was used. A failure is no reason to refuse it.
    pub(crate) fn note_key_use(&self, name: &str, now: Timestamp) {
        let (store, name) = (Arc::clone(&self.store), name.to_owned());
        self.tasks.spawn(async move {
            if let Err(error) = store.touch_api_key(&name, now).await {
                tracing::warn!(%error, key = %name, "could not note a key's use");
            }
        });
    }

    /// Writes down in the background that a bouncer asked. A failure is no reason to refuse it.
    pub(crate) fn note_bouncer(&self, bouncer: Bouncer) {
        let store = Arc::clone(&self.store);
        self.tasks.spawn(async move {
            if let Err(error) = store.put_bouncer(&bouncer).await {
                tracing::warn!(%error, bouncer = %bouncer.name, "could not note a bouncer's pull");
            }
        });
    }
}
