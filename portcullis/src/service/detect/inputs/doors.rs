//! The doors beside Kafka: logs that are followed, and spools of lines that were sent to us.

use super::super::checkpoint::Place;
use super::sources::{SourceName, Sources, Terms};
use crate::config::{Config, used};
use crate::service::spools::{Spools, Wake};
use ingest::source::door::DoorBatch;
use ingest::source::follow::{FollowEvent, FollowRule, FollowedFiles};
use ingest::source::spool::{SpoolPlace, SpoolReader};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Logs that are followed, spools, and what wakes whoever waits for a line.
pub(in super::super) struct Doors {
    files: Option<FollowedFiles>,
    /// The terms of each `[[files]]`, in their order.
    terms: Vec<Terms>,
    spools: Arc<Spools>,
    readers: Vec<SpoolDoor>,
    /// Where spools stood that were not opened yet.
    stood: BTreeMap<String, SpoolPlace>,
    wake: Arc<Wake>,
    /// Sources that were opened since somebody asked.
    opened: Vec<u32>,
}

struct SpoolDoor {
    name: String,
    source: u32,
    reader: SpoolReader,
    /// Whether its last failure was told.
    is_failing: bool,
}

impl Doors {
    /// Opens what is configured.
    pub(super) fn open(config: &Config, places: &[Place], spools: Arc<Spools>, wake: Arc<Wake>) -> Self {
        let rule = |files: &used::Files| FollowRule {
            pattern: files.path.clone(),
            from_end: files.begins_at_end(),
        };
        let waker = Arc::clone(&wake);
        let mut files = (!config.files.is_empty()).then(|| {
            let rules = config.files.iter().map(rule).collect();
            FollowedFiles::new(rules, move || waker.wake())
        });
        let mut stood = BTreeMap::new();
        for place in places {
            match (&mut files, place) {
                (Some(files), Place::Log(path, place)) => files.remember(path, place.clone()),
                (_, Place::Spool(name, place)) => {
                    stood.insert(name.clone(), *place);
                }
                _ => {}
            }
        }
        let terms = |(at, files): (usize, &used::Files)| Terms {
            format: files.format.clone(),
            trust: files.trust,
            acts_per_hour: files.acts_per_hour,
            lateness_secs: config.detector.lateness_secs,
            gateway: files.gateway.clone().unwrap_or_default(),
            identity: config.clients.identity_of(&files.own_identity()),
            settings: format!("files[{at}]"),
        };
        Self {
            files,
            terms: config.files.iter().enumerate().map(terms).collect(),
            spools,
            readers: Vec::new(),
            stood,
            wake,
            opened: Vec::new(),
        }
    }

    /// Waits until something may have come, at most that long.
    pub(in super::super) fn wait(&self, time: Duration) {
        self.wake.wait(time);
    }

    /// Fills the batch; whether there may be more at once.
    pub(super) fn poll(&mut self, config: &Config, batch: &mut DoorBatch, sources: &mut Sources) -> bool {
        let more_in_files = self.poll_files(batch, sources);
        self.open_spools(config, sources);
        let mut has_more = more_in_files;
        for door in &mut self.readers {
            match door.reader.poll(batch, door.source) {
                Ok(more) => {
                    has_more |= more;
                    door.is_failing = false;
                }
                Err(error) => {
                    if !std::mem::replace(&mut door.is_failing, true) {
                        let name = api::neutralise(&door.name);
                        tracing::error!(%error, "could not read the spool of {name}: {error}");
                    }
                }
            }
        }
        // The one that was read first waits longest next time: a busy one must not keep the others waiting.
        if has_more && !self.readers.is_empty() {
            self.readers.rotate_left(1);
        }
        has_more
    }

    fn poll_files(&mut self, batch: &mut DoorBatch, sources: &mut Sources) -> bool {
        let Some(files) = &mut self.files else {
            return false;
        };
        let (terms, opened) = (&self.terms, &mut self.opened);
        let mut number = |path: &str, rule: usize| {
            let number = sources.number(SourceName::Log(path.to_owned()));
            if let (Some(source), Some(terms)) = (sources.get_mut(number), terms.get(rule)) {
                let mut terms = terms.clone();
                if terms.gateway.is_empty() {
                    path.clone_into(&mut terms.gateway);
                }
                source.terms = Some(terms);
            }
            opened.push(number);
            tracing::info!(path, "follows {}", api::neutralise(path));
            number
        };
        let mut events = Vec::new();
        let has_more = files.poll(Instant::now(), batch, &mut events, &mut number);
        for event in &events {
            tell(event);
        }
        has_more
    }

    /// Opens spools that are new.
    fn open_spools(&mut self, config: &Config, sources: &mut Sources) {
        if self.spools.len() == self.readers.len() {
            return;
        }
        for (name, spooled) in self.spools.all() {
            if self.readers.iter().any(|door| door.name == name) {
                continue;
            }
            let stood = self.stood.get(&name).copied();
            let reader = match SpoolReader::new(Arc::clone(&spooled.spool), stood) {
                Ok(reader) => reader,
                Err(error) => {
                    tracing::error!(%error, "could not open the spool of {}: {error}", api::neutralise(&name));
                    continue;
                }
            };
            let number = sources.number(SourceName::Spool(name.clone()));
            if let Some(source) = sources.get_mut(number) {
                source.terms = Some(super::terms::of_spool(config, &name));
            }
            self.opened.push(number);
            self.readers.push(SpoolDoor {
                name,
                source: number,
                reader,
                is_failing: false,
            });
        }
    }

    /// The sources that were opened since this was last asked.
    pub(in super::super) fn take_opened(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.opened)
    }

    /// Where each door stands.
    pub(super) fn places(&self) -> BTreeMap<SourceName, Place> {
        let logs = self.files.iter().flat_map(FollowedFiles::places);
        let logs = logs.map(|(path, place)| (SourceName::Log(path.clone()), Place::Log(path, place)));
        let spools = self.readers.iter().map(|door| {
            let place = Place::Spool(door.name.clone(), door.reader.place());
            (SourceName::Spool(door.name.clone()), place)
        });
        logs.chain(spools).collect()
    }

    /// Deletes what is behind a checkpoint.
    pub(in super::super) fn release(&mut self, places: &[Place]) {
        for place in places {
            let Place::Spool(name, place) = place else {
                continue;
            };
            let door = self.readers.iter().find(|door| door.name == *name);
            if let Some(Err(error)) = door.map(|door| door.reader.release(*place)) {
                tracing::warn!(%error, "could not delete what was read of the spool of {}: {error}", api::neutralise(name));
            }
        }
    }

    /// Bytes of each source that were not read yet, and lines that it lost at the door.
    pub(in super::super) fn waits(&self) -> BTreeMap<u32, (u64, u64)> {
        let logs = self.files.iter().flat_map(FollowedFiles::figures);
        let mut waits: BTreeMap<u32, (u64, u64)> = logs.map(|log| (log.source, (log.behind, 0))).collect();
        let spools: BTreeMap<_, _> = self.spools.all().into_iter().collect();
        for door in &self.readers {
            let dropped = spools.get(&door.name).map_or(0, |spooled| spooled.dropped());
            waits.insert(door.source, (door.reader.unread(), dropped));
        }
        waits
    }

    /// Bytes that wait in each source, and lines that it lost at the door.
    pub(in super::super) fn figures(&self) -> BTreeMap<u32, (u64, u64)> {
        let logs = self.files.iter().flat_map(FollowedFiles::figures);
        let mut figures: BTreeMap<u32, (u64, u64)> = logs.map(|log| (log.source, (log.behind, 0))).collect();
        let spools: BTreeMap<_, _> = self.spools.all().into_iter().collect();
        for door in &self.readers {
            let dropped = spools.get(&door.name).map_or(0, |spooled| spooled.dropped());
            figures.insert(door.source, (door.reader.spool().bytes(), dropped));
        }
        figures
    }
}

/// Tells what happened to a file. Names of files are not ours: they go through the terminal's filter.
fn tell(event: &FollowEvent) {
    let name = |path: &std::path::Path| api::neutralise(&path.to_string_lossy()).into_owned();
    match event {
        FollowEvent::Emptied {
            log,
            read,
            copy: Some(copy),
        } => tracing::info!(
            "{} was copied away and emptied: what stands behind byte {read} is read in {}",
            name(log),
            name(copy)
        ),
        FollowEvent::Emptied {
            log,
            read,
            copy: None,
        } => tracing::warn!(
            "{} was emptied and is read from its beginning: {read} bytes of it had been read, and what stood behind them is \
             lost, for no copy lies beside it",
            name(log)
        ),
        FollowEvent::Gone { log, read } => tracing::warn!(
            "a file of {} is gone, of which {read} bytes had been read: what was written to it afterwards is lost",
            name(log)
        ),
        FollowEvent::Failed { path, why } => {
            tracing::error!("could not read {}: {}", name(path), api::neutralise(why));
        }
        FollowEvent::TooMany(path) => tracing::error!(
            "{} is not followed: {} logs are",
            name(path),
            ingest::source::follow::LOGS_MAX
        ),
    }
}
