//! What could not be read goes to a topic of its own, if there is one. It never stops the stream.

use super::context::log_librdkafka;
use super::token::{self, Tokens};
use super::{BrokerTime, Carried, KafkaConnection, KafkaSourceError};
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Most dead letters that wait for the broker. More are counted and left out.
const QUEUE_MESSAGES_MAX: &str = "10000";

/// Most memory of waiting dead letters, in kilobytes.
const QUEUE_KBYTES_MAX: &str = "16384";

/// Longest dead letter, in bytes. What is longer is cut; a header says how long it was.
pub const DEAD_LETTER_BYTES_MAX: usize = 512 * 1024;

/// After this long without a broker's word a dead letter has failed, in milliseconds.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// How long the end waits for dead letters under way.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Totals of dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeadLetterCounters {
    /// The broker has them.
    pub delivered: u64,
    /// The broker refused them or did not answer in time.
    pub failed: u64,
    /// They were left out because too many waited.
    pub dropped: u64,
}

/// What stands before the names of a record's own headers in a dead letter.
pub const ORIGINAL_PREFIX: &str = "portcullis-original-";

/// Where a dead letter came from and why it is one.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeadLetterOrigin<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: u64,
    /// Why it could not be read.
    pub reason: &'a str,
    /// When its record came, by the broker or the producer.
    pub broker_time: Option<BrokerTime>,
    /// The gateway that wrote it.
    pub gateway: Option<&'a str>,
    /// The record's own key and headers.
    pub carried: Carried<'a>,
}

#[derive(Debug, Default)]
struct LetterContext {
    delivered: AtomicU64,
    failed: AtomicU64,
    tokens: Option<Tokens>,
}

impl ClientContext for LetterContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        token::answer(self.tokens.as_ref())
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_librdkafka(level, facility, message);
    }
}

impl ProducerContext for LetterContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() {
            &self.delivered
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends dead letters. Dropping it waits a few seconds for those under way.
pub struct DeadLetters {
    producer: ThreadedProducer<LetterContext>,
    topic: String,
    failed: u64,
    dropped: u64,
}

impl std::fmt::Debug for DeadLetters {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("DeadLetters")
            .field("topic", &self.topic)
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

impl DeadLetters {
    /// Makes the producer. Brokers are not waited for.
    ///
    /// # Errors
    /// When the client library refuses a setting.
    pub fn new(connection: &KafkaConnection, topic: &str) -> Result<Self, KafkaSourceError> {
        let mut config = connection.client_config();
        config
            .set("queue.buffering.max.messages", QUEUE_MESSAGES_MAX)
            .set("queue.buffering.max.kbytes", QUEUE_KBYTES_MAX)
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("compression.type", "zstd")
            .set("acks", "all");
        let producer = config
            .create_with_context(LetterContext {
                tokens: connection.tokens(),
                ..LetterContext::default()
            })
            .map_err(|source| KafkaSourceError::Setup {
                what: "producer",
                source,
            })?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
            failed: 0,
            dropped: 0,
        })
    }

    /// Puts a dead letter into the queue, or counts it when that is full. Never waits.
    pub fn send(&mut self, payload: &[u8], origin: &DeadLetterOrigin<'_>) {
        let kept = &payload[..payload.len().min(DEAD_LETTER_BYTES_MAX)];
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic)
            .payload(kept)
            .headers(headers(payload.len(), origin));
        // Letters of one key stay together and in order, as its records did.
        if let Some(key) = origin.carried.key() {
            record = record.key(key);
        }
        match self.producer.send(record) {
            Ok(()) => {}
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => self.dropped += 1,
            Err((error, _)) => {
                self.failed += 1;
                tracing::debug!(%error, "could not queue a dead letter: {error}");
            }
        }
    }

    /// Totals since it was made.
    #[must_use]
    pub fn counters(&self) -> DeadLetterCounters {
        let context = self.producer.context();
        DeadLetterCounters {
            delivered: context.delivered.load(Ordering::Relaxed),
            failed: self.failed + context.failed.load(Ordering::Relaxed),
            dropped: self.dropped,
        }
    }

    /// Waits until nothing is under way, at most that long; whether so.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.producer.flush(timeout).is_ok()
    }
}

/// A letter's headers: ours, then those of its record.
fn headers(length: usize, origin: &DeadLetterOrigin<'_>) -> OwnedHeaders {
    let own = |key: &str, value: &str| (format!("portcullis-{key}"), Some(value.as_bytes().to_vec()));
    let mut all = vec![
        own("reason", origin.reason),
        own("topic", origin.topic),
        own("partition", &origin.partition.to_string()),
        own("offset", &origin.offset.to_string()),
        own("length", &length.to_string()),
    ];
    if let Some(BrokerTime::Created(time) | BrokerTime::Appended(time)) = origin.broker_time {
        all.push(own("time", &time.to_string()));
    }
    if let Some(gateway) = origin.gateway {
        all.push(own("gateway", gateway));
    }
    if origin.carried.left_out > 0 {
        all.push(own("headers-left-out", &origin.carried.left_out.to_string()));
    }
    for (name, value) in origin.carried.headers() {
        all.push((format!("{ORIGINAL_PREFIX}{name}"), value.map(<[u8]>::to_vec)));
    }
    all.iter().fold(
        OwnedHeaders::new_with_capacity(all.len()),
        |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: value.as_ref(),
            })
        },
    )
}

impl Drop for DeadLetters {
    fn drop(&mut self) {
        if !self.flush(FLUSH_TIMEOUT) {
            let waiting = self.producer.in_flight_count();
            tracing::warn!(waiting, "left {waiting} dead letters undelivered");
        }
    }
}
