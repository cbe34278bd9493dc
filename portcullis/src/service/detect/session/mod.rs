//! One session: from loading a checkpoint to losing the lease, an error, or the end.

mod alarms;
mod doors;
mod effort;
mod group;
mod hours;
mod intake;
mod models;
mod news;
mod shown;

use super::checkpoint::{self, Checkpoint};
use super::effects::Effects;
use super::inputs::Inputs;
use super::minutes::Minutes;
use super::reading::Readers;
use super::watched::Watched;
use super::{Role, lease};
use crate::analysis::Workers;
use crate::challenger::Duel;
use crate::config::used;
use crate::service::figures::Count;
use crate::service::settings;
use crate::service::watch::{self, Watch};
use alarms::Watching;
use detector::{Detector, Output, Settings};
use domain::{HashKey, Timestamp};
use effort::Pressure;
use hours::HoursTold;
use ingest::source::kafka::{Commit, KafkaBatch, KafkaEvent, KafkaSource, KafkaSourceError};
use models::ModelsTold;
use std::time::{Duration, Instant};
use storage::Lease;

/// A second of silence tells what the open tick holds.
const SILENCE: Duration = Duration::from_secs(1);
/// A broker's trouble is shown for this long after its last report: the library repeats itself while it lasts.
const TROUBLE_SHOWN: Duration = Duration::from_secs(10);
/// How often figures and pages are written.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Pause before something that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A checkpoint may take a twentieth of the time: of a large state they are written less often.
const CHECKPOINT_COST: u32 = 20;

/// Why a session ended.
#[derive(Debug)]
pub(super) enum Fault {
    /// A new session may do better.
    Again(anyhow::Error),
    /// It cannot: a person must act.
    Final(anyhow::Error),
}

impl From<KafkaSourceError> for Fault {
    fn from(error: KafkaSourceError) -> Self {
        Self::Again(error.into())
    }
}

impl From<storage::Error> for Fault {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::NewerVersion { .. } => Self::Final(error.into()),
            other => Self::Again(other.into()),
        }
    }
}

/// One session.
pub(super) struct Session<'a> {
    role: &'a mut Role,
    lease: Lease,
    lease_renewed: Instant,
    inputs: Inputs,
    detector: Detector<Duel>,
    readers: Readers,
    workers: Workers,
    minutes: Minutes,
    /// Source and time of each record of the latest batch from Kafka: kept for its memory.
    judged: Vec<(u32, Timestamp)>,
    watched: Watched,
    effects: Effects,
    outputs: Vec<Output>,
    orders_seq: u64,
    generation: u64,
    /// A rebalance that could not be answered yet: brokers did not answer.
    unanswered: Option<KafkaEvent>,
    saved: Instant,
    save_cost: Duration,
    has_news: bool,
    told: Instant,
    models_told: ModelsTold,
    hours_told: HoursTold,
    watching: Watching,
    pressure: Pressure,
    spoken: Instant,
    is_previewed: bool,
    held_until: Option<Instant>,
    troubled_until: Option<Instant>,
    is_stalled: bool,
    /// When Kafka is asked again whose brokers did not answer.
    kafka_again: Option<Instant>,
}

impl<'a> Session<'a> {
    /// Loads the last checkpoint and opens what is read.
    ///
    /// # Errors
    /// When the checkpoint or the model cannot be used, or the Kafka client refuses its settings.
    pub(super) fn begin(role: &'a mut Role, lease: &Lease) -> Result<Self, Fault> {
        let setup = &role.setup;
        let loaded = role.wait(setup.checkpoints.load_latest(checkpoint::NAME))?;
        let generation = loaded.as_ref().map_or(0, |found| found.generation);
        let loaded = loaded.map(|found| Checkpoint::read(&found.bytes)).transpose();
        let loaded = loaded.map_err(|error| Fault::Final(error.into()))?;
        let mut detector = restore(role, loaded.as_ref())?;
        detector.restore_effort_spans(effort::spans(loaded.as_ref().map_or(&[], |found| &found.efforts)));
        let usual = loaded
            .as_ref()
            .map(|found| found.usual.clone())
            .unwrap_or_default();
        let watching = Watching::begin(role, usual)?;
        watch::resume(detector.scorer(), &role.wait(setup.shared.store.models())?);
        let places = loaded.as_ref().map_or(&[][..], |found| &found.sources);
        let inputs = Inputs::open(&setup.config, places, (&setup.spools, &setup.wake), |kafka| {
            instance(&setup.holder, kafka, setup.key)
        })?;
        let threads = match setup.config.detector.threads {
            // One reads and judges some hundred thousand lines a second. On two cores two took longer for the same lines, and the more
            // of the machine: what can be shared is a third of the work.
            0 => 1,
            threads => threads,
        };
        let now = Instant::now();
        Ok(Self {
            lease: lease.clone(),
            lease_renewed: now,
            inputs,
            detector,
            readers: Readers::new(setup.key, setup.networks.clone(), setup.countries.clone()),
            workers: Workers::new(threads),
            orders_seq: loaded.as_ref().map_or(0, |found| found.orders_seq),
            minutes: loaded.map(|found| found.minutes).unwrap_or_default(),
            judged: Vec::new(),
            watched: Watched::default(),
            effects: Effects::new(setup.questions.clone()),
            outputs: Vec::new(),
            generation,
            unanswered: None,
            saved: now,
            save_cost: Duration::ZERO,
            has_news: false,
            told: now,
            models_told: ModelsTold::default(),
            hours_told: HoursTold::default(),
            watching,
            pressure: Pressure::new(now),
            spoken: now,
            is_previewed: true,
            held_until: None,
            troubled_until: None,
            is_stalled: false,
            kafka_again: None,
            role,
        })
    }

    /// Reads until the process is to stop, then writes the last checkpoint.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub(super) fn run(mut self) -> Result<(), Fault> {
        let mut batch = KafkaBatch::new();
        while !self.role.is_stopping() {
            self.turn(&mut batch)?;
        }
        self.finish()
    }

    fn turn(&mut self, batch: &mut KafkaBatch) -> Result<(), Fault> {
        let asked = Instant::now();
        let has_asked = self.ask_kafka(batch)?;
        self.ask_doors(has_asked);
        // Taking out what was there already is work like any other, a third of it where lines are messages.
        let was_there = (has_asked && batch.is_full()) || self.inputs.has_more;
        let waited = if was_there {
            Duration::ZERO
        } else {
            asked.elapsed()
        };
        // After the wait: what somebody changed or ordered in it holds for the lines that ended it.
        self.take_changes();
        self.take_orders();
        self.read(Some(&*batch).filter(|_| has_asked));
        self.inputs.clear();
        self.store()?;
        if has_asked {
            for event in batch.events().to_vec() {
                self.hear(event)?;
            }
        }
        self.save_if_due()?;
        self.pressure.note_work(asked.elapsed().saturating_sub(waited));
        self.tell();
        self.keep_lease()
    }

    /// Makes durable what was said. Where that fails, reading waits.
    fn store(&mut self) -> Result<(), Fault> {
        if self.effects.is_empty() || self.held_until.is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let fence = lease::fence(&self.lease);
        let setup = &self.role.setup;
        let stored = self.role.wait(
            self.effects
                .store(&setup.shared, &setup.figures, &fence, &self.readers),
        );
        self.hold_on(stored)
    }

    /// Holds reading while the store or the checkpoints fail, and lets it go on afterwards.
    fn hold_on(&mut self, done: Result<(), storage::Error>) -> Result<(), Fault> {
        match done {
            Ok(()) => {
                if self.held_until.take().is_some() {
                    tracing::info!("writing works again: reading goes on");
                    self.hold(false)?;
                    self.role.setup.figures.set_state(true, None);
                }
                Ok(())
            }
            Err(error) if error.is_retryable() => {
                if self.held_until.is_none() {
                    tracing::error!(%error, "reading waits until writing works again: {error}");
                    self.hold(true)?;
                }
                self.held_until = Some(Instant::now() + RETRY_AFTER);
                self.trouble(&error.to_string());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stops or goes on fetching from Kafka. Other doors are not asked while writing fails.
    fn hold(&mut self, is_held: bool) -> Result<(), KafkaSourceError> {
        let kafka = self.inputs.kafka.as_mut();
        kafka.map_or(Ok(()), |kafka| kafka.set_held(is_held))
    }

    /// Whether a broker's trouble was reported of late.
    fn is_troubled(&self) -> bool {
        self.troubled_until.is_some_and(|until| Instant::now() < until)
    }

    /// Notes that brokers do not do what reading needs: shown as long as it lasts, logged once.
    fn stall(&mut self, error: &KafkaSourceError) {
        if !std::mem::replace(&mut self.is_stalled, true) {
            tracing::warn!(%error, "reading waits for the brokers: {error}");
        }
        self.trouble(&error.to_string());
    }

    fn go_on(&mut self) {
        if std::mem::take(&mut self.is_stalled) {
            tracing::info!("the brokers answer: reading goes on");
        }
    }

    fn trouble(&self, what: &str) {
        self.role.setup.figures.set_state(false, Some(what.to_owned()));
    }

    fn save_if_due(&mut self) -> Result<(), Fault> {
        let setup = &self.role.setup;
        let every = Duration::from_secs(u64::from(setup.config.storage.checkpoint_secs));
        let is_due = self.saved.elapsed() >= every.max(self.save_cost * CHECKPOINT_COST);
        let is_waiting = self.held_until.is_some_and(|until| Instant::now() < until);
        if !is_due || !self.has_news || is_waiting || !self.effects.is_empty() {
            return Ok(());
        }
        let saved = self.save(Commit::Later);
        self.hold_on(saved)
    }

    /// Writes a checkpoint, then commits the offsets it stands for. Nothing may wait to be stored: whoever goes on from
    /// the checkpoint would take what waited for said.
    fn save(&mut self, commit: Commit) -> Result<(), storage::Error> {
        debug_assert!(
            self.effects.is_empty(),
            "a checkpoint would pass decisions that no store has"
        );
        let began = Instant::now();
        let checkpoint = Checkpoint {
            sources: self.inputs.places(),
            orders_seq: self.orders_seq,
            minutes: self.minutes.clone(),
            detector: self.detector.checkpoint(),
            usual: self.watching.learned(),
            efforts: effort::told(&self.detector.effort_spans()),
        };
        let bytes = checkpoint.write();
        let setup = &self.role.setup;
        self.role.wait(
            setup
                .checkpoints
                .save(checkpoint::NAME, self.generation + 1, &bytes),
        )?;
        self.generation += 1;
        self.has_news = false;
        self.saved = Instant::now();
        self.save_cost = began.elapsed();
        setup.figures.add(Count::Checkpoints, 1);
        setup
            .figures
            .set_checkpoint_millis(u64::try_from(self.save_cost.as_millis()).unwrap_or(u64::MAX));
        self.inputs.doors.release(&checkpoint.sources);
        if let Some(kafka) = &mut self.inputs.kafka {
            let offsets: Vec<(u32, u64)> = kafka
                .owned()
                .filter_map(|(number, partition)| Some((number, partition.next?)))
                .collect();
            if let Err(error) = kafka.commit(&offsets, commit) {
                // The checkpoint is what counts; the group's offsets are for people and their tools.
                tracing::warn!(%error, "could not commit offsets: {error}");
            }
        }
        Ok(())
    }

    /// Once a second: how far behind, the minute's figures, the pages of clients that stand out.
    fn tell(&mut self) {
        if self.told.elapsed() < TELL_EVERY {
            return;
        }
        self.told = Instant::now();
        if self.held_until.is_some()
            && let Some(kafka) = &mut self.inputs.kafka
            && let Err(error) = kafka.ask_ends()
        {
            tracing::debug!(%error, "could not learn what piles up: {error}");
        }
        let setup = &self.role.setup;
        if !self.is_troubled() && self.held_until.is_none() && !self.is_stalled {
            setup.figures.set_state(self.inputs.is_reading(), None);
        }
        if let Some(kafka) = &self.inputs.kafka {
            setup.figures.set_source(&kafka.counters(), lag(kafka));
            setup.figures.topics().set_places(kafka);
        }
        setup.figures.set_held(self.held_until.is_some());
        setup
            .figures
            .set_doors(doors::figures(&self.inputs, (setup.shared.clock)()));
        setup.figures.set_totals(self.detector.totals());
        setup.figures.set_tables(self.detector.tables());
        setup.figures.set_effects(self.effects());
        setup.figures.set_roles(self.detector.learned_roles());
        self.measure_pressure();
        self.tell_of_alarms();
        let setup = &self.role.setup;
        let watch = Watch::of(self.detector.scorer());
        setup.figures.set_watch(watch.clone());
        if let Some(letters) = &self.inputs.letters {
            setup.figures.set_dead_letters(letters.counters());
        }
        if let Some(latest) = self.minutes.latest() {
            setup.shared.events.publish(&api::LiveUpdate::Figures(latest));
        }
        if self.held_until.is_some() {
            return;
        }
        let changed = self.minutes.take_changed();
        let stored = self
            .role
            .wait(setup.shared.store.put_stats(&setup.holder, &changed));
        if let Err(error) = stored {
            tracing::debug!(%error, "could not store figures: {error}");
            self.minutes.mark_changed(&changed);
            return;
        }
        self.tell_of_models(&watch);
        self.tell_of_hours();
        let setup = &self.role.setup;
        let pages = self.watched.pages(&self.detector, (setup.shared.clock)());
        if !pages.is_empty() {
            let stored = self.role.wait(setup.shared.store.put_clients(&pages));
            if let Err(error) = stored {
                tracing::debug!(%error, "could not store pages of clients: {error}");
            }
        }
    }

    fn keep_lease(&mut self) -> Result<(), Fault> {
        match lease::renew(self.role, &self.lease, &mut self.lease_renewed) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::Again(anyhow::anyhow!("another process took the lease"))),
            Err(error) => {
                tracing::debug!(%error, "could not renew the lease: {error}");
                Ok(())
            }
        }
    }

    /// The end: what was said is stored, the last checkpoint written, its offsets committed.
    fn finish(mut self) -> Result<(), Fault> {
        self.held_until = None;
        self.store()?;
        if !self.effects.is_empty() {
            tracing::warn!(
                "stops without a last checkpoint: what could not be stored is read again at the next start"
            );
            return Ok(());
        }
        self.save(Commit::Wait)?;
        self.told = self.told.checked_sub(TELL_EVERY).unwrap_or(self.told);
        self.tell();
        Ok(())
    }
}

/// Messages that wait on the brokers.
fn lag(kafka: &KafkaSource) -> u64 {
    kafka
        .lags()
        .iter()
        .map(ingest::source::kafka::Lag::messages)
        .sum()
}

/// This process's name within its consumer group: the same after a restart, another one for a stand-by (another host or
/// checkpoint folder) and for other topics, because brokers give a name back what it had without asking what it wants.
fn instance(holder: &str, kafka: &used::Kafka, key: HashKey) -> String {
    let topics: Vec<_> = kafka
        .topics
        .iter()
        .map(|topic| (&topic.name, &topic.pattern))
        .collect();
    format!("portcullis-{:016x}", key.hash(&(holder, topics)))
}

/// The detector as the checkpoint holds it, or an empty one.
fn restore(role: &Role, loaded: Option<&Checkpoint>) -> Result<Detector<Duel>, Fault> {
    let setup = &role.setup;
    let model = &setup.config.model;
    let scorer =
        || Duel::configured(model.file.as_deref(), model.challenger.as_deref()).map_err(Fault::Final);
    let settings = Settings {
        rules: setup.statutes.rules.clone(),
        clauses: setup.statutes.clauses.clone(),
        listed: setup.statutes.listed.clone(),
        asks_for_proof: setup.config.crawlers.verify,
        ..settings::detector(&setup.config, setup.key)
    };
    let Some(loaded) = loaded else {
        return Ok(Detector::new(settings, scorer()?));
    };
    match Detector::restore(&loaded.detector, settings.clone(), scorer()?) {
        Ok(detector) => Ok(detector),
        // Other features or another key: the windows mean nothing any more, the offsets still do.
        Err(error) if error.starts_anew() => {
            tracing::warn!(%error, "windows begin anew: {error}");
            Ok(Detector::new(settings, scorer()?))
        }
        Err(error) => Err(Fault::Final(error.into())),
    }
}
