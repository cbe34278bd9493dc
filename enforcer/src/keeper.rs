//! Keeps one point equal to what it is to hold: reads, compares, changes, and tries again.

use crate::board::{Board, PointState, PointStatus};
use crate::breaker::Breaker;
use crate::connector::{Connector, PointError};
use crate::item::{Held, Holding, Obstacle};
use crate::plan::{Changes, plan};
use crate::wanted::Wanted;
use domain::{Client, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{LiveBlocklist, LiveEvent, Store};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a process may keep a point without saying that it lives; another one takes over then.
const LEASE_SECS: u32 = 15;

/// How often the lease is renewed, and looked for by who stands by.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// After a change of the blocklist, so long for others that come with it.
const GATHER: Duration = Duration::from_millis(20);

/// Going through a long list takes a while: so many times that while is rested, at most [`IDLE`], so that a list which changes all
/// the time takes a fifth of a processor for each point, and not all of it.
const REST: u32 = 4;

/// Longest time that a point is left alone when nothing changes: entries end, and whoever knows when writes nothing twice.
const IDLE: Duration = Duration::from_secs(1);

/// Where the clock is read.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What is to be said of a point beside how it is reached.
#[derive(Debug, Clone)]
pub struct PointSettings {
    /// Its name.
    pub name: String,
    /// The gateway it stands for: it gets what holds there, beside what holds everywhere.
    pub gateway: Option<String>,
    /// How often it is read; `None` for what its connector says.
    pub read_every: Option<Duration>,
    /// The shortest time between two changes; `None` for what its connector says.
    pub change_every: Option<Duration>,
    /// Whether it is emptied when the process ends. Otherwise what it holds stays, until it ends by itself or somebody is back.
    pub flush_on_stop: bool,
}

/// Keeps one point.
pub struct Keeper {
    settings: PointSettings,
    connector: Box<dyn Connector>,
    list: Arc<LiveBlocklist>,
    store: Arc<dyn Store>,
    clock: Clock,
    status: Arc<Mutex<PointStatus>>,
    /// Who this process is to others that may keep the point.
    holder: String,
    breaker: Breaker,
    /// What the point is to hold, of the blocklist's generation that it says.
    wanted: Wanted,
    /// What the point holds, when that is known.
    held: Option<Holding>,
    /// Whether what it is to hold and what it holds were compared, and are equal.
    is_settled: bool,
    /// How long to gather changes before the next look.
    gather: Duration,
    read_at: Option<Timestamp>,
    changed_at: Option<Timestamp>,
    lease_at: Option<Timestamp>,
    fence: Option<u64>,
}

impl Keeper {
    /// A keeper that has done nothing yet.
    #[must_use]
    pub fn new(
        settings: PointSettings,
        connector: Box<dyn Connector>,
        (list, store): (Arc<LiveBlocklist>, Arc<dyn Store>),
        clock: Clock,
        board: &Board,
    ) -> Self {
        let status = board.add(PointStatus {
            name: settings.name.clone(),
            kind: connector.kind(),
            gateway: settings.gateway.clone(),
            ..PointStatus::default()
        });
        Self {
            settings,
            connector,
            list,
            store,
            clock,
            status,
            holder: format!("{:016x}", random()),
            breaker: Breaker::default(),
            wanted: Wanted::default(),
            held: None,
            is_settled: false,
            gather: GATHER,
            read_at: None,
            changed_at: None,
            lease_at: None,
            fence: None,
        }
    }

    /// Keeps the point until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut events = self.list.subscribe();
        while !stop.is_cancelled() {
            let pause = self.step().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                // Never for longer: the lease has to be renewed, and the end must not wait, however far the next change is.
                () = changed(&mut events), if self.breaker.retry_at().is_none() && pause > self.gather => {
                    tokio::time::sleep(self.gather).await;
                }
            }
        }
        self.end().await;
    }

    /// One comparison, and what it asks for. Gives how long to wait for the next.
    async fn step(&mut self) -> Duration {
        if !self.leads().await {
            self.note(|status| status.state = PointState::Standby);
            self.held = None;
            return RENEW_EVERY;
        }
        if let Some(pause) = self.breaker.retry_at().and_then(|at| self.until(at)) {
            return pause;
        }
        match self.compare().await {
            Ok(()) => {
                self.breaker.succeed();
                self.note(|status| (status.error, status.failing_since) = (None, None));
                IDLE.min(self.until_change().max(self.gather))
            }
            Err(error) => {
                self.fail(&error);
                GATHER
            }
        }
    }

    /// Reads when it is time, compares, changes.
    async fn compare(&mut self) -> Result<(), PointError> {
        self.look().await;
        if self.held.is_none() || self.is_read_due() {
            self.read().await?;
        }
        // A long list takes a while to go through: when nothing has changed it is not.
        if self.is_settled && !self.connector.is_due() {
            self.confirm(&Changes::default());
            return Ok(());
        }
        if self.until_change() > Duration::ZERO {
            self.note(|status| status.state = PointState::Changing);
            return Ok(());
        }
        let began = Instant::now();
        let held = self.held.get_or_insert_default();
        let changes = plan(&self.wanted.items, held);
        let held = held.len();
        self.note(|status| status.held = held);
        if changes.is_empty() && !self.connector.is_due() {
            self.is_settled = true;
            self.confirm(&changes);
            return Ok(());
        }
        self.note(|status| status.state = PointState::Changing);
        self.gather = (began.elapsed() * REST).clamp(self.gather, IDLE);
        // Until it is known to have gone well, nothing is known.
        self.held = None;
        self.connector.apply(&changes, &self.wanted.items).await?;
        self.changed_at = Some((self.clock)());
        self.held = Some(self.wanted.holding());
        self.is_settled = true;
        self.confirm(&changes);
        Ok(())
    }

    /// Works out what the point is to hold, when the blocklist has changed: beside the threads that answer gateways.
    async fn look(&mut self) {
        let (expresses, known) = (self.connector.expresses(), self.wanted.generation);
        let (list, gateway) = (Arc::clone(&self.list), self.settings.gateway.clone());
        let gather = move || {
            let gathered = list.read(|list| {
                (list.generation() != known).then(|| Wanted::gather(list, gateway.as_deref(), &expresses))
            });
            gathered.map(|mut wanted| {
                wanted.settle(&expresses);
                wanted
            })
        };
        let began = Instant::now();
        let Ok(Some(wanted)) = tokio::task::spawn_blocking(gather).await else {
            return;
        };
        self.gather = (began.elapsed() * REST).clamp(GATHER, IDLE);
        self.wanted = wanted;
        self.is_settled = false;
        self.note(|status| {
            status.wanted = self.wanted.items.len();
            status.unexpressed.clone_from(&self.wanted.unexpressed);
        });
    }

    async fn read(&mut self) -> Result<(), PointError> {
        let seen = self.connector.read().await?;
        let now = (self.clock)();
        let has_drifted = self.held.as_ref().is_some_and(|held| !is_alike(held, &seen, now));
        self.note(|status| status.drifted += u64::from(has_drifted));
        if has_drifted {
            tracing::warn!(point = %self.settings.name, "the point holds something else than was written: it is put right");
        }
        self.held = Some(seen);
        self.is_settled = false;
        self.read_at = Some((self.clock)());
        Ok(())
    }

    /// Notes that the point holds what it is to.
    fn confirm(&mut self, changes: &Changes) {
        let now = (self.clock)();
        let left_out = self.connector.left_out() as u64;
        let delays: Vec<u64> = changes
            .add
            .iter()
            .map(|item| u64::try_from(now.millis_since(item.created_at)).unwrap_or(0))
            .collect();
        self.note(|status| {
            status.state = PointState::Equal;
            status.generation = self.wanted.generation;
            status.held = self.wanted.items.len();
            status.confirmed_at = Some(now);
            status.unexpressed.remove(&Obstacle::Allowlist);
            if left_out > 0 {
                status.unexpressed.insert(Obstacle::Allowlist, left_out);
            }
            status.put += (changes.add.len() + changes.replace.len()) as u64;
            status.removed += changes.remove.len() as u64;
            delays.iter().for_each(|millis| status.note_delay(*millis));
            if let Some(longest) = delays.iter().max() {
                status.last_delay_millis = Some(*longest);
            }
        });
    }

    fn fail(&mut self, error: &PointError) {
        let now = (self.clock)();
        let was_open = self.breaker.is_open();
        self.held = None;
        self.breaker.fail(now, random() as f64 / u64::MAX as f64);
        let (is_open, since) = (self.breaker.is_open(), self.breaker.since());
        let name = &self.settings.name;
        if is_open && !was_open {
            tracing::error!(point = %name, %error, "the point cannot be kept: it is tried again every half minute");
        } else {
            tracing::debug!(point = %name, %error, "the point could not be kept");
        }
        self.note(|status| {
            status.state = if is_open {
                PointState::Broken
            } else {
                PointState::Failing
            };
            status.error = Some(error.to_string());
            status.failing_since = since;
            status.failures += 1;
        });
    }

    /// Whether this process is the one that keeps the point.
    async fn leads(&mut self) -> bool {
        let now = (self.clock)();
        let is_fresh = |at: Timestamp| now.millis_since(at) < RENEW_EVERY.as_millis() as i64;
        if self.fence.is_some() && self.lease_at.is_some_and(is_fresh) {
            return true;
        }
        let name = self.lease_name();
        match self
            .store
            .acquire_lease(&name, &self.holder, LEASE_SECS, now)
            .await
        {
            Ok(lease) => {
                self.fence = lease.map(|lease| lease.fence);
                self.lease_at = Some(now);
                self.fence.is_some()
            }
            // Mostly nobody else reaches the store either, and what is known is kept in force. Where another process does, it
            // takes over, and the two undo each other until both reach it again (docs/adr/0038).
            Err(error) => {
                tracing::debug!(point = %self.settings.name, %error, "the lease could not be renewed");
                self.fence.is_some()
            }
        }
    }

    fn lease_name(&self) -> String {
        format!("enforce:{}", self.settings.name)
    }

    /// Empties the point where that was asked for, and lets somebody else have it.
    async fn end(mut self) {
        let Some(fence) = self.fence else { return };
        if self.settings.flush_on_stop
            && let Err(error) = self.flush().await
        {
            tracing::warn!(point = %self.settings.name, %error, "the point could not be emptied: what it holds stays");
        }
        let name = self.lease_name();
        if let Err(error) = self.store.release_lease(&name, fence, (self.clock)()).await {
            tracing::debug!(point = %self.settings.name, %error, "the lease could not be given back");
        }
    }

    async fn flush(&mut self) -> Result<(), PointError> {
        let held = self.connector.read().await?;
        let wanted = std::collections::BTreeMap::new();
        let changes = plan(&wanted, &held);
        if changes.is_empty() {
            return Ok(());
        }
        self.connector.apply(&changes, &wanted).await
    }

    fn is_read_due(&self) -> bool {
        let every = self
            .settings
            .read_every
            .unwrap_or_else(|| self.connector.read_every());
        let now = (self.clock)();
        self.read_at
            .is_none_or(|at| now.millis_since(at) >= every.as_millis() as i64 || now < at)
    }

    /// How long until the point may be changed again.
    fn until_change(&self) -> Duration {
        let every = self
            .settings
            .change_every
            .unwrap_or_else(|| self.connector.change_every());
        let next = self.changed_at.map(|at| at.plus_millis(every.as_millis() as i64));
        next.and_then(|at| self.until(at))
            .unwrap_or(Duration::ZERO)
            .min(every)
    }

    /// How long until a moment; `None` when it is there.
    fn until(&self, at: Timestamp) -> Option<Duration> {
        let millis = u64::try_from(at.millis_since((self.clock)())).ok()?;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    fn note(&self, write: impl FnOnce(&mut PointStatus)) {
        write(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Whether two say the same, as far as the second tells: a point may round times, or tell none. What is about to end may be gone.
fn is_alike(held: &Holding, seen: &Holding, now: Timestamp) -> bool {
    let lasts = |held: &Held| held.expires_at.is_none_or(|at| at > now.plus_secs(2));
    let is_same = |(client, one): (&Client, &Held), others: &Holding| {
        others.get(client).is_some_and(|other| other.action == one.action)
    };
    let mut lasting = held.iter().filter(|(_, held)| lasts(held));
    lasting.all(|row| is_same(row, seen)) && seen.iter().all(|row| is_same(row, held))
}

/// Waits for a change of the blocklist.
async fn changed(events: &mut broadcast::Receiver<LiveEvent>) {
    loop {
        match events.recv().await {
            Ok(LiveEvent::Changed(_) | LiveEvent::Rebuilt) | Err(broadcast::error::RecvError::Lagged(_)) => {
                return;
            }
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}
