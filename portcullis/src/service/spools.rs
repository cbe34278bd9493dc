//! The spools of this process: where lines wait that were taken over from whoever sends them, each source's for itself, so
//! that none can fill another's.

use anyhow::Context as _;
use ingest::source::spool::{Spool, SpoolError, SpoolLine};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Sources that may have a spool: each may fill its share of the disk.
pub(crate) const SPOOLS_MAX: usize = 64;

/// Wakes the detect thread when a line may have come.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    is_told: Mutex<bool>,
    told: Condvar,
}

impl Wake {
    /// Wakes whoever waits, or whoever waits next.
    pub(crate) fn wake(&self) {
        *self.is_told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_one();
    }

    /// Waits until somebody wakes, at most that long.
    pub(crate) fn wait(&self, time: Duration) {
        let is_told = self.is_told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(is_told, time, |is_told| !*is_told);
        let (mut is_told, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *is_told = false;
    }
}

/// One source's spool, and what was not taken for want of room.
#[derive(Debug)]
pub(crate) struct Spooled {
    name: String,
    /// Where its lines wait.
    pub(crate) spool: Arc<Spool>,
    /// Lines that were dropped: nobody waits for a datagram.
    pub(crate) dropped: AtomicU64,
    /// Datagrams that the kernel dropped.
    pub(crate) dropped_by_kernel: AtomicU64,
    /// Whether what came last found no room, or a disk that failed.
    is_failing: AtomicBool,
}

/// Every spool, by the name of its source.
#[derive(Debug)]
pub(crate) struct Spools {
    folder: PathBuf,
    bytes_max: u64,
    wake: Arc<Wake>,
    open: Mutex<BTreeMap<String, Arc<Spooled>>>,
}

impl Spools {
    /// Opens what an earlier process left.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub(crate) fn open(folder: &Path, bytes_max: u64, wake: Arc<Wake>) -> anyhow::Result<Self> {
        let spools = Self {
            folder: folder.to_owned(),
            bytes_max,
            wake,
            open: Mutex::default(),
        };
        let read = || format!("could not open the spools in {}", folder.display());
        std::fs::create_dir_all(folder).with_context(read)?;
        for entry in std::fs::read_dir(folder).with_context(read)? {
            let name = entry.with_context(read)?.file_name();
            if let Some(name) = name.to_str().and_then(unescape) {
                spools.get(&name)?;
            }
        }
        Ok(spools)
    }

    /// The spool of a source, made when it is new.
    ///
    /// # Errors
    /// When there are too many, or the disk fails.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Spooled>, SpoolError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = open.get(name) {
            return Ok(Arc::clone(found));
        }
        let folder = self.folder.join(escape(name));
        if open.len() >= SPOOLS_MAX {
            return Err(SpoolError::Disk {
                path: folder,
                cause: std::io::Error::other(format!("there are {SPOOLS_MAX} spools already")),
            });
        }
        let made = Arc::new(Spooled {
            name: name.to_owned(),
            spool: Arc::new(Spool::open(&folder, self.bytes_max)?),
            dropped: AtomicU64::new(0),
            dropped_by_kernel: AtomicU64::new(0),
            is_failing: AtomicBool::new(false),
        });
        open.insert(name.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    /// Every spool.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Spooled>)> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter()
            .map(|(name, spool)| (name.clone(), Arc::clone(spool)))
            .collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes lines over for a source; returns when the disk has them. Blocks: not for a thread of the runtime.
    ///
    /// # Errors
    /// When there is no room, or the disk fails.
    pub(crate) fn append<'l>(
        &self,
        spooled: &Spooled,
        lines: impl Iterator<Item = SpoolLine<'l>> + Clone,
    ) -> Result<(), SpoolError> {
        let appended = spooled.spool.append(lines);
        spooled.tell(appended.as_ref().err());
        appended?;
        self.wake.wake();
        Ok(())
    }
}

impl Spooled {
    /// Says once that the spool takes nothing, and once that it does again: whoever sends waits, or loses datagrams.
    fn tell(&self, error: Option<&SpoolError>) {
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_failing => tracing::warn!(%error, "{} has to wait: {error}", self.name),
            None if was_failing => tracing::info!("{} is taken from again", self.name),
            _ => {}
        }
    }

    /// Lines that were not taken, by us and by the kernel.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.dropped_by_kernel.load(Ordering::Relaxed)
    }
}

/// A name as the name of a folder: everything but letters, digits, dots, dashes and underscores as `~` and two digits.
fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("~{byte:02x}"));
        }
    }
    out
}

/// The name of a folder that [`escape`] made.
fn unescape(folder: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(folder.len());
    let mut rest = folder;
    while let Some(at) = rest.find('~') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(rest.get(at + 1..at + 3)?, 16).ok()?);
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    let name = String::from_utf8(bytes).ok()?;
    (escape(&name) == folder).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources_are_names_of_folders_and_back() {
        for (name, folder) in [
            ("push:edge-1", "push~3aedge-1"),
            ("syslog:udp:[::1]:514", "syslog~3audp~3a~5b~3a~3a1~5d~3a514"),
        ] {
            assert_eq!(escape(name), folder);
            assert_eq!(unescape(folder).as_deref(), Some(name));
        }
        for wrong in ["a~3", "a~zz", "a~41", "~e9", "~é"] {
            assert_eq!(unescape(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spools_of_an_earlier_process_are_found_and_there_are_not_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let spools = Spools::open(folder.path(), 1000, Arc::default()).unwrap();
        let edge = spools.get("push:edge").unwrap();
        let line = SpoolLine::within(b"a line", 10);
        spools.append(&edge, std::iter::once(line)).unwrap();
        let again = Spools::open(folder.path(), 1000, Arc::default()).unwrap();
        let found = again.all();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0.as_str(), found[0].1.spool.bytes()), ("push:edge", 14));
        for number in 1..SPOOLS_MAX {
            again.get(&format!("push:{number}")).unwrap();
        }
        assert!(again.get("push:one-more").is_err());
        assert!(again.get("push:edge").is_ok());
    }
}
