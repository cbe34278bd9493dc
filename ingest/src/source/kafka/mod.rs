//! Lines from Kafka: one consumer of a group, its partitions, and what was missing.
//!
//! The driver owns the loop; the source never decides what is durable:
//!
//! ```text
//! loop {
//!     source.poll(&mut batch, wait)?;
//!     for line in batch.lines() { … }             // first the lines,
//!     for event in batch.events() {               // then what happened after them
//!         Assigned(p) => source.begin(&[(p, Beginning::Offset(checkpoint's offset) or Configured)])?
//!         Revoked(p)  => { write checkpoints; source.commit(offsets, Commit::Wait)?; source.release()? }
//!         Lost(p)     => { drop their state; source.release()? }
//!         Gap(gap)    => count it, raise an alarm
//!     }
//!     when a checkpoint is durable: source.commit(its offsets, Commit::Later)?
//! }
//! ```
//!
//! Invariants: nothing is committed but by `commit`; no offset beyond what was delivered can be committed; no
//! offset is missing without a [`Gap`]; no message is delivered twice between a `begin` and its `release`, other
//! than after `seek`.

mod batch;
mod carried;
mod consumer;
mod context;
mod counters;
mod dead_letter;
mod error;
mod event;
mod intake;
mod otlp;
mod partitions;
mod placing;
mod records;
mod replay;
mod settings;
mod split;
#[cfg(test)]
mod tests;
mod token;

pub use batch::{
    BATCH_BYTES_MAX, BATCH_LINES_MAX, BATCH_MESSAGES_MAX, BrokerTime, KafkaBatch, KafkaLine, KafkaMessage,
    KafkaRejection, REJECTED_BYTES_KEPT,
};
pub use carried::{CARRIED_BYTES_MAX, Carried, GATEWAY_BYTES_MAX, GATEWAYS_MAX, HEADERS_MAX, OTHER_GATEWAY};
pub use consumer::{Beginning, Commit, KafkaSource, Lag};
pub use counters::KafkaCounters;
pub use dead_letter::{
    DEAD_LETTER_BYTES_MAX, DeadLetterCounters, DeadLetterOrigin, DeadLetters, ORIGINAL_PREFIX,
};
pub use error::KafkaSourceError;
pub use event::KafkaEvent;
pub use otlp::{OTLP_BYTES_MAX, otlp_records};
pub use partitions::{Gap, GapCause, Partition};
pub use records::only_record;
pub use replay::{ReplayPartition, ReplaySpan, replay};
pub use settings::{
    FETCH_QUEUE_BACKOFF_MS, FirstStart, KafkaConnection, KafkaPassword, KafkaSasl, KafkaSettings, KafkaTls,
    LostOffset, QUEUE_KBYTES, SaslMechanism, TopicRule, TopicSelector,
};
pub use split::{
    LINES_PER_MESSAGE_MAX, MessageShape, PAYLOAD_BYTES_MAX, SplitFault, SplitLimits, SplitRejection,
    split_payload,
};
pub use token::{KafkaToken, TokenSource, Tokens};
