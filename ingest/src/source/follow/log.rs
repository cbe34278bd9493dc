//! One log: the file that is written to, and those before it that may still hold unread lines.

use super::FollowEvent;
use super::identity::Inode;
use super::open::{OpenFile, Step};
use super::place::{FilePlace, LogPlace};
use super::rotated::{Candidate, candidates, continuation};
use crate::source::door::DoorBatch;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file that was moved away is read on until nothing came for so long: servers go on writing to it until they are told to
/// open the new one, which logrotate does within seconds.
const QUIET: Duration = Duration::from_secs(60);

/// Files of one log that are open beside the one that is written to. More rotations than that within one absence are a site
/// whose files nobody can keep open; the oldest are given up, and that is said.
const OLDER_MAX: usize = 32;

#[derive(Debug)]
struct Older {
    file: OpenFile,
    /// When it was last written to, as it stood when it was found: the order in which files are read.
    written: i128,
    /// Since when nothing came.
    quiet_since: Instant,
}

/// A log by the path that it is written to.
#[derive(Debug)]
pub(super) struct FollowedLog {
    pub(super) path: PathBuf,
    /// Its number.
    pub(super) source: u32,
    line: u64,
    finished: LogPlace,
    older: Vec<Older>,
    live: Option<OpenFile>,
    /// Whether the last failure was told: a file that cannot be read fails at each look.
    is_failing: bool,
}

impl FollowedLog {
    /// A log of which nothing was read before.
    pub(super) fn new(path: &Path, source: u32, from_end: bool, events: &mut Vec<FollowEvent>) -> Self {
        let mut log = Self {
            path: path.to_owned(),
            source,
            line: 0,
            finished: LogPlace::default(),
            older: Vec::new(),
            live: None,
            is_failing: false,
        };
        log.open_live(events);
        if let Some(live) = log.live.as_mut().filter(|_| from_end)
            && let Err(error) = live.skip_to_end()
        {
            log.fail(&error, events);
        }
        log
    }

    /// A log where reading of it stood.
    pub(super) fn resume(
        path: &Path,
        source: u32,
        stood: &LogPlace,
        now: Instant,
        events: &mut Vec<FollowEvent>,
    ) -> Self {
        let mut log = Self {
            line: stood.line,
            finished: LogPlace {
                finished: stood.finished.clone(),
                ..LogPlace::default()
            },
            path: path.to_owned(),
            source,
            older: Vec::new(),
            live: None,
            is_failing: false,
        };
        let found = candidates(path);
        let newest = stood.files.iter().map(|place| place.modified).max();
        for place in &stood.files {
            // Of an empty file nothing was read, and its number on the disk may be another's by now.
            if place.head.is_empty() {
                continue;
            }
            let Some(candidate) = continuation(&found, place) else {
                events.push(FollowEvent::Gone {
                    log: path.to_owned(),
                    read: place.offset,
                });
                continue;
            };
            match OpenFile::at(&candidate.path, place) {
                Ok(file) if candidate.path == path => log.live = Some(file),
                Ok(file) => log.add_older(file, now, events),
                Err(error) => log.fail(&error, events),
            }
        }
        log.take_on_newer(&found, newest.unwrap_or(i128::MAX), None, (now, events));
        if log.live.is_none() {
            log.open_live(events);
        }
        log
    }

    /// Where it stands.
    pub(super) fn place(&self) -> LogPlace {
        let older = self.older.iter().map(|older| older.file.place);
        LogPlace {
            line: self.line,
            files: older.chain(self.live.as_ref().map(|live| live.place)).collect(),
            finished: self.finished.finished.clone(),
        }
    }

    /// Whether nothing of it is there any more and everything was read.
    pub(super) fn is_over(&self) -> bool {
        self.live.is_none() && self.older.is_empty()
    }

    /// Bytes that are known to wait.
    pub(super) fn behind(&self) -> u64 {
        let older: u64 = self.older.iter().map(|older| older.file.behind()).sum();
        older + self.live.as_ref().map_or(0, OpenFile::behind)
    }

    /// Whether another file is written to by now; then that one is followed as well.
    pub(super) fn look(&mut self, now: Instant, events: &mut Vec<FollowEvent>) {
        let Ok(metadata) = std::fs::metadata(&self.path) else {
            // While there is none, the one that was moved away is written to. One that was removed holds its disk's space
            // as long as it is open.
            if let Some(removed) = self.live.take_if(|live| live.is_removed()) {
                self.add_older(removed, now, events);
            }
            return;
        };
        let inode = Inode::of(&metadata);
        if self.live.as_ref().is_some_and(|live| live.place.inode == inode) {
            return;
        }
        if let Some(mut old) = self.live.take() {
            // Its last read: whatever was written to since and is not known may have been the log in between.
            let read = old.place.modified;
            if old.is_emptied() {
                self.find_copy(&mut old, now, events);
            }
            self.add_older(old, now, events);
            self.take_on_newer(&candidates(&self.path), read, None, (now, events));
        }
        self.open_live(events);
    }

    /// Takes lines until the batch is full or there are no more; whether there may be more.
    pub(super) fn take(
        &mut self,
        batch: &mut DoorBatch,
        now: Instant,
        events: &mut Vec<FollowEvent>,
    ) -> bool {
        while let Some(more) = self.take_older(batch, now, events) {
            if more {
                return true;
            }
        }
        let Some(mut live) = self.live.take() else {
            return false;
        };
        let mut step = Ok(Step::More);
        while !batch.is_full() && matches!(step, Ok(Step::More)) {
            step = live.take(batch, self.source, &mut self.line);
        }
        let has_more = matches!(step, Ok(Step::More | Step::Emptied));
        match step {
            Ok(Step::More) => {}
            Ok(Step::End) => self.is_failing = false,
            Ok(Step::Emptied) => self.find_copy(&mut live, now, events),
            Err(error) => self.fail(&error, events),
        }
        self.live = Some(live);
        has_more
    }

    /// Reads the files before the one that is written to, in their order; whether the batch is full, `None` when all were read.
    fn take_older(
        &mut self,
        batch: &mut DoorBatch,
        now: Instant,
        events: &mut Vec<FollowEvent>,
    ) -> Option<bool> {
        let mut at = 0;
        // What is emptied while it is looked for brings others along: the order is gone through anew.
        while let Some(older) = self.older.get_mut(at) {
            let offset = older.file.place.offset;
            let mut step = Ok(Step::More);
            while matches!(step, Ok(Step::More)) {
                if batch.is_full() {
                    return Some(true);
                }
                step = older.file.take(batch, self.source, &mut self.line);
            }
            if older.file.place.offset != offset {
                older.quiet_since = now;
            }
            if matches!(step, Ok(Step::Emptied)) {
                let mut emptied = self.older.remove(at);
                self.find_copy(&mut emptied.file, now, events);
                let place = self
                    .older
                    .partition_point(|older| older.written < emptied.written);
                self.older.insert(place, emptied);
                return Some(true);
            }
            let is_over = match &step {
                Ok(Step::End) => older.file.is_packed() || now.duration_since(older.quiet_since) >= QUIET,
                _ => true,
            };
            if !is_over {
                at += 1;
                continue;
            }
            let mut file = self.older.remove(at).file;
            let rest = match step {
                Ok(_) => file.take_rest(batch, self.source, &mut self.line),
                Err(error) => Err(error),
            };
            if let Err(error) = rest {
                events.push(FollowEvent::Failed {
                    path: file.path.clone(),
                    why: error.to_string(),
                });
            }
            self.finished.finish(file.place.head);
        }
        None
    }

    /// The file was copied away and emptied: what was not read yet stands in the copy. Of a file that was found empty, the
    /// first content is looked at in the same way: it may be the second.
    fn find_copy(&mut self, file: &mut OpenFile, now: Instant, events: &mut Vec<FollowEvent>) {
        let (stood, was_begun) = (file.place, file.is_begun);
        let mut found = candidates(&self.path);
        found.retain(|candidate| candidate.path != self.path && candidate.inode != stood.inode);
        if was_begun {
            let copy = continuation(&found, &stood).map(|copy| copy.path.clone());
            match copy.as_ref().map(|copy| OpenFile::at(copy, &stood)) {
                Some(Ok(copy)) => self.add_older(copy, now, events),
                Some(Err(error)) => self.fail(&error, events),
                None => self.finished.finish(stood.head),
            }
            events.push(FollowEvent::Emptied {
                log: self.path.clone(),
                read: stood.offset,
                copy,
            });
        }
        if let Err(error) = file.begin_anew() {
            self.fail(&error, events);
        }
        self.take_on_newer(&found, stood.modified, Some(&file.place), (now, events));
    }

    /// Takes on what was written after `newest` and moved away before anybody looked; `beside` is a file that is at hand.
    fn take_on_newer(
        &mut self,
        found: &[Candidate],
        newest: i128,
        beside: Option<&FilePlace>,
        (now, events): (Instant, &mut Vec<FollowEvent>),
    ) {
        for candidate in found {
            let is_same = |place: &FilePlace| {
                place.inode == candidate.inode
                    || continuation(std::slice::from_ref(candidate), place).is_some()
            };
            let is_known = self.older.iter().any(|older| is_same(&older.file.place))
                || self.live.as_ref().is_some_and(|live| is_same(&live.place))
                || beside.is_some_and(is_same)
                || candidate.is_finished(&self.finished.finished);
            if is_known || candidate.path == self.path || candidate.modified <= newest {
                continue;
            }
            match OpenFile::new(&candidate.path) {
                Ok(file) => self.add_older(file, now, events),
                Err(error) => self.fail(&error, events),
            }
        }
    }

    fn add_older(&mut self, file: OpenFile, now: Instant, events: &mut Vec<FollowEvent>) {
        if self.older.len() >= OLDER_MAX {
            let given_up = self.older.remove(0).file;
            self.finished.finish(given_up.place.head);
            events.push(FollowEvent::Failed {
                path: given_up.path,
                why: format!("more than {OLDER_MAX} files of one log are open: the oldest is not read on"),
            });
        }
        let written = file.written();
        let place = self.older.partition_point(|older| older.written <= written);
        self.older.insert(
            place,
            Older {
                file,
                written,
                quiet_since: now,
            },
        );
    }

    fn open_live(&mut self, events: &mut Vec<FollowEvent>) {
        match OpenFile::new(&self.path) {
            Ok(file) => self.live = Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.fail(&error, events),
        }
    }

    fn fail(&mut self, error: &std::io::Error, events: &mut Vec<FollowEvent>) {
        if !std::mem::replace(&mut self.is_failing, true) {
            events.push(FollowEvent::Failed {
                path: self.path.clone(),
                why: error.to_string(),
            });
        }
    }
}
