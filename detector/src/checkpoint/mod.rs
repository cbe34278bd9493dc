//! Checkpoints: everything the detector knows, as bytes with a version of their own.
//!
//! Saving changes nothing, not even the open tick: a detector that was saved in the middle of one and restored goes on
//! to say exactly what it would have said. Equal states give equal bytes. The bytes are sealed with the key, so that
//! damaged and foreign ones are refused before anything in them is believed; what is inside is checked all the same.
//!
//! Layout: magic, version, fingerprint of features and threats, fingerprint of the key, largest number of clients,
//! length, seal; then in the form of postcard the head, the memory and the 256 shards. The forms are this module's own
//! but for plain counters (`Window`, `Population`, `Watermarks`, `Guard`, `PolicySettings`); a change of either is a new
//! version, and a test notices.

mod error;
mod form;
mod head;
mod held;
mod memory;
mod rule;
mod shard;
#[cfg(test)]
mod tests;

pub use error::CheckpointError;

use crate::detector::{Detector, Settings};
use crate::feature::FEATURES;
use crate::limits::SHARDS;
use crate::orders::Allowances;
use crate::score::Scorer;
use crate::threat::THREATS;
use domain::HashKey;
use head::HeadForm;
use memory::MemoryForm;
use serde::{Deserialize, Serialize};
use shard::ShardForm;

/// Version of the layout. An older binary refuses it; what was saved before it is of no use here.
pub const CHECKPOINT_VERSION: u16 = 13;

const MAGIC: [u8; 8] = *b"PORTDTCT";

/// Bytes before the body.
const HEADER_BYTES: usize = 8 + 2 + 8 * 5;

/// What stands before the body, the seal apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    version: u16,
    /// Of features and threats.
    schema: u64,
    key: u64,
    clients_max: u64,
    body_bytes: u64,
}

impl<S: Scorer> Detector<S> {
    /// Writes down everything that the detector knows. Settings are not in it, but for what people ordered.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        append(&HeadForm::of(self), &mut bytes);
        append(&MemoryForm::of(&self.memory), &mut bytes);
        for shard in &self.shards {
            append(&ShardForm::of(shard), &mut bytes);
        }
        let header = Header {
            version: CHECKPOINT_VERSION,
            schema: schema(),
            key: key_fingerprint(&self.settings.hash_key),
            clients_max: self.settings.clients_max as u64,
            body_bytes: (bytes.len() - HEADER_BYTES) as u64,
        };
        let head = header.to_bytes();
        let seal = seal(&self.settings.hash_key, &head, &bytes[HEADER_BYTES..]);
        bytes[..head.len()].copy_from_slice(&head);
        bytes[head.len()..HEADER_BYTES].copy_from_slice(&seal.to_le_bytes());
        bytes
    }

    /// Makes the detector that was saved. `settings` are the present ones: thresholds and allowlist may differ from
    /// those under which it was saved, the key and the largest number of clients may not.
    ///
    /// # Errors
    /// [`CheckpointError`]; [`CheckpointError::starts_anew`] tells whether an empty detector is the way on.
    pub fn restore(bytes: &[u8], settings: Settings, scorer: S) -> Result<Self, CheckpointError> {
        let body = open(bytes, &settings)?;
        let (head, rest) = take::<HeadForm>(body, "head")?;
        let (memory, mut rest) = take::<MemoryForm>(rest, "memory")?;
        let mut detector = Self::new(settings, scorer);
        for shard in &mut detector.shards {
            let (form, after) = take::<ShardForm<'_>>(rest, "shard")?;
            form.fill(shard)?;
            rest = after;
        }
        if !rest.is_empty() {
            return Err(CheckpointError::Damaged("bytes after the last shard"));
        }
        detector.memory = memory.into_memory()?;
        let Self { settings, .. } = &detector;
        let (ordered, forgotten) = head.allows()?;
        detector.allowances = Allowances::new(settings.allowlist.clone(), ordered, forgotten);
        head.fill(&mut detector)?;
        debug_assert_eq!(detector.shards.len(), SHARDS);
        Ok(detector)
    }
}

/// Checks everything before the body, and the seal; gives the body.
fn open<'a>(bytes: &'a [u8], settings: &Settings) -> Result<&'a [u8], CheckpointError> {
    let damaged = CheckpointError::Damaged;
    let (head, body) = bytes
        .split_at_checked(HEADER_BYTES)
        .ok_or(damaged("fewer bytes than a header"))?;
    let header = Header::from_bytes(head).ok_or(damaged("no header"))?;
    if header.version > CHECKPOINT_VERSION {
        return Err(CheckpointError::Newer {
            found: header.version,
            known: CHECKPOINT_VERSION,
        });
    }
    if header.version == 0 {
        return Err(damaged("version 0"));
    }
    if header.version < CHECKPOINT_VERSION {
        return Err(CheckpointError::Older {
            found: header.version,
            known: CHECKPOINT_VERSION,
        });
    }
    if header.body_bytes != body.len() as u64 {
        return Err(damaged("another length than its header says"));
    }
    if header.key != key_fingerprint(&settings.hash_key) {
        return Err(CheckpointError::Settings {
            setting: "hash_key",
            saved: format!("{:016x}", header.key),
            present: format!("{:016x}", key_fingerprint(&settings.hash_key)),
        });
    }
    let (head, sealed) = head.split_at(HEADER_BYTES - 8);
    if seal(&settings.hash_key, head, body).to_le_bytes() != sealed {
        return Err(damaged("the seal does not fit"));
    }
    if header.clients_max != settings.clients_max as u64 {
        return Err(CheckpointError::Settings {
            setting: "clients_max",
            saved: header.clients_max.to_string(),
            present: settings.clients_max.to_string(),
        });
    }
    if header.schema != schema() {
        return Err(CheckpointError::Features);
    }
    Ok(body)
}

impl Header {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.version.to_le_bytes());
        for number in [self.schema, self.key, self.clients_max, self.body_bytes] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let mut numbers = [0; 4];
        for (number, bytes) in numbers.iter_mut().zip(rest.chunks_exact(8)) {
            *number = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        let [schema, key, clients_max, body_bytes] = numbers;
        Some(Self {
            version: u16::from_le_bytes(*version),
            schema,
            key,
            clients_max,
            body_bytes,
        })
    }
}

/// Fingerprint of the features and threats, and of their order: rows and claims in a checkpoint are numbered by them.
fn schema() -> u64 {
    let features: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    let threats: Vec<&str> = THREATS.iter().map(|threat| threat.kind.as_str()).collect();
    HashKey::new(*b"checkpoint names").hash(&(features, threats))
}

/// Tells keys apart and tells nothing about them.
fn key_fingerprint(key: &HashKey) -> u64 {
    key.hash("checkpoint key")
}

fn seal(key: &HashKey, head: &[u8], body: &[u8]) -> u64 {
    key.hash(&("checkpoint seal", head, body))
}

fn append<T: Serialize>(form: &T, bytes: &mut Vec<u8>) {
    // Writing to memory cannot fail, and every sequence of the forms knows its length.
    postcard::to_io(form, bytes).expect("every form has a length known beforehand: they hold vectors only");
}

fn take<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    what: &'static str,
) -> Result<(T, &'a [u8]), CheckpointError> {
    postcard::take_from_bytes(bytes).map_err(|_| CheckpointError::Damaged(what))
}
