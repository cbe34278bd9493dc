//! What happens besides lines.

use super::Gap;

/// Something the driver must answer, count or show. Events of a batch come after its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaEvent {
    /// The group gave us these partitions: load their checkpoints, then call `begin`. Nothing is read before.
    Assigned(Vec<u32>),
    /// The group takes these partitions back: make their checkpoints durable, commit, then call `release`.
    Revoked(Vec<u32>),
    /// These partitions are gone already (we were silent for too long) and may have a new owner: drop their state
    /// without writing a checkpoint, then call `release`.
    Lost(Vec<u32>),
    /// Offsets are missing.
    Gap(Gap),
    /// The client library reports trouble with a broker. It goes on trying by itself.
    BrokerTrouble(String),
    /// A commit that was not waited for did not succeed.
    CommitFailed(String),
}
