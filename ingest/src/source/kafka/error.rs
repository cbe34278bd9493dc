//! What can go wrong between us and the brokers.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// A request to the brokers, or to the source itself, failed.
#[derive(Debug, thiserror::Error)]
pub enum KafkaSourceError {
    /// The settings were refused by the client library.
    #[error("could not make the Kafka {what}: {source}")]
    Setup {
        /// `consumer` or `producer`.
        what: &'static str,
        /// The library's words.
        source: KafkaError,
    },
    /// A broker did not answer, or refused.
    #[error("could not {doing}: {source}")]
    Broker {
        /// What was being attempted, and with what.
        doing: String,
        /// The library's words.
        source: KafkaError,
    },
    /// The client cannot go on: it must be made anew.
    #[error("the Kafka client gave up: {0}")]
    Fatal(String),
    /// There is nothing to be read again.
    #[error("could not read again: {0}")]
    NothingToReplay(String),
    /// The source was polled, or told to seek, before `begin` or `release` answered a rebalance.
    #[error("could not go on: partitions were {0} and nobody answered")]
    UnansweredRebalance(&'static str),
    /// `begin` or `release` without such a rebalance, or not for its partitions.
    #[error("could not {0}: no rebalance waits for it")]
    NoSuchRebalance(&'static str),
    /// An offset beyond what was delivered was to be committed.
    #[error("could not commit offset {offset} of {topic}[{partition}]: only delivered up to {delivered:?}")]
    CommitAhead {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// The wanted offset.
        offset: u64,
        /// The next offset that will be delivered.
        delivered: Option<u64>,
    },
}

impl KafkaSourceError {
    pub(super) fn broker(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let doing = doing.into();
        move |source| Self::Broker { doing, source }
    }

    /// Whether trying the same again may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Broker { source, .. } => !is_final(source),
            Self::Setup { .. }
            | Self::Fatal(_)
            | Self::NothingToReplay(_)
            | Self::UnansweredRebalance(_)
            | Self::NoSuchRebalance(_)
            | Self::CommitAhead { .. } => false,
        }
    }
}

/// Whether a broker's refusal stays one however often it is asked: the partition went to another member, or we
/// are not allowed.
fn is_final(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
                | RDKafkaErrorCode::FencedInstanceId
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::Fatal
        )
    )
}
