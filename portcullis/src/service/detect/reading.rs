//! From a batch of lines to what the detector says of them.

use super::effects::Effects;
use super::inputs::{Source, SourceName, Sources};
use super::minutes::{Counted, Minutes};
use crate::analysis::Workers;
use crate::command::lost_in;
use crate::config::Config;
use crate::masking::masker;
use crate::service::figures::{Count, Figures};
use crate::service::settings;
use crate::service::topics::Rejected;
use detector::{Detector, Output};
use domain::{Alert, Client, HashKey, Position, RequestRecord, Timestamp, emptied};
use ingest::source::kafka::{DeadLetterOrigin, DeadLetters, KafkaBatch, SplitFault};
use ingest::{Countries, Networks, Parser};
use storage::{RejectedSample, Whereabouts};

/// Bytes of a rejected line that are kept for a person: enough to recognise it, too little to hoard secrets.
const SAMPLE_BYTES_MAX: usize = 256;

/// One parser per source: each remembers what its last line was.
pub(super) struct Readers {
    parsers: Vec<Option<Parser>>,
    key: HashKey,
    networks: Option<Networks>,
    countries: Option<Countries>,
    /// The memory of the records that were read last: the system clears what is taken anew, which costs more than a parser.
    spare: Vec<RequestRecord<'static>>,
}

/// Where lines go that cannot be read.
pub(super) struct Rejections<'a> {
    pub(super) sources: &'a mut Sources,
    pub(super) letters: Option<&'a mut DeadLetters>,
    pub(super) effects: &'a mut Effects,
    /// What came from Kafka.
    pub(super) batch: Option<&'a KafkaBatch>,
    /// How many of each partition there were, by reason.
    pub(super) reasons: Rejected,
    pub(super) now: Timestamp,
    /// How many there were.
    pub(super) count: u64,
}

/// A line as it came in.
pub(super) struct Taken<'a> {
    pub(super) text: &'a [u8],
    pub(super) position: Position,
    /// Place of its message in Kafka's batch.
    pub(super) message: Option<usize>,
}

/// A line that cannot be read.
pub(super) struct RejectedLine<'a> {
    pub(super) text: &'a [u8],
    pub(super) position: Position,
    /// Place of its message in Kafka's batch.
    pub(super) message: Option<usize>,
    /// Why, in a word and in words.
    pub(super) reason: (&'static str, &'a str),
}

impl Readers {
    /// No parser yet; routes and objects are hashed with that key.
    pub(super) fn new(key: HashKey, networks: Option<Networks>, countries: Option<Countries>) -> Self {
        Self {
            parsers: Vec::new(),
            key,
            networks,
            countries,
            spare: Vec::new(),
        }
    }

    /// Reads lines in their order. Rejected ones are counted and handed on.
    pub(super) fn read<'b>(
        &mut self,
        config: &Config,
        lines: impl Iterator<Item = Taken<'b>>,
        rejections: &mut Rejections<'_>,
        records: &mut Vec<RequestRecord<'b>>,
    ) {
        for Taken {
            text,
            position,
            message,
        } in lines
        {
            let Some(source) = rejections.sources.get_mut(position.source) else {
                continue;
            };
            let Some(parser) = self.parser(config, source, position.source) else {
                continue;
            };
            source.counts.lines += 1;
            source.counts.bytes += text.len() as u64;
            match parser.parse(text, position) {
                Ok(record) => {
                    source.counts.latest = source.counts.latest.max(record.at);
                    source.survey.pass(&record, rejections.now);
                    records.push(record);
                }
                Err(reject) => rejections.add(&RejectedLine {
                    text,
                    position,
                    message,
                    reason: (reject.reason.label(), &reject.to_string()),
                }),
            }
        }
    }

    /// An empty list, in the memory of the records that were read last.
    pub(super) fn records<'b>(&mut self) -> Vec<RequestRecord<'b>> {
        emptied(std::mem::take(&mut self.spare))
    }

    /// Takes records back that are done with, for their memory.
    pub(super) fn take_back(&mut self, records: Vec<RequestRecord<'_>>) {
        self.spare = emptied(records);
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

    /// Where the addresses of a client are: of a range, its first one's.
    pub(super) fn whereabouts(&self, client: &Client) -> Whereabouts {
        let Some(address) = client.range().map(|range| range.addr()) else {
            return Whereabouts::default();
        };
        let country = self.countries.as_ref().and_then(|all| all.country_of(address));
        Whereabouts {
            network: self.networks.as_ref().and_then(|all| all.system_of(address)),
            country: country.map(|code| code.map(char::from).iter().collect()),
        }
    }

    /// The parser of a source.
    fn parser(&mut self, config: &Config, source: &Source, number: u32) -> Option<&mut Parser> {
        let place = number as usize;
        if place >= self.parsers.len() {
            self.parsers.resize_with(place + 1, || None);
        }
        if self.parsers[place].is_none() {
            let terms = source.terms.as_ref()?;
            self.parsers[place] = Some(Parser::new(settings::parser(
                config,
                (&terms.format, &terms.identity),
                (self.key, self.networks.clone()),
            )));
        }
        self.parsers[place].as_mut()
    }
}

/// A fault in a word, beside those of rejected lines.
pub(super) const fn fault_label(fault: SplitFault) -> &'static str {
    match fault {
        SplitFault::PayloadTooLong => "payload_too_long",
        SplitFault::TooManyLines => "too_many_lines",
        SplitFault::BrokenArray => "broken_array",
        SplitFault::BrokenRecords => "broken_records",
        SplitFault::BrokenOtlp => "broken_otlp",
    }
}

impl Rejections<'_> {
    /// Counts a line that could not be read, and hands it on.
    pub(super) fn add(&mut self, line: &RejectedLine<'_>) {
        let Some(source) = self.sources.get_mut(line.position.source) else {
            return;
        };
        let (label, reason) = line.reason;
        self.count += 1;
        source.counts.rejected += 1;
        if let SourceName::Partition(topic, partition) = &source.name {
            *self.reasons.entry((line.position.source, label)).or_default() += 1;
            let found = self.batch.zip(line.message);
            let message =
                found.and_then(|(batch, place)| Some((batch.message(place)?, batch.carried(place))));
            if let (Some(letters), Some((message, carried))) = (self.letters.as_mut(), message) {
                let gateway = source.terms.as_ref().map(|terms| terms.gateway.as_str());
                letters.send(
                    line.text,
                    &DeadLetterOrigin {
                        topic,
                        partition: *partition,
                        offset: line.position.line,
                        reason,
                        broker_time: message.broker_time,
                        gateway: message.gateway.or(gateway),
                        carried,
                    },
                );
            }
        }
        self.effects.keep_rejected(|| RejectedSample {
            at: self.now,
            source: source.name.label(),
            line: line.position.line,
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

/// What lines are read with, and who judges them.
pub(super) struct Judging<'a, S> {
    pub(super) config: &'a Config,
    pub(super) key: &'a HashKey,
    pub(super) workers: &'a Workers,
    pub(super) readers: &'a mut Readers,
    pub(super) detector: &'a mut Detector<S>,
    pub(super) minutes: &'a mut Minutes,
    pub(super) outputs: &'a mut Vec<Output>,
    /// How many lines could be read.
    pub(super) records: u64,
}

impl<S: detector::Scorer> Judging<'_, S> {
    /// Reads lines in their order and hands them to the detector. `judged` sees each record afterwards.
    pub(super) fn judge<'b>(
        &mut self,
        mut lines: impl ExactSizeIterator<Item = Taken<'b>>,
        rejections: &mut Rejections<'_>,
        mut judged: impl FnMut(&RequestRecord<'_>),
    ) {
        // A batch of Kafka's as a whole was some ten megabytes of records, which the system cleared anew for each: a tenth of what a line
        // cost.
        let most = self.workers.slice_lines();
        while lines.len() > 0 {
            let mut records = self.readers.records();
            let slice = lines.by_ref().take(most);
            self.readers.read(self.config, slice, rejections, &mut records);
            self.observe(&records);
            records.iter().for_each(&mut judged);
            self.readers.take_back(records);
        }
    }

    /// Hands records to the detector and counts them.
    fn observe(&mut self, records: &[RequestRecord<'_>]) {
        let stopped_before = self.detector.totals().stopped;
        self.detector.observe(records, self.workers, self.outputs);
        let now = self.detector.now();
        for record in records {
            self.minutes
                .count_request(record.at, self.key.hash(&record.client), now);
        }
        let stopped = self.detector.totals().stopped - stopped_before;
        if stopped > 0 {
            self.minutes.count(now, Counted::Stopped(stopped));
        }
        self.records += records.len() as u64;
    }
}

/// Counts what was read, for metrics and for the minute's figures.
pub(super) fn count(figures: &Figures, read: (u64, u64, u64), minutes: &mut Minutes, now: Timestamp) {
    let (lines, records, rejected) = read;
    figures.add(Count::Lines, lines);
    figures.add(Count::Parsed, records);
    figures.add(Count::Rejected, rejected);
    // Before the first request there is no event time to count at.
    if rejected > 0 && now > Timestamp::default() {
        minutes.count(now, Counted::Rejected(rejected));
    }
}
