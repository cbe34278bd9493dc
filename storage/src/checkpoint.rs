//! Checkpoints: what a process must know to go on where it stopped, as one atomic object per save.
//!
//! An object is written whole or not at all (a temporary file that is flushed and renamed, or one PUT), under a key
//! that holds its generation. The last two are kept: should the newest be damaged, the one before it is loaded, and
//! the input between them is read again.

use crate::Error;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::path::Path;
use std::sync::Arc;

/// Version of the envelope around a checkpoint's bytes. The bytes carry a version of their own.
pub const CHECKPOINT_VERSION: u32 = 1;

/// Checkpoints of a name that are kept: the newest, and one to fall back to.
pub const CHECKPOINTS_KEPT: usize = 2;

/// Largest checkpoint, in bytes. Windows of a partition take some hundred megabytes at their caps.
pub const CHECKPOINT_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;

/// Longest name, in bytes: it becomes a folder's name.
const NAME_BYTES_MAX: usize = 100;

const MAGIC: &[u8; 8] = b"PORTCKPT";
/// Magic, version, generation, length, checksum.
const HEADER_BYTES: usize = 8 + 4 + 8 + 8 + 32;

/// What was saved last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Grows with every save.
    pub generation: u64,
    /// What the caller saved.
    pub bytes: Vec<u8>,
}

/// A place for checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    objects: Arc<dyn ObjectStore>,
}

impl CheckpointStore {
    /// Keeps checkpoints in a local folder, which is made if it is not there. Every save is flushed to the disk:
    /// the offset that is committed after it must never be ahead of it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the folder cannot be made or opened.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let doing = "open the checkpoint folder";
        let unavailable = |why: String| Error::Unavailable { doing, why };
        std::fs::create_dir_all(folder)
            .map_err(|error| unavailable(format!("{}: {error}", folder.display())))?;
        let local =
            LocalFileSystem::new_with_prefix(folder).map_err(|error| unavailable(error.to_string()))?;
        Ok(Self::over(Arc::new(local.with_fsync(true))))
    }

    /// Removes the half files of savers that were killed, which nobody reads and no later save drops, and says how many
    /// there were. Call it only while no other process uses the folder.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the folder cannot be read or a file cannot be removed.
    pub fn drop_unfinished(folder: &Path) -> Result<usize, Error> {
        let doing = "drop unfinished checkpoints";
        let unavailable = |error: std::io::Error| Error::Unavailable {
            doing,
            why: format!("{}: {error}", folder.display()),
        };
        let mut dropped = 0;
        for name in std::fs::read_dir(folder).map_err(unavailable)? {
            let name = name.map_err(unavailable)?.path();
            if !name.is_dir() {
                continue;
            }
            for file in std::fs::read_dir(name).map_err(unavailable)? {
                let file = file.map_err(unavailable)?;
                if file.file_name().to_string_lossy().contains(UNFINISHED) {
                    std::fs::remove_file(file.path()).map_err(unavailable)?;
                    dropped += 1;
                }
            }
        }
        Ok(dropped)
    }

    /// Keeps checkpoints in any object store. It must put objects atomically, as S3 does.
    #[must_use]
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects }
    }

    /// Saves a checkpoint and drops those that are no longer needed.
    ///
    /// `name` has letters, digits, `-`, `_` and `.` only. `generation` must be above every one that is there.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Unavailable`], which leave the earlier checkpoints as they were, and
    /// [`Error::Refused`] for a bad name, a generation that does not grow, or too many bytes.
    pub async fn save(&self, name: &str, generation: u64, bytes: &[u8]) -> Result<(), Error> {
        let doing = "save a checkpoint";
        check_name(doing, name)?;
        let refused = |why: String| Err(Error::Refused { doing, why });
        if bytes.len() > CHECKPOINT_BYTES_MAX {
            return refused(format!(
                "it has {} bytes, at most {CHECKPOINT_BYTES_MAX} are kept",
                bytes.len()
            ));
        }
        let earlier = self.generations(doing, name).await?;
        if earlier.first().is_some_and(|newest| *newest >= generation) {
            return refused(format!("generation {generation} is not above {}", earlier[0]));
        }
        let payload = PutPayload::from(seal(generation, bytes));
        self.objects
            .put(&key(name, generation), payload)
            .await
            .map_err(|error| failed(doing, error))?;
        for old in earlier.into_iter().skip(CHECKPOINTS_KEPT - 1) {
            // The save has succeeded; what could not be dropped now is dropped by a later one.
            if let Err(error) = self.objects.delete(&key(name, old)).await {
                tracing::warn!(checkpoint.name = name, generation = old, %error, "could not drop an old checkpoint");
            }
        }
        Ok(())
    }

    /// Loads the newest checkpoint that is whole; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::NewerVersion`] when a newer binary saved it, [`Error::Corrupt`] when there are checkpoints and every
    /// one is damaged: starting anew in silence would forget who is being watched.
    pub async fn load_latest(&self, name: &str) -> Result<Option<Checkpoint>, Error> {
        let doing = "load a checkpoint";
        check_name(doing, name)?;
        let mut damaged = None;
        for generation in self.generations(doing, name).await? {
            let sealed = match self.objects.get(&key(name, generation)).await {
                Ok(found) => found.bytes().await.map_err(|error| failed(doing, error))?,
                Err(object_store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(failed(doing, error)),
            };
            match open(name, generation, &sealed) {
                Ok(bytes) => return Ok(Some(Checkpoint { generation, bytes })),
                Err(error @ Error::NewerVersion { .. }) => return Err(error),
                Err(error) => {
                    tracing::warn!(checkpoint.name = name, generation, %error, "a damaged checkpoint is passed over");
                    damaged.get_or_insert(error);
                }
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    /// The generations that are there, newest first.
    async fn generations(&self, doing: &'static str, name: &str) -> Result<Vec<u64>, Error> {
        let folder = Key::from(name);
        let found: Vec<_> = self
            .objects
            .list(Some(&folder))
            .try_collect()
            .await
            .map_err(|error| failed(doing, error))?;
        let mut generations: Vec<u64> = found
            .iter()
            .filter_map(|object| object.location.filename()?.strip_suffix(SUFFIX)?.parse().ok())
            .collect();
        generations.sort_unstable_by(|left, right| right.cmp(left));
        Ok(generations)
    }
}

const SUFFIX: &str = ".checkpoint";

/// What the name of a file has that is being written: `object_store` adds `#` and a number until it is whole.
const UNFINISHED: &str = ".checkpoint#";

fn key(name: &str, generation: u64) -> Key {
    // Twenty digits hold every u64, so that a listing is in order for people too.
    Key::from_iter([name.to_owned(), format!("{generation:020}{SUFFIX}")])
}

fn check_name(doing: &'static str, name: &str) -> Result<(), Error> {
    let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    let is_good = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.starts_with('.')
        && name.bytes().all(is_plain);
    if is_good {
        return Ok(());
    }
    Err(Error::Refused {
        doing,
        why: format!(
            "the name {name:?} has something else than letters, digits, '-', '_' and '.', or more than {NAME_BYTES_MAX} bytes"
        ),
    })
}

fn seal(generation: u64, bytes: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER_BYTES + bytes.len());
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&CHECKPOINT_VERSION.to_le_bytes());
    sealed.extend_from_slice(&generation.to_le_bytes());
    sealed.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let checksum = checksum(&sealed, bytes);
    sealed.extend_from_slice(&checksum);
    sealed.extend_from_slice(bytes);
    sealed
}

fn checksum(header: &[u8], bytes: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(header)
        .update(bytes)
        .finalize()
        .as_bytes()
}

/// Takes the envelope off, having checked it.
fn open(name: &str, generation: u64, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let what = || format!("checkpoint {name} of generation {generation}");
    let corrupt = |why: &str| Error::Corrupt {
        what: what(),
        why: why.to_owned(),
    };
    let (head, rest) = sealed
        .split_at_checked(12)
        .ok_or_else(|| corrupt("it is cut off"))?;
    if &head[..8] != MAGIC {
        return Err(corrupt("it does not begin as a checkpoint does"));
    }
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if version > CHECKPOINT_VERSION {
        return Err(Error::NewerVersion {
            what: what(),
            found: i64::from(version),
            supported: i64::from(CHECKPOINT_VERSION),
        });
    }
    if rest.len() < HEADER_BYTES - 12 {
        return Err(corrupt("it is cut off"));
    }
    let (header, tail) = sealed.split_at(HEADER_BYTES - 32);
    let (stored, bytes) = tail.split_at(32);
    let mut length = [0u8; 8];
    length.copy_from_slice(&header[20..28]);
    if u64::from_le_bytes(length) != bytes.len() as u64 {
        return Err(corrupt("it is cut off"));
    }
    if header[12..20] != generation.to_le_bytes() {
        return Err(corrupt("it is of another generation than its key says"));
    }
    if checksum(header, bytes) != *stored {
        return Err(corrupt("its checksum does not fit"));
    }
    Ok(bytes.to_vec())
}

fn failed(doing: &'static str, error: object_store::Error) -> Error {
    let why = error.to_string();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            )
        {
            return Error::Full { doing, why };
        }
        source = cause.source();
    }
    Error::Unavailable { doing, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open_one() -> (CheckpointStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (CheckpointStore::in_folder(folder.path()).unwrap(), folder)
    }

    fn files(folder: &tempfile::TempDir, name: &str) -> Vec<std::path::PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(folder.path().join(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    #[tokio::test]
    async fn the_newest_checkpoint_is_loaded_and_two_are_kept() {
        let (store, folder) = open_one();
        assert_eq!(store.load_latest("part-0").await.unwrap(), None);
        for generation in [1, 5, 9, 10, 100] {
            store
                .save("part-0", generation, format!("state {generation}").as_bytes())
                .await
                .unwrap();
        }
        store.save("part-1", 1, b"other").await.unwrap();
        let loaded = store.load_latest("part-0").await.unwrap().unwrap();
        assert_eq!(
            (loaded.generation, loaded.bytes.as_slice()),
            (100, &b"state 100"[..])
        );
        assert_eq!(files(&folder, "part-0").len(), CHECKPOINTS_KEPT);
        let error = store.save("part-0", 100, b"again").await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_a_killed_saver_left_is_dropped_and_nothing_else() {
        let (store, folder) = open_one();
        store.save("p", 1, b"one").await.unwrap();
        std::fs::write(folder.path().join("lock"), b"").unwrap();
        let mut half = files(&folder, "p")[0].clone().into_os_string();
        half.push("#1");
        std::fs::write(&half, b"PORT").unwrap();
        assert_eq!(CheckpointStore::drop_unfinished(folder.path()).unwrap(), 1);
        assert_eq!(files(&folder, "p").len(), 1);
        assert_eq!(store.load_latest("p").await.unwrap().unwrap().generation, 1);
        assert_eq!(CheckpointStore::drop_unfinished(folder.path()).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_damaged_newest_checkpoint_falls_back_to_the_one_before() {
        let (store, folder) = open_one();
        store.save("p", 1, b"one").await.unwrap();
        store.save("p", 2, b"two").await.unwrap();
        let newest = files(&folder, "p").pop().unwrap();
        let mut bytes = std::fs::read(&newest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&newest, bytes).unwrap();
        assert_eq!(store.load_latest("p").await.unwrap().unwrap().generation, 1);
        store.save("p", 3, b"three").await.unwrap();
        assert_eq!(store.load_latest("p").await.unwrap().unwrap().generation, 3);
    }

    #[tokio::test]
    async fn only_damaged_checkpoints_are_an_error_and_not_a_fresh_start() {
        let (store, folder) = open_one();
        store.save("p", 1, b"one").await.unwrap();
        std::fs::write(&files(&folder, "p")[0], b"").unwrap();
        let error = store.load_latest("p").await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_checkpoint_of_a_newer_binary_is_refused_by_name_and_version() {
        let (store, folder) = open_one();
        store.save("p", 1, b"one").await.unwrap();
        let file = files(&folder, "p").remove(0);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[8] = 9;
        std::fs::write(&file, bytes).unwrap();
        let error = store.load_latest("p").await.unwrap_err().to_string();
        assert!(
            error.contains("checkpoint p of generation 1 has version 9"),
            "{error}"
        );
        assert!(error.contains("up to 1"), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_would_leave_the_folder_is_refused() {
        let (store, _folder) = open_one();
        for name in ["", "..", "../x", "a/b", ".hidden", "ü", &"x".repeat(101)] {
            let error = store.save(name, 1, b"x").await.unwrap_err();
            assert!(matches!(error, Error::Refused { .. }), "{name}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_damaged_is_noticed(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            flip in 1..=255u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let sealed = seal(7, &bytes);
            prop_assert_eq!(&open("p", 7, &sealed).unwrap(), &bytes);
            let mut damaged = sealed.clone();
            damaged[place.index(sealed.len())] ^= flip;
            prop_assert!(open("p", 7, &damaged).is_err());
            prop_assert!(open("p", 7, &sealed[..cut.index(sealed.len())]).is_err());
            prop_assert!(open("p", 8, &sealed).is_err());
        }
    }
}
