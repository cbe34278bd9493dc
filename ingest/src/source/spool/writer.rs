//! The writing end.

use super::record::{self, SpoolLine};
use super::{SEGMENT_BYTES, file_of, segments};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why lines were not taken.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There is no room until what is there was read.
    #[error("the spool is full: {0} bytes wait to be read")]
    Full(u64),
    /// The disk does not do what it should.
    #[error("could not write to the spool {}: {cause}", path.display())]
    Disk {
        /// The spool's folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Everything up to here: bytes of a segment and all segments before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Mark {
    pub(super) segment: u64,
    pub(super) bytes: u64,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    /// Written, and not necessarily on the disk.
    written: Mark,
    /// On the disk.
    durable: Mark,
    /// Bytes of all segments.
    total: u64,
    /// Whether the segment failed and is not written to any more.
    is_broken: bool,
    /// What the disk had of the last segment that failed. Whoever waits for more of it waits in vain.
    failed: Option<Mark>,
}

impl State {
    fn fail(&mut self) {
        self.is_broken = true;
        self.failed = Some(self.durable);
    }
}

/// A spool: the writing end, shared by whoever takes lines over.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    state: Mutex<State>,
    /// Held by whoever waits for the disk; the others wait for him, and need not wait again.
    syncing: Mutex<()>,
}

impl Spool {
    /// Opens a spool, with a new segment behind those that are there.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn open(folder: &Path, bytes_max: u64) -> Result<Self, SpoolError> {
        let open = || {
            std::fs::create_dir_all(folder)?;
            let known = segments(folder)?;
            let segment = known.last().map_or(0, |(last, _)| last + 1);
            let file = begin_segment(folder, segment)?;
            let mark = Mark { segment, bytes: 0 };
            Ok(State {
                file: Arc::new(file),
                written: mark,
                durable: mark,
                total: known.iter().map(|(_, bytes)| bytes).sum(),
                is_broken: false,
                failed: None,
            })
        };
        let state = open().map_err(|cause| disk(folder, cause))?;
        Ok(Self {
            folder: folder.to_owned(),
            bytes_max,
            state: Mutex::new(state),
            syncing: Mutex::new(()),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes lines over, all or none, and returns when the disk has them.
    ///
    /// # Errors
    /// When there is no room, or the disk fails: the lines are not taken, though after a failure of the disk some may be read.
    pub fn append<'l>(&self, lines: impl Iterator<Item = SpoolLine<'l>> + Clone) -> Result<(), SpoolError> {
        let mark = self.write(lines)?;
        self.sync(mark)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.state().total
    }

    /// Whether more lines would be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state().total >= self.bytes_max
    }

    /// Most bytes of all segments.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// What may be read.
    pub(super) fn durable(&self) -> Mark {
        self.state().durable
    }

    /// Forgets bytes of segments that are gone.
    pub(super) fn forget(&self, bytes: u64) {
        let mut state = self.state();
        state.total = state.total.saturating_sub(bytes);
    }

    fn write<'l>(&self, lines: impl Iterator<Item = SpoolLine<'l>> + Clone) -> Result<Mark, SpoolError> {
        let size = lines.clone().map(|line| line.size()).sum();
        let mut bytes = Vec::with_capacity(size);
        lines.for_each(|line| record::write(line, &mut bytes));
        let mut state = self.state();
        if state.total + size as u64 > self.bytes_max {
            return Err(SpoolError::Full(state.total));
        }
        let written = self.write_to(&mut state, &bytes);
        if written.is_err() {
            state.fail();
        }
        written.map_err(|cause| disk(&self.folder, cause))?;
        Ok(state.written)
    }

    fn write_to(&self, state: &mut State, bytes: &[u8]) -> io::Result<()> {
        if state.is_broken || state.written.bytes >= SEGMENT_BYTES {
            // What was written is on the disk before anything behind it is: the reader goes on with the next segment.
            if !state.is_broken {
                state.file.sync_data()?;
            }
            let segment = state.written.segment + 1;
            state.file = Arc::new(begin_segment(&self.folder, segment)?);
            state.written = Mark { segment, bytes: 0 };
            state.durable = state.written;
            state.is_broken = false;
        }
        (&*state.file).write_all(bytes)?;
        state.written.bytes += bytes.len() as u64;
        state.total += bytes.len() as u64;
        Ok(())
    }

    /// Returns when the disk has everything up to the mark.
    fn sync(&self, mark: Mark) -> Result<(), SpoolError> {
        let _first = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, written) = {
            let state = self.state();
            if state
                .failed
                .is_some_and(|had| had.segment == mark.segment && had < mark)
            {
                return Err(disk(
                    &self.folder,
                    io::Error::other("the disk failed while it was written"),
                ));
            }
            if state.durable >= mark {
                return Ok(());
            }
            (Arc::clone(&state.file), state.written)
        };
        // Others write meanwhile, and wait for the next round.
        let synced = file.sync_data();
        let mut state = self.state();
        match synced {
            Ok(()) => {
                state.durable = state.durable.max(written);
                Ok(())
            }
            Err(cause) => {
                // Nobody knows what the disk has of this segment: it is not written to any more.
                state.fail();
                Err(disk(&self.folder, cause))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the file of a segment, and its name durable.
fn begin_segment(folder: &Path, segment: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(file_of(folder, segment))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn disk(folder: &Path, cause: io::Error) -> SpoolError {
    SpoolError::Disk {
        path: folder.to_owned(),
        cause,
    }
}
