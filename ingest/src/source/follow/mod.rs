//! Logs that are written to by others, followed through rotation.
//!
//! A log is a path. The file behind it may be moved away and made anew (`create`), copied away and emptied (`copytruncate`),
//! and packed later: a file is told by how it begins and by where it lies on its disk, never by its name, so that a rotation
//! neither loses a line nor repeats one, and neither does a start after any number of rotations whose files still lie beside
//! the log.
//!
//! Nothing here is asked of the clock: whoever polls says what time it is.

pub mod identity;
mod log;
mod open;
pub mod place;
mod rotated;
#[cfg(test)]
mod tests;

pub use place::{FilePlace, LogPlace};

use super::door::DoorBatch;
use log::FollowedLog;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Logs that are followed at a time: each is an open file, and a source with a number of its own.
pub const LOGS_MAX: usize = 256;

/// Names that one pattern may match: a pattern that matches more is not one of logs.
const MATCHES_MAX: usize = 4096;

/// How often is looked without being told: not every filesystem tells, and a queue of the kernel can overflow.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks are not closer than this, however often a busy log tells of itself.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// How often new files are searched for.
const SEARCH_EVERY: Duration = Duration::from_secs(5);

/// Which logs to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowRule {
    /// A path, or a pattern of paths.
    pub pattern: String,
    /// Whether a log that was never read before begins at its end.
    pub from_end: bool,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowEvent {
    /// A file was emptied, and begins anew.
    Emptied {
        /// The log.
        log: PathBuf,
        /// Bytes of it that were read.
        read: u64,
        /// The copy in which the rest is read; without one, what was not read before is lost.
        copy: Option<PathBuf>,
    },
    /// A file is not there any more: what was written to it after these bytes is lost.
    Gone {
        /// The log.
        log: PathBuf,
        /// Bytes of it that were read.
        read: u64,
    },
    /// A file cannot be read.
    Failed {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There are more logs than are followed.
    TooMany(PathBuf),
}

/// How one log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogFigures {
    /// Its number.
    pub source: u32,
    /// Bytes that are known to wait.
    pub behind: u64,
}

/// Follows logs.
pub struct FollowedFiles {
    rules: Vec<FollowRule>,
    logs: Vec<FollowedLog>,
    /// Where logs stood that were not found again yet.
    stood: BTreeMap<String, LogPlace>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Whether something has changed since the last look.
    is_told: Arc<AtomicBool>,
    looked: Option<Instant>,
    searched: Option<Instant>,
    /// Which log is read first next time: a busy one must not keep the others waiting.
    next: usize,
    is_told_of_too_many: bool,
}

impl std::fmt::Debug for FollowedFiles {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FollowedFiles")
            .field("rules", &self.rules)
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}

impl FollowedFiles {
    /// Follows what the rules name. `wake` is called when something changed; without the system's word (no inotify left) it
    /// is looked once a second.
    #[must_use]
    pub fn new(rules: Vec<FollowRule>, wake: impl Fn() + Send + 'static) -> Self {
        let is_told = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&is_told);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Our own reading is an access, and nothing new.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            told.store(true, Ordering::Relaxed);
            wake();
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "changed files are looked for once a second: {error}");
        }
        Self {
            rules,
            logs: Vec::new(),
            stood: BTreeMap::new(),
            watcher: watcher.ok(),
            watched: BTreeSet::new(),
            is_told,
            looked: None,
            searched: None,
            next: 0,
            is_told_of_too_many: false,
        }
    }

    /// Remembers where reading of a log stood. Before the first poll.
    pub fn remember(&mut self, path: &str, place: LogPlace) {
        if self.stood.len() < 2 * LOGS_MAX {
            self.stood.insert(path.to_owned(), place);
        }
    }

    /// Fills the batch with what was written since; whether there may be more at once. `number` numbers a log by its path and
    /// the rule that found it.
    pub fn poll(
        &mut self,
        now: Instant,
        batch: &mut DoorBatch,
        events: &mut Vec<FollowEvent>,
        number: &mut dyn FnMut(&str, usize) -> u32,
    ) -> bool {
        let is_due = |last: Option<Instant>, every| last.is_none_or(|last| now.duration_since(last) >= every);
        if is_due(self.searched, SEARCH_EVERY) {
            self.search(now, events, number);
            self.searched = Some(now);
        }
        let is_told = is_due(self.looked, LOOK_PAUSE) && self.is_told.swap(false, Ordering::Relaxed);
        if is_told || is_due(self.looked, LOOK_EVERY) {
            self.looked = Some(now);
            for log in &mut self.logs {
                log.look(now, events);
            }
            self.forget_removed();
        }
        let mut has_more = false;
        let count = self.logs.len();
        for step in 0..count {
            let at = (self.next + step) % count;
            has_more |= self.logs[at].take(batch, now, events);
            if batch.is_full() {
                self.next = (at + 1) % count;
                return true;
            }
        }
        has_more
    }

    /// Where every log stands, those that were not found again included.
    pub fn places(&self) -> impl Iterator<Item = (String, LogPlace)> + '_ {
        let found = self.logs.iter().map(|log| (name(&log.path), log.place()));
        found.chain(
            self.stood
                .iter()
                .map(|(path, place)| (path.clone(), place.clone())),
        )
    }

    /// How each log is read.
    pub fn figures(&self) -> impl Iterator<Item = LogFigures> + '_ {
        self.logs.iter().map(|log| LogFigures {
            source: log.source,
            behind: log.behind(),
        })
    }

    /// Logs whose files are gone make room for others: names with a date in them come and go.
    fn forget_removed(&mut self) {
        let stood = &mut self.stood;
        self.logs.retain(|log| {
            let is_over = log.is_over() && !log.path.exists();
            if is_over && stood.len() < LOGS_MAX {
                stood.insert(name(&log.path), log.place());
            }
            !is_over
        });
    }

    fn search(
        &mut self,
        now: Instant,
        events: &mut Vec<FollowEvent>,
        number: &mut dyn FnMut(&str, usize) -> u32,
    ) {
        let is_first = self.searched.is_none();
        for rule in 0..self.rules.len() {
            let found = matches(&self.rules[rule].pattern);
            for path in &found {
                if self.logs.iter().any(|log| log.path == *path) || is_rotated(path, &found) {
                    continue;
                }
                if self.logs.len() >= LOGS_MAX {
                    if !std::mem::replace(&mut self.is_told_of_too_many, true) {
                        events.push(FollowEvent::TooMany(path.clone()));
                    }
                    return;
                }
                self.watch(path);
                let source = number(&name(path), rule);
                let log = match self.stood.remove(&name(path)) {
                    Some(stood) => FollowedLog::resume(path, source, &stood, now, events),
                    None => {
                        let from_end = self.rules[rule].from_end && is_first;
                        FollowedLog::new(path, source, from_end, events)
                    }
                };
                self.logs.push(log);
            }
        }
    }

    /// Asks the system to tell of changes in a log's folder.
    fn watch(&mut self, path: &Path) {
        let Some(folder) = path.parent() else { return };
        if let Some(watcher) = &mut self.watcher
            && self.watched.insert(folder.to_owned())
            && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
        {
            let folder = folder.display();
            tracing::warn!(%error, "changes in {folder} are looked for once a second: {error}");
        }
    }
}

/// How a log is called in checkpoints and to people.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The files that a pattern names; a path without a pattern is named whether it is there or not.
fn matches(pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[']) {
        return vec![PathBuf::from(pattern)];
    }
    let found = glob::glob(pattern).into_iter().flatten().flatten();
    found.filter(|path| path.is_file()).take(MATCHES_MAX).collect()
}

/// Whether a pattern can be one of logs.
///
/// # Errors
/// What a pattern must be.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    let wrong = |error: glob::PatternError| format!("a pattern: {} at character {}", error.msg, error.pos);
    glob::Pattern::new(pattern).map(drop).map_err(wrong)
}

/// Whether a file that a pattern matched is one that another one was rotated into, or packed: no log of its own.
fn is_rotated(path: &Path, others: &[PathBuf]) -> bool {
    let name = path.file_name().unwrap_or(OsStr::new(""));
    open::is_packed(path)
        || others.iter().any(|other| {
            let log = other.file_name().unwrap_or(OsStr::new(""));
            other.parent() == path.parent() && rotated::is_rotated_name(log, name)
        })
}
