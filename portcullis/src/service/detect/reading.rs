//! From a batch of lines to what the detector says of them.

use super::Setup;
use super::effects::Effects;
use super::minutes::{Counted, Minutes};
use crate::analysis::Workers;
use crate::command::lost_in;
use crate::config::Config;
use crate::masking::masker;
use crate::service::figures::{Count, Figures};
use crate::service::settings;
use crate::service::topics::Rejected;
use detector::{Detector, Output};
use domain::{Alert, HashKey, RequestRecord, Timestamp};
use ingest::source::kafka::{DeadLetterOrigin, DeadLetters, KafkaBatch, KafkaSource, SplitFault};
use ingest::{Networks, Parser};
use storage::RejectedSample;

/// Bytes of a rejected line that are kept for a person: enough to recognise it, too little to hoard secrets.
const SAMPLE_BYTES_MAX: usize = 256;

/// One parser per partition: each remembers what its last line was.
pub(super) struct Readers {
    parsers: Vec<Option<Parser>>,
    key: HashKey,
    networks: Option<Networks>,
    /// The memory of the records that were read last: the system clears what is taken anew, which costs more than a parser.
    spare: Vec<RequestRecord<'static>>,
}

/// Records whose memory is kept for the next batch: those of one tick. What a larger batch took goes back.
const SPARE_RECORDS_MAX: usize = 4096;

/// Where lines go that cannot be read.
pub(super) struct Rejections<'a> {
    pub(super) letters: Option<&'a mut DeadLetters>,
    pub(super) effects: &'a mut Effects,
    /// How many of each partition there were, by reason.
    pub(super) reasons: Rejected,
    pub(super) now: Timestamp,
}

/// A line that cannot be read.
struct RejectedLine<'a> {
    text: &'a [u8],
    /// Place of its message in the batch.
    message: usize,
    /// Why, in a word and in words.
    reason: (&'static str, &'a str),
}

impl Readers {
    /// No parser yet; routes and objects are hashed with that key.
    pub(super) fn new(key: HashKey, networks: Option<Networks>) -> Self {
        Self {
            parsers: Vec::new(),
            key,
            networks,
            spare: Vec::new(),
        }
    }

    /// Reads a batch's lines in their order. Rejected ones are counted and handed on.
    pub(super) fn read<'b>(
        &mut self,
        config: &Config,
        source: &KafkaSource,
        batch: &'b KafkaBatch,
        rejections: &mut Rejections<'_>,
    ) -> Vec<RequestRecord<'b>> {
        let mut records: Vec<RequestRecord<'b>> = emptied(std::mem::take(&mut self.spare));
        records.reserve(batch.lines().len());
        for line in batch.lines() {
            let Some(parser) = self.parser(config, source, line.position.source) else {
                continue;
            };
            match parser.parse(line.text, line.position) {
                Ok(record) => records.push(record),
                Err(reject) => {
                    let rejected = RejectedLine {
                        text: line.text,
                        message: line.message,
                        reason: (reject.reason.label(), &reject.to_string()),
                    };
                    rejections.add(config, source, batch, &rejected);
                }
            }
        }
        for part in batch.rejections() {
            let rejected = RejectedLine {
                text: part.text,
                message: part.message,
                reason: (fault_label(part.fault), part.fault.as_str()),
            };
            rejections.add(config, source, batch, &rejected);
        }
        records
    }

    /// Takes records back that are done with, for their memory.
    pub(super) fn take_back(&mut self, records: Vec<RequestRecord<'_>>) {
        self.spare = emptied(records);
        self.spare.shrink_to(SPARE_RECORDS_MAX);
    }

    /// What the logs that show an alert's evidence could not show.
    pub(super) fn blind_spots(&self, alert: &Alert) -> Vec<String> {
        let mut sources: Vec<u32> = alert.evidence.iter().map(|entry| entry.position.source).collect();
        sources.sort_unstable();
        sources.dedup();
        let formats: Vec<_> = sources
            .into_iter()
            .filter_map(|source| self.parsers.get(source as usize)?.as_ref()?.last_format())
            .collect();
        lost_in(&formats).into_iter().map(str::to_owned).collect()
    }

    /// The parser of a partition, by the rule of its topic.
    fn parser(&mut self, config: &Config, source: &KafkaSource, number: u32) -> Option<&mut Parser> {
        let place = number as usize;
        if place >= self.parsers.len() {
            self.parsers.resize_with(place + 1, || None);
        }
        if self.parsers[place].is_none() {
            let rule = source.partition(number)?.rule;
            let topic = config.kafka.as_ref()?.topics.get(rule)?;
            self.parsers[place] = Some(Parser::new(settings::parser(
                config,
                topic,
                (self.key, self.networks.clone()),
            )));
        }
        self.parsers[place].as_mut()
    }
}

/// An empty list in the memory of another: the library collects in place.
fn emptied<'new>(mut records: Vec<RequestRecord<'_>>) -> Vec<RequestRecord<'new>> {
    records.clear();
    records.into_iter().map_while(|_| None).collect()
}

/// A fault in a word, beside those of rejected lines.
const fn fault_label(fault: SplitFault) -> &'static str {
    match fault {
        SplitFault::PayloadTooLong => "payload_too_long",
        SplitFault::TooManyLines => "too_many_lines",
        SplitFault::BrokenArray => "broken_array",
    }
}

/// The gateway of a partition's records where no header names one: as its topic is configured, else the topic itself.
fn gateway<'a>(config: &'a Config, source: &'a KafkaSource, number: u32) -> Option<&'a str> {
    let partition = source.partition(number)?;
    let topic = config.kafka.as_ref()?.topics.get(partition.rule);
    Some(
        topic
            .and_then(|topic| topic.gateway.as_deref())
            .unwrap_or(&partition.topic),
    )
}

impl Rejections<'_> {
    fn add(&mut self, config: &Config, source: &KafkaSource, batch: &KafkaBatch, line: &RejectedLine<'_>) {
        let Some(message) = batch.message(line.message) else {
            return;
        };
        let Some(partition) = source.partition(message.position.source) else {
            return;
        };
        let (label, reason) = line.reason;
        *self.reasons.entry((message.position.source, label)).or_default() += 1;
        if let Some(letters) = self.letters.as_mut() {
            letters.send(
                line.text,
                &DeadLetterOrigin {
                    topic: &partition.topic,
                    partition: partition.partition,
                    offset: message.position.line,
                    reason,
                    broker_time: message.broker_time,
                    gateway: message
                        .gateway
                        .or_else(|| gateway(config, source, message.position.source)),
                    carried: batch.carried(line.message),
                },
            );
        }
        self.effects.keep_rejected(|| RejectedSample {
            at: self.now,
            source: format!("{}[{}]", partition.topic, partition.partition),
            line: message.position.line,
            reason: reason.to_owned(),
            sample: sample(line.text),
        });
    }
}

/// A line's beginning, secrets masked, everything but printable ASCII escaped.
fn sample(text: &[u8]) -> String {
    let head = &text[..text.len().min(SAMPLE_BYTES_MAX)];
    masker().url(&head.escape_ascii().to_string()).into_owned()
}

/// Hands records to the detector and counts them.
pub(super) fn observe<S: detector::Scorer>(
    detector: &mut Detector<S>,
    records: &[RequestRecord<'_>],
    key: &HashKey,
    workers: &Workers,
    minutes: &mut Minutes,
    outputs: &mut Vec<Output>,
) {
    let stopped_before = detector.totals().stopped;
    detector.observe(records, workers, outputs);
    let now = detector.now();
    for record in records {
        minutes.count_request(record.at, key.hash(&record.client), now);
    }
    let stopped = detector.totals().stopped - stopped_before;
    if stopped > 0 {
        minutes.count(now, Counted::Stopped(stopped));
    }
}

/// Counts a batch, for metrics and for the minute's figures.
pub(super) fn count(
    figures: &Figures,
    batch: &KafkaBatch,
    records: usize,
    minutes: &mut Minutes,
    now: Timestamp,
) {
    let lines = batch.lines().len();
    let rejected = (lines - records + batch.rejections().len()) as u64;
    figures.add(Count::Lines, lines as u64);
    figures.add(Count::Parsed, records as u64);
    figures.add(Count::Rejected, rejected);
    // Before the first request there is no event time to count at.
    if rejected > 0 && now > Timestamp::default() {
        minutes.count(now, Counted::Rejected(rejected));
    }
}

/// Counts a batch by topic and gateway, after its records were judged.
pub(super) fn count_topics(
    setup: &Setup,
    source: &KafkaSource,
    batch: &KafkaBatch,
    counted: (&[RequestRecord<'_>], &Rejected),
) {
    let now = (setup.shared.clock)();
    let gateway = |number| gateway(&setup.config, source, number);
    setup.figures.topics().count(source, batch, counted, now, gateway);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_records_is_used_again() {
        let records: Vec<RequestRecord<'static>> = Vec::with_capacity(100);
        let known = records.as_ptr();
        let emptied = emptied(records);
        assert_eq!((emptied.as_ptr(), emptied.capacity()), (known, 100));
    }
}
