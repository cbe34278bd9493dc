//! What a checkpoint of the detect role holds: the detector's state, and the places of its sources that it stands for.
//!
//! One object, so that windows, population, policy memory and places can never disagree.

use super::minutes::Minutes;
use crate::alarm::Learned;
use ingest::source::follow::LogPlace;
use ingest::source::spool::SpoolPlace;
use serde::{Deserialize, Serialize, Serializer};

/// Version of this form. The detector's part carries a version of its own. Version 1 knew partitions only, version 2
/// nothing of what is usual of sources.
const VERSION: u32 = 3;

/// Name under which checkpoints of the detect role are saved.
pub(super) const NAME: &str = "detect";

/// Where one partition stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartitionPlace {
    /// Topic.
    pub(super) topic: String,
    /// Number within the topic.
    pub(super) partition: i32,
    /// The next offset to read; `None` for a partition of which nothing was read yet.
    pub(super) next: Option<u64>,
}

/// Where one source stands. New kinds come at the end: a kind is its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    /// A partition of a topic.
    Partition(PartitionPlace),
    /// A log, by its path.
    Log(String, LogPlace),
    /// A spool, by its name.
    Spool(String, SpoolPlace),
}

/// Everything that is needed to go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// Sources by their number: the detector keeps a watermark for each number.
    pub(super) sources: Vec<Place>,
    /// Newest order that the detector has heard of.
    pub(super) orders_seq: u64,
    /// Figures of minutes that can still change.
    pub(super) minutes: Minutes,
    /// The detector's state.
    #[serde(serialize_with = "as_bytes")]
    pub(super) detector: Vec<u8>,
    /// What is usual of the sources, by which alarms are judged.
    pub(super) usual: Learned,
    /// When less than everything was done: from, to, and the step of the effort.
    pub(super) efforts: Vec<(i64, i64, u8)>,
}

/// Writes a list of bytes at once. It reads as one that was written byte by byte, which took as long as to make it.
fn as_bytes<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

/// Bytes that everything beside the detector's state takes, mostly: a hint, so that the largest part is not copied.
const ROOM_BESIDE: usize = 64 * 1024;

/// As version 2 has it.
#[derive(Debug, Deserialize)]
struct WithoutUsual {
    sources: Vec<Place>,
    orders_seq: u64,
    minutes: Minutes,
    detector: Vec<u8>,
}

/// As version 1 has it.
#[derive(Debug, Deserialize)]
struct PartitionsOnly {
    partitions: Vec<PartitionPlace>,
    orders_seq: u64,
    minutes: Minutes,
    detector: Vec<u8>,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckpointError {
    /// A newer binary wrote it.
    #[error(
        "the checkpoint has version {0}, and this portcullis knows versions up to {VERSION}: run the newer portcullis that wrote it"
    )]
    Newer(u32),
    /// Its bytes are not what they should be.
    #[error("could not read the checkpoint: {0}")]
    Damaged(String),
}

impl Checkpoint {
    /// Its bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.detector.len() + ROOM_BESIDE);
        bytes.extend(VERSION.to_le_bytes());
        // Plain structures of ours: serialising them to memory cannot fail.
        postcard::to_extend(self, bytes).unwrap_or_default()
    }

    /// Reads it back.
    ///
    /// # Errors
    /// When it is newer than this binary, or damaged.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let damaged = |why: &str| CheckpointError::Damaged(why.to_owned());
        let (version, rest) = bytes.split_first_chunk().ok_or_else(|| damaged("it is empty"))?;
        let version = u32::from_le_bytes(*version);
        if version > VERSION {
            return Err(CheckpointError::Newer(version));
        }
        let read = match version {
            1 => postcard::from_bytes::<PartitionsOnly>(rest).map(Self::from),
            2 => postcard::from_bytes::<WithoutUsual>(rest).map(Self::from),
            _ => postcard::from_bytes(rest),
        };
        read.map_err(|error| damaged(&error.to_string()))
    }
}

impl From<PartitionsOnly> for Checkpoint {
    fn from(old: PartitionsOnly) -> Self {
        Self {
            sources: old.partitions.into_iter().map(Place::Partition).collect(),
            orders_seq: old.orders_seq,
            minutes: old.minutes,
            detector: old.detector,
            usual: Learned::default(),
            efforts: Vec::new(),
        }
    }
}

impl From<WithoutUsual> for Checkpoint {
    fn from(old: WithoutUsual) -> Self {
        Self {
            sources: old.sources,
            orders_seq: old.orders_seq,
            minutes: old.minutes,
            detector: old.detector,
            usual: Learned::default(),
            efforts: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> PartitionPlace {
        PartitionPlace {
            topic: "access".to_owned(),
            partition: 3,
            next: Some(7),
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_a_newer_one_is_refused_by_its_version() {
        let log = LogPlace {
            line: 12,
            ..LogPlace::default()
        };
        let checkpoint = Checkpoint {
            sources: vec![
                Place::Partition(partition()),
                Place::Log("/var/log/a.log".to_owned(), log),
                Place::Spool("push:edge".to_owned(), SpoolPlace::default()),
            ],
            orders_seq: 9,
            minutes: Minutes::default(),
            detector: vec![1, 2, 3],
            usual: Learned::default(),
            efforts: vec![(1, 2, 1)],
        };
        let mut bytes = checkpoint.write();
        let read = Checkpoint::read(&bytes).unwrap();
        assert_eq!(read.sources, checkpoint.sources);
        assert_eq!((read.orders_seq, read.detector), (9, vec![1, 2, 3]));
        assert_eq!(read.efforts, [(1, 2, 1)]);
        bytes[0] = 4;
        let error = Checkpoint::read(&bytes).unwrap_err().to_string();
        assert!(error.contains("version 4"), "{error}");
        assert!(Checkpoint::read(&bytes[..3]).is_err());
        assert!(Checkpoint::read(&[2, 0, 0, 0, 255]).is_err());
    }

    #[test]
    fn a_checkpoint_of_partitions_only_is_read() {
        #[derive(Serialize)]
        struct Old {
            partitions: Vec<PartitionPlace>,
            orders_seq: u64,
            minutes: Minutes,
            detector: Vec<u8>,
        }
        let old = Old {
            partitions: vec![partition()],
            orders_seq: 4,
            minutes: Minutes::default(),
            detector: vec![8],
        };
        let mut bytes = 1u32.to_le_bytes().to_vec();
        bytes.extend(postcard::to_stdvec(&old).unwrap());
        let read = Checkpoint::read(&bytes).unwrap();
        assert_eq!(read.sources, [Place::Partition(partition())]);
        assert_eq!((read.orders_seq, read.detector), (4, vec![8]));
    }

    #[test]
    fn a_checkpoint_without_what_is_usual_is_read() {
        #[derive(Serialize)]
        struct Old {
            sources: Vec<Place>,
            orders_seq: u64,
            minutes: Minutes,
            detector: Vec<u8>,
        }
        let old = Old {
            sources: vec![Place::Partition(partition())],
            orders_seq: 4,
            minutes: Minutes::default(),
            detector: vec![8],
        };
        let mut bytes = 2u32.to_le_bytes().to_vec();
        bytes.extend(postcard::to_stdvec(&old).unwrap());
        let read = Checkpoint::read(&bytes).unwrap();
        assert_eq!(
            (read.orders_seq, read.detector, read.usual),
            (4, vec![8], Learned::default())
        );
    }
}
