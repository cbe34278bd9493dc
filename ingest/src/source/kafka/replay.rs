//! Records that were read before, once more: every partition between two times, without a group.
//!
//! A replay takes partitions by itself: it joins no group, commits nothing, and so changes nothing for whoever reads the
//! topics meanwhile. Each partition has a queue of its own, so that whoever merges them can wait for one of them while
//! the others' records wait in bounded memory.

use super::consumer::ANSWER_TIMEOUT;
use super::context::SourceContext;
use super::error::KafkaSourceError;
use super::placing::{from_kafka, offsets_since, to_kafka};
use super::settings::{KafkaSettings, TopicRule, TopicSelector};
use super::{KafkaEvent, MessageShape, SplitFault, SplitLimits, split_payload};
use crate::source::file::{LineReader, PlacedLine, PlacedLines, Progress};
use domain::Timestamp;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// How long one wait for a message lasts. The library's own events are heard in between.
const WAIT: Duration = Duration::from_millis(100);

/// Waits after which a partition that gives nothing is given up: two minutes, longer than brokers take to choose a leader.
const WAITS_MAX: u32 = 1200;

/// Messages that are taken together: so many lines are in memory twice.
const MESSAGES_MAX: usize = 1024;

/// Least memory for records of one partition that are fetched ahead, in kilobytes: a fetch's worth.
const QUEUE_KBYTES_MIN: u32 = 1024;

/// Which records: of a partition, from the first of `from` or later up to the first of `to` or later. A record's time is
/// the broker's or its producer's, as the topic is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaySpan {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last one.
    pub to: Timestamp,
}

/// One partition to be read again.
#[derive(Debug)]
pub struct ReplayPartition {
    /// Its lines, in their order; their numbers are offsets.
    pub reader: LineReader,
    /// Topic.
    pub topic: Arc<str>,
    /// Number within the topic.
    pub partition: i32,
    /// Which of the settings' topic rules reads it.
    pub rule: usize,
    /// How many of its messages were read.
    pub progress: Progress,
    /// The oldest offset that is kept, when what came before it is gone and may have belonged to the span.
    pub lost_before: Option<u64>,
}

/// Where a partition begins and ends.
struct Place {
    topic: Arc<str>,
    partition: i32,
    rule: usize,
    offsets: Range<u64>,
    lost_before: Option<u64>,
}

/// Finds the partitions of the settings' topics, in the order of topic and number, and begins to read them. `only` names
/// topics when not all of them are wanted.
///
/// # Errors
/// When the client library refuses a setting, brokers do not answer, or they have no such topic.
pub fn replay(
    settings: &KafkaSettings,
    only: &[String],
    span: ReplaySpan,
) -> Result<Vec<ReplayPartition>, KafkaSourceError> {
    let consumer = consumer(settings)?;
    let found = partitions(&consumer, settings, only)?;
    let places = places(&consumer, found, span)?;
    let mut list = TopicPartitionList::new();
    for place in places.iter().filter(|place| !place.offsets.is_empty()) {
        list.add_partition_offset(&place.topic, place.partition, to_kafka(place.offsets.start))
            .map_err(KafkaSourceError::broker("list partitions"))?;
    }
    // Told before it reads them: what it reads then goes to their queues from the first record on.
    let queues: Vec<_> = places
        .iter()
        .map(|place| consumer.split_partition_queue(&place.topic, place.partition))
        .collect();
    consumer
        .assign(&list)
        .map_err(KafkaSourceError::broker("take partitions on"))?;
    let partitions = places.into_iter().zip(queues).zip(0..);
    partitions
        .map(|((place, queue), source)| {
            let name = format!("{}[{}]", place.topic, place.partition);
            let queue =
                queue.ok_or_else(|| KafkaSourceError::NothingToReplay(format!("{name} has no queue")))?;
            let progress = Progress::of(place.offsets.end - place.offsets.start);
            let rule = settings.topics.get(place.rule);
            let lines = Lines {
                consumer: Arc::clone(&consumer),
                queue,
                begin: place.offsets.start,
                next: place.offsets.start,
                end: place.offsets.end,
                progress: progress.clone(),
                shape: rule.map(|rule| rule.shape).unwrap_or_default(),
                limits: settings.limits,
                pieces: Vec::new(),
            };
            Ok(ReplayPartition {
                reader: LineReader::from_lines(Box::new(lines), &name, source),
                topic: place.topic,
                partition: place.partition,
                rule: place.rule,
                progress,
                lost_before: place.lost_before,
            })
        })
        .collect()
}

/// A consumer that says where a partition ends. Its group is named for the brokers' rights only: it never joins.
fn consumer(settings: &KafkaSettings) -> Result<Arc<BaseConsumer<SourceContext>>, KafkaSourceError> {
    let settings = KafkaSettings {
        instance: None,
        ..settings.clone()
    };
    let mut config = settings.consumer_config();
    config
        .set("enable.partition.eof", "true")
        .set("queued.max.messages.kbytes", QUEUE_KBYTES_MIN.to_string())
        .set("statistics.interval.ms", "0");
    let consumer: BaseConsumer<SourceContext> = config
        .create_with_context(SourceContext::new(settings.connection.tokens()))
        .map_err(|source| KafkaSourceError::Setup {
            what: "consumer",
            source,
        })?;
    // Before the first question: the library asks for a token here, if it needs one, and nowhere else.
    drop(consumer.poll(WAIT));
    Ok(Arc::new(consumer))
}

/// Topics, numbers of partitions and rules.
type Found = Vec<(Arc<str>, i32, usize)>;

/// The partitions that the settings name, by topic and number.
fn partitions(
    consumer: &BaseConsumer<SourceContext>,
    settings: &KafkaSettings,
    only: &[String],
) -> Result<Found, KafkaSourceError> {
    let metadata = consumer
        .fetch_metadata(None, ANSWER_TIMEOUT)
        .map_err(KafkaSourceError::broker("ask which topics there are"))?;
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let mut found: Found = Vec::new();
    for topic in metadata.topics() {
        let rule = settings
            .topics
            .iter()
            .position(|rule| rule.topics.matches(topic.name()));
        let Some(rule) = rule.filter(|_| is_wanted(topic.name())) else {
            continue;
        };
        let name: Arc<str> = topic.name().into();
        let numbered =
            |partition: &rdkafka::metadata::MetadataPartition| (Arc::clone(&name), partition.id(), rule);
        found.extend(topic.partitions().iter().map(numbered));
    }
    found.sort();
    let has = |name: &str| found.iter().any(|(topic, ..)| &**topic == name);
    let by_name = |rule: &TopicRule| match &rule.topics {
        TopicSelector::Name(name) if only.is_empty() => Some(name.clone()),
        _ => None,
    };
    let named = only
        .iter()
        .cloned()
        .chain(settings.topics.iter().filter_map(by_name));
    let missing: Vec<String> = named.filter(|name| !has(name)).collect();
    if !missing.is_empty() {
        let why = format!(
            "the brokers have no topic {} that the settings read",
            missing.join(", ")
        );
        return Err(KafkaSourceError::NothingToReplay(why));
    }
    if found.is_empty() {
        let why = "no topic of the brokers matches the settings' patterns".to_owned();
        return Err(KafkaSourceError::NothingToReplay(why));
    }
    Ok(found)
}

/// Where each of them begins and ends.
fn places(
    consumer: &BaseConsumer<SourceContext>,
    found: Found,
    span: ReplaySpan,
) -> Result<Vec<Place>, KafkaSourceError> {
    let partitions: Vec<(Arc<str>, i32)> = found
        .iter()
        .map(|(topic, partition, _)| (Arc::clone(topic), *partition))
        .collect();
    let begins = offsets_since(consumer, &partitions, span.from)?;
    let ends = offsets_since(consumer, &partitions, span.to)?;
    let bounds = begins.into_iter().zip(ends);
    found
        .into_iter()
        .zip(bounds)
        .map(|((topic, partition, rule), (begin, end))| {
            let doing = format!("ask for the offsets of {topic}[{partition}]");
            let (low, high) = consumer
                .fetch_watermarks(&topic, partition, ANSWER_TIMEOUT)
                .map_err(KafkaSourceError::broker(doing))?;
            let (low, high) = (from_kafka(low), from_kafka(high));
            let begin = begin.unwrap_or(high).min(high);
            let end = end.unwrap_or(high).clamp(begin, high);
            Ok(Place {
                lost_before: (begin == low && low > 0).then_some(low),
                topic,
                partition,
                rule,
                offsets: begin..end,
            })
        })
        .collect()
}

/// The lines of one partition's messages.
struct Lines {
    consumer: Arc<BaseConsumer<SourceContext>>,
    queue: PartitionQueue<SourceContext>,
    begin: u64,
    next: u64,
    end: u64,
    progress: Progress,
    shape: MessageShape,
    limits: SplitLimits,
    /// Ranges of the message being split: kept for its memory.
    pieces: Vec<Range<usize>>,
}

impl PlacedLines for Lines {
    fn next(&mut self, take: &mut dyn FnMut(PlacedLine<'_>)) -> io::Result<bool> {
        let mut waits = 0;
        let mut taken = 0;
        while self.next < self.end && taken < MESSAGES_MAX {
            let wait = if taken == 0 { WAIT } else { Duration::ZERO };
            match self.queue.poll(wait) {
                Some(Ok(message)) => {
                    let offset = from_kafka(message.offset());
                    if offset >= self.end {
                        self.next = self.end;
                        break;
                    }
                    let payload = message.payload().unwrap_or_default();
                    split(payload, offset, (self.shape, self.limits), &mut self.pieces, take);
                    self.next = offset + 1;
                    taken += 1;
                }
                // What lies behind is not committed, or marks of transactions.
                Some(Err(KafkaError::PartitionEOF(_))) => self.next = self.end,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None if taken > 0 => break,
                None => {
                    self.hear()?;
                    waits += 1;
                    if waits >= WAITS_MAX {
                        return Err(io::Error::other("brokers gave nothing for two minutes"));
                    }
                }
            }
        }
        self.progress.set(self.next - self.begin);
        self.hear()?;
        Ok(taken > 0 || self.next < self.end)
    }
}

impl Lines {
    /// Hears what the library has to say, a question for a token among it.
    fn hear(&self) -> io::Result<()> {
        if let Some(Ok(message)) = self.consumer.poll(Duration::ZERO) {
            let (topic, partition) = (message.topic(), message.partition());
            let why = format!("a message of {topic}[{partition}] came where none was to come");
            return Err(io::Error::other(why));
        }
        for trouble in self.consumer.context().take_troubles() {
            if let KafkaEvent::BrokerTrouble(what) = trouble {
                tracing::warn!("trouble with a broker: {what}");
            }
        }
        match self.consumer.client().fatal_error() {
            Some((_, reason)) => Err(io::Error::other(reason)),
            None => Ok(()),
        }
    }
}

/// Splits a message and hands its lines over. What gives no lines is one line that is cut: it is counted, and read by nobody.
fn split(
    payload: &[u8],
    offset: u64,
    (shape, limits): (MessageShape, SplitLimits),
    pieces: &mut Vec<Range<usize>>,
    take: &mut dyn FnMut(PlacedLine<'_>),
) {
    pieces.clear();
    let rejection = split_payload(payload, shape, limits, pieces);
    for piece in pieces.drain(..) {
        take(PlacedLine {
            bytes: &payload[piece],
            place: offset,
            is_cut: false,
        });
    }
    if let Some(rejection) = rejection {
        take(PlacedLine {
            bytes: &payload[rejection.rest],
            place: offset,
            // Half an element of an array is no request; the formats say so themselves.
            is_cut: rejection.fault != SplitFault::BrokenArray,
        });
    }
}
