//! The detect role: logs → detector → store, on one thread of its own.
//!
//! The thread waits for the lease (one process at a time detects; another one stands by), loads the last checkpoint,
//! reads from the offsets it stands for, and writes the next one. Whatever goes wrong ends the session and begins a new
//! one from the last checkpoint: what was read since is read again, and decisions repeat nothing because their
//! identifiers are the same.

mod checkpoint;
mod effects;
mod inputs;
mod lease;
mod minutes;
mod reading;
mod session;
mod watched;

use super::crawlers::Questions;
use super::figures::Figures;
use super::spools::{Spools, Wake};
use super::{Shared, Statutes};
use crate::alarm::outlet::Outlets;
use crate::config::Config;
use anyhow::Context as _;
use domain::HashKey;
use session::{Fault, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use storage::CheckpointStore;

/// Pause before a session that failed begins anew.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the thread is given.
pub(super) struct Setup {
    pub(super) shared: Shared,
    pub(super) config: Config,
    pub(super) statutes: Statutes,
    pub(super) key: HashKey,
    pub(super) networks: Option<ingest::Networks>,
    /// In which country an address is.
    pub(super) countries: Option<ingest::Countries>,
    pub(super) figures: Arc<Figures>,
    pub(super) checkpoints: CheckpointStore,
    /// Who is told of alarms.
    pub(super) outlets: Arc<Outlets>,
    /// Lines that were sent to us and wait.
    pub(super) spools: Arc<Spools>,
    /// Where it is asked about crawlers.
    pub(super) questions: Questions,
    pub(super) wake: Arc<Wake>,
    /// How the lease's table knows this process.
    pub(super) holder: String,
    pub(super) runtime: tokio::runtime::Handle,
}

/// The running role.
pub(super) struct DetectRole {
    thread: JoinHandle<anyhow::Result<()>>,
    stop: Arc<AtomicBool>,
    changes: mpsc::Sender<(Config, Statutes)>,
}

/// What the thread holds.
pub(super) struct Role {
    setup: Setup,
    stop: Arc<AtomicBool>,
    changes: mpsc::Receiver<(Config, Statutes)>,
}

impl DetectRole {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(setup: Setup) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (changes, receiver) = mpsc::channel();
        let role = Role {
            setup,
            stop: Arc::clone(&stop),
            changes: receiver,
        };
        let thread = std::thread::Builder::new()
            .name("detect".to_owned())
            .spawn(move || role.run())
            .context("could not start the detect thread")?;
        Ok(Self {
            thread,
            stop,
            changes,
        })
    }

    /// Hands a configuration, rules and clauses over that were read anew. They take effect at the next tick.
    pub(super) fn change(&self, config: Config, statutes: Statutes) {
        // The thread is gone only when the process is about to end.
        let _ = self.changes.send((config, statutes));
    }

    /// Whether the thread has ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asks the thread to write its last checkpoint and waits for it.
    ///
    /// # Errors
    /// What made the role give up.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => anyhow::bail!("the detect thread panicked"),
        }
    }
}

impl Role {
    fn run(mut self) -> anyhow::Result<()> {
        while !self.is_stopping() {
            let Some(lease) = lease::wait(&self) else { break };
            let result = Session::begin(&mut self, &lease).and_then(Session::run);
            self.setup.figures.set_state(false, None);
            // Whoever takes over judges anew.
            self.setup.figures.alarms().clear();
            match result {
                Ok(()) => {
                    lease::release(&self, &lease);
                    break;
                }
                Err(Fault::Final(why)) => return Err(why),
                Err(Fault::Again(why)) => {
                    tracing::error!("detection begins anew from its last checkpoint: {why:#}");
                    self.setup.figures.set_state(false, Some(format!("{why:#}")));
                    self.pause(AGAIN_AFTER);
                }
            }
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits, but not past a stop.
    fn pause(&self, time: Duration) {
        const STEP: Duration = Duration::from_millis(50);
        let mut left = time;
        while !self.is_stopping() && left > Duration::ZERO {
            std::thread::sleep(STEP.min(left));
            left = left.saturating_sub(STEP);
        }
    }

    /// Waits for an answer of the store from this thread.
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.setup.runtime.block_on(future)
    }
}
