//! What the client library calls back with, kept until the next poll.
//!
//! The library calls on the polling thread, in the middle of `poll`. Nothing is decided here: a rebalance waits,
//! with fetching paused by the library, until the driver has loaded or written its checkpoints.

use super::KafkaEvent;
use super::token::{self, Tokens};
use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most reports of trouble kept for one poll. A broker that is away is reported again and again; the count of
/// those left out stays.
const TROUBLES_MAX: usize = 64;

/// The end of a partition, as the brokers last told.
#[derive(Debug, Clone)]
pub(super) struct PartitionEnd {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) end: u64,
}

/// A rebalance that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct Rebalance {
    pub(super) is_assignment: bool,
    pub(super) is_lost: bool,
    pub(super) partitions: Vec<(String, i32)>,
}

#[derive(Debug, Default)]
struct Notes {
    rebalances: VecDeque<Rebalance>,
    troubles: Vec<KafkaEvent>,
    ends: Vec<PartitionEnd>,
    /// Why there is no token, while there is none.
    token_fault: Option<String>,
}

/// Shared between the consumer and the library's callbacks.
#[derive(Debug, Default)]
pub(super) struct SourceContext {
    notes: Mutex<Notes>,
    /// Whether a fetch asked for an offset that is not in the log.
    has_lost_offset: AtomicBool,
    /// Whether the consumer is being closed: rebalances are answered at once.
    is_closing: AtomicBool,
    troubles_total: AtomicU64,
    tokens: Option<Tokens>,
}

impl SourceContext {
    /// Nothing has happened; tokens come from there, if brokers want them.
    pub(super) fn new(tokens: Option<Tokens>) -> Self {
        Self {
            tokens,
            ..Self::default()
        }
    }

    /// The notes. A panic while they were held leaves them whole: every change is one push.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn take_lost_offset(&self) -> bool {
        self.has_lost_offset.swap(false, Ordering::Relaxed)
    }

    pub(super) fn take_rebalance(&self) -> Option<Rebalance> {
        self.notes().rebalances.pop_front()
    }

    pub(super) fn has_rebalance(&self) -> bool {
        !self.notes().rebalances.is_empty()
    }

    pub(super) fn take_troubles(&self) -> Vec<KafkaEvent> {
        std::mem::take(&mut self.notes().troubles)
    }

    pub(super) fn has_notes(&self) -> bool {
        let notes = self.notes();
        !notes.rebalances.is_empty() || !notes.troubles.is_empty()
    }

    pub(super) fn ends(&self) -> Vec<PartitionEnd> {
        self.notes().ends.clone()
    }

    pub(super) fn troubles_total(&self) -> u64 {
        self.troubles_total.load(Ordering::Relaxed)
    }

    fn note_trouble(&self, event: KafkaEvent) {
        self.troubles_total.fetch_add(1, Ordering::Relaxed);
        let mut notes = self.notes();
        if notes.troubles.len() < TROUBLES_MAX {
            notes.troubles.push(event);
        }
    }
}

impl ClientContext for SourceContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let answer = token::answer(self.tokens.as_ref());
        self.notes().token_fault = answer.as_ref().err().map(ToString::to_string);
        answer
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_librdkafka(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        let mut ends = Vec::new();
        for topic in statistics.topics.values() {
            for partition in topic.partitions.values() {
                // The last stable offset is as far as a reader of committed records gets; -1001 means unknown.
                if let Ok(end) = u64::try_from(partition.ls_offset.max(partition.hi_offset.min(0))) {
                    ends.push(PartitionEnd {
                        topic: topic.topic.clone(),
                        partition: partition.partition,
                        end,
                    });
                }
            }
        }
        self.notes().ends = ends;
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset) => self.has_lost_offset.store(true, Ordering::Relaxed),
            _ => {
                // Brokers say only that they do not know us; the library tells once why we have nothing to show.
                let fault = self.notes().token_fault.clone();
                let cause = fault.filter(|fault| !reason.contains(fault.as_str()));
                let told = cause.map_or_else(|| reason.to_owned(), |cause| format!("{cause}; {reason}"));
                self.note_trouble(KafkaEvent::BrokerTrouble(told));
            }
        }
    }
}

impl ConsumerContext for SourceContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let is_assignment = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_closing.load(Ordering::Relaxed) {
            if !is_assignment {
                log_failure("give partitions back", unassign(consumer, partitions));
            }
            return;
        }
        let rebalance = Rebalance {
            is_assignment,
            is_lost: !is_assignment && consumer.assignment_lost(),
            partitions: partitions
                .elements()
                .iter()
                .map(|element| (element.topic().to_owned(), element.partition()))
                .collect(),
        };
        self.notes().rebalances.push_back(rebalance);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            self.note_trouble(KafkaEvent::CommitFailed(error.to_string()));
        }
    }
}

/// Takes partitions on, in the group's protocol.
pub(super) fn assign(
    consumer: &BaseConsumer<SourceContext>,
    partitions: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(partitions),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(partitions),
    }
}

/// Gives partitions back, in the group's protocol.
pub(super) fn unassign(
    consumer: &BaseConsumer<SourceContext>,
    partitions: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(partitions),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    }
}

/// Logs what nobody can act on any more.
pub(super) fn log_failure(doing: &str, result: KafkaResult<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "could not {doing} while closing: {error}");
    }
}

/// Passes the library's own log on.
pub(super) fn log_librdkafka(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(facility, "librdkafka: {message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(facility, "librdkafka: {message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(facility, "librdkafka: {message}"),
    }
}
