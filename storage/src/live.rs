//! The blocklist that answers: held in memory, rebuilt from the store at the start, fed by following its logs.
//!
//! A lookup never touches the database, so it is fast, and it goes on when the database is gone: entries still
//! expire, nothing new comes, and [`LiveBlocklist::status`] says so.

use crate::{Error, Store, TAIL_MAX};
use domain::blocklist::{Blocklist, BlocklistLimits, Entry, Overflow};
use domain::{Allowlist, Client, Order, StampedDecision, Timestamp};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};

/// How far back a new process knows what went: a gateway that was away for no longer than this, over a restart of
/// ours, is told what to take off its list.
pub const HISTORY_SECS: i64 = 3600;

/// Pause between looks at the store for what other processes wrote. What this process wrote is announced by
/// [`LiveBlocklist::wake`] and does not wait.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Events that a slow listener may be behind before it loses some and has to read the whole list.
pub const EVENTS_MAX: usize = 1024;

/// Changes that are announced one by one at most. What changes more at once (a suspension, a wide allowlist entry) is read anew.
const ANNOUNCED_MAX: u64 = 10_000;

/// Rows that are applied under one write lock: lookups wait for at most about a millisecond.
const ROWS_PER_LOCK: usize = 128;

/// A clock that went back further than this makes the list be built anew: entries that expired early by a wrong
/// clock come back. Smaller steps (leap smearing, time servers) are waited out.
const CLOCK_STEP_MILLIS_MAX: i64 = 60_000;

/// What happened.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// A decision was stored, enforced or not.
    Decision(Arc<StampedDecision>),
    /// A person gave an order.
    Order(Arc<Order>),
    /// The effective blocklist changed.
    Changed(Arc<BlocklistChange>),
    /// It changed in a way that only reading it anew shows.
    Rebuilt,
}

/// A change of the effective blocklist, conditional entries included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlocklistChange {
    /// The list's generation afterwards.
    pub generation: u64,
    /// Entries that came into force.
    pub added: Vec<Entry>,
    /// Last entries of a client and action that went.
    pub removed: Vec<Entry>,
}

/// How well the list follows the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveStatus {
    /// Entries in force.
    pub entries: usize,
    /// The list's generation.
    pub generation: u64,
    /// Newest row of the decision log that is in it.
    pub decisions_seq: u64,
    /// Newest row of the order journal that is in it.
    pub orders_seq: u64,
    /// When the store was last read to its end.
    pub read_at: Timestamp,
    /// Why the last attempt failed; `None` while all is well.
    pub error: Option<String>,
    /// What did not fit.
    pub overflow: Overflow,
}

#[derive(Debug, Clone)]
struct Progress {
    decisions_seq: u64,
    orders_seq: u64,
    read_at: Timestamp,
    error: Option<String>,
}

/// The effective blocklist of a running process.
pub struct LiveBlocklist {
    store: Arc<dyn Store>,
    configured: Mutex<Allowlist>,
    limits: BlocklistLimits,
    list: RwLock<Blocklist>,
    progress: Mutex<Progress>,
    /// One reader of the logs at a time: rows must be applied in their order.
    reading: tokio::sync::Mutex<()>,
    events: broadcast::Sender<LiveEvent>,
    wake: Notify,
}

impl LiveBlocklist {
    /// Builds the list from the store.
    ///
    /// # Errors
    /// When the store cannot be read: a process must not begin to answer "not blocked" for want of knowledge.
    pub async fn load(
        store: Arc<dyn Store>,
        configured: Allowlist,
        limits: BlocklistLimits,
        now: Timestamp,
    ) -> Result<Arc<Self>, Error> {
        let (list, progress) = build(&*store, &configured, limits, now).await?;
        Ok(Arc::new(Self {
            store,
            configured: Mutex::new(configured),
            limits,
            list: RwLock::new(list),
            progress: Mutex::new(progress),
            reading: tokio::sync::Mutex::new(()),
            events: broadcast::channel(EVENTS_MAX).0,
            wake: Notify::new(),
        }))
    }

    /// The strongest entry around an address at a gateway; see [`Blocklist::check_address`].
    #[must_use]
    pub fn check_address(&self, address: IpAddr, gateway: Option<&str>) -> Option<Entry> {
        self.read(|list| list.check_address(address, gateway).cloned())
    }

    /// The strongest entry about a client at a gateway; see [`Blocklist::check_client`].
    #[must_use]
    pub fn check_client(&self, client: &Client, gateway: Option<&str>) -> Option<Entry> {
        self.read(|list| list.check_client(client, gateway).cloned())
    }

    /// Looks at the list. `look` must be quick: changes wait for it.
    pub fn read<T>(&self, look: impl FnOnce(&Blocklist) -> T) -> T {
        look(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Listens to what happens from now on. A listener that lags loses events and must read the list anew.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<LiveEvent> {
        self.events.subscribe()
    }

    /// Says that this process has written to the logs: the follower looks at once.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How well the list follows the store.
    #[must_use]
    pub fn status(&self) -> LiveStatus {
        let progress = self.progress().clone();
        self.read(|list| LiveStatus {
            entries: list.len(),
            generation: list.generation(),
            decisions_seq: progress.decisions_seq,
            orders_seq: progress.orders_seq,
            read_at: progress.read_at,
            error: progress.error,
            overflow: list.overflow(),
        })
    }

    /// The configured allowlist.
    #[must_use]
    pub fn configured(&self) -> Allowlist {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the configured allowlist; blocks that it protects from are taken back at once.
    pub fn set_configured(&self, configured: Allowlist) {
        self.change(|list| list.set_configured(&configured));
        *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = configured;
    }

    /// Moves the clock, then reads both logs to their end. The clock moves also when the store cannot be read.
    ///
    /// # Errors
    /// When the store cannot be read; the list stays as it was, apart from what expired.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), Error> {
        let _reading = self.reading.lock().await;
        let result = if self.read(Blocklist::now).millis_since(now) > CLOCK_STEP_MILLIS_MAX {
            self.rebuild(now).await
        } else {
            self.change(|list| list.advance(now));
            self.read_logs().await
        };
        let mut progress = self.progress();
        match &result {
            Ok(()) => {
                progress.read_at = now;
                progress.error = None;
            }
            Err(error) => progress.error = Some(error.to_string()),
        }
        result
    }

    /// Follows the store until `until` is ready. Failures are logged when they begin and when they end.
    pub async fn follow(&self, clock: impl Fn() -> Timestamp, until: impl Future<Output = ()>) {
        let mut until = std::pin::pin!(until);
        let mut is_failing = false;
        loop {
            match self.refresh(clock()).await {
                Ok(()) if is_failing => {
                    tracing::info!("the store answers again: the blocklist is up to date");
                    is_failing = false;
                }
                Err(error) if !is_failing => {
                    tracing::error!(%error, "the blocklist cannot follow the store and answers from memory: {error}");
                    is_failing = true;
                }
                _ => {}
            }
            tokio::select! {
                () = &mut until => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    async fn rebuild(&self, now: Timestamp) -> Result<(), Error> {
        let configured = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (list, progress) = build(&*self.store, &configured, self.limits, now).await?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
        *self.progress() = progress;
        self.announce(LiveEvent::Rebuilt);
        Ok(())
    }

    /// Orders first: a person's word that came in between must not be late.
    async fn read_logs(&self) -> Result<(), Error> {
        loop {
            let orders_seq = self.progress().orders_seq;
            let orders = self.store.tail_orders(orders_seq, TAIL_MAX).await?;
            let Some(last) = orders.last().map(|order| order.seq) else {
                break;
            };
            for slice in orders.chunks(ROWS_PER_LOCK) {
                self.change(|list| slice.iter().for_each(|order| list.apply_order(order)));
            }
            self.progress().orders_seq = last;
            for order in orders {
                self.announce(LiveEvent::Order(Arc::new(order)));
            }
        }
        loop {
            let decisions_seq = self.progress().decisions_seq;
            let rows = self.store.tail_decisions(decisions_seq, TAIL_MAX).await?;
            let Some(last) = rows.last().map(|row| row.seq) else {
                return Ok(());
            };
            for slice in rows.chunks(ROWS_PER_LOCK) {
                self.change(|list| slice.iter().for_each(|row| list.apply_decision(row)));
            }
            self.progress().decisions_seq = last;
            for row in rows {
                self.announce(LiveEvent::Decision(Arc::new(row)));
            }
        }
    }

    /// Changes the list and announces what changed.
    fn change(&self, change: impl FnOnce(&mut Blocklist)) {
        let event = {
            let mut list = self.list.write().unwrap_or_else(PoisonError::into_inner);
            let before = list.generation();
            change(&mut list);
            if list.generation() == before || self.events.receiver_count() == 0 {
                return;
            }
            let is_short = list
                .changes_since(before)
                .is_some_and(|count| count <= ANNOUNCED_MAX);
            let delta = is_short.then(|| list.delta_since(before, |_| true)).flatten();
            match delta {
                None => LiveEvent::Rebuilt,
                Some(delta) => LiveEvent::Changed(Arc::new(BlocklistChange {
                    generation: delta.generation,
                    added: delta.added.iter().map(|added| added.entry.clone()).collect(),
                    removed: delta
                        .removed
                        .iter()
                        .map(|removed| removed.entry.clone())
                        .collect(),
                })),
            }
        };
        self.announce(event);
    }

    fn announce(&self, event: LiveEvent) {
        // An error means that nobody listens.
        let _ = self.events.send(event);
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replays the logs from [`HISTORY_SECS`] ago, so that the list also knows what went since.
async fn build(
    store: &dyn Store,
    configured: &Allowlist,
    limits: BlocklistLimits,
    now: Timestamp,
) -> Result<(Blocklist, Progress), Error> {
    let start = now.plus_secs(-HISTORY_SECS);
    let mut list = Blocklist::with_limits(configured, start, limits);
    let mut orders = Vec::new();
    let mut orders_seq = 0;
    loop {
        let slice = store.tail_orders(orders_seq, TAIL_MAX).await?;
        let Some(last) = slice.last() else { break };
        orders_seq = last.seq;
        orders.extend(slice);
    }
    let mut orders = orders.iter().peekable();
    let mut decisions_seq = 0;
    loop {
        let rows = store.tail_live_decisions(decisions_seq, start, TAIL_MAX).await?;
        let Some(last) = rows.last() else { break };
        decisions_seq = last.seq;
        for mut row in rows {
            while let Some(order) = orders.next_if(|order| order.seq < row.seq) {
                list.advance(order.at.min(now));
                list.apply_order(order);
            }
            list.advance(row.created_at.min(now));
            // Revoked since: it was in force until the order, which is replayed too.
            if row.revoked_at.is_some_and(|at| at > start && at > row.created_at) {
                row.revoked_at = None;
            }
            list.apply_decision(&row);
        }
    }
    for order in orders {
        list.advance(order.at.min(now));
        list.apply_order(order);
    }
    list.advance(now);
    let progress = Progress {
        decisions_seq,
        orders_seq,
        read_at: now,
        error: None,
    };
    Ok((list, progress))
}

#[cfg(test)]
mod tests;
