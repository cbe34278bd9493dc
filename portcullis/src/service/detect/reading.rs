//! From a batch of lines to what the detector says of them.

use super::effects::Effects;
use super::inputs::{Source, SourceName, Sources};
use super::minutes::{Counted, Minutes};
use crate::analysis::Workers;
use crate::command::lost_in;
use crate::config::Config;
use crate::service::figures::{Count, Figures};
use crate::service::settings;
use detector::{Detector, Output};
use domain::{Alert, HashKey, Position, RequestRecord, Timestamp};
use ingest::source::kafka::{DeadLetterOrigin, DeadLetters};
use ingest::{Networks, Parser};
use storage::RejectedSample;

/// Bytes of a rejected line that are kept for a person: enough to recognise it, too little to hoard secrets.
const SAMPLE_BYTES_MAX: usize = 256;

/// One parser per source: each remembers what its last line was.
pub(super) struct Readers {
    parsers: Vec<Option<Parser>>,
    key: HashKey,
    networks: Option<Networks>,
}

/// Where lines go that cannot be read.
pub(super) struct Rejections<'a> {
    pub(super) sources: &'a mut Sources,
    pub(super) letters: Option<&'a mut DeadLetters>,
    pub(super) effects: &'a mut Effects,
    pub(super) now: Timestamp,
    /// How many there were.
    pub(super) count: u64,
}

impl Readers {
    /// No parser yet; routes and objects are hashed with that key.
    pub(super) fn new(key: HashKey, networks: Option<Networks>) -> Self {
        Self {
            parsers: Vec::new(),
            key,
            networks,
        }
    }

    /// Reads lines in their order. Rejected ones are counted and handed on.
    pub(super) fn read<'b>(
        &mut self,
        config: &Config,
        lines: impl Iterator<Item = (&'b [u8], Position)>,
        rejections: &mut Rejections<'_>,
        records: &mut Vec<RequestRecord<'b>>,
    ) {
        for (text, position) in lines {
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
                    records.push(record);
                }
                Err(reject) => rejections.add(position, text, &reject.to_string()),
            }
        }
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

    /// The parser of a source.
    fn parser(&mut self, config: &Config, source: &Source, number: u32) -> Option<&mut Parser> {
        let place = number as usize;
        if place >= self.parsers.len() {
            self.parsers.resize_with(place + 1, || None);
        }
        if self.parsers[place].is_none() {
            let format = &source.terms.as_ref()?.format;
            self.parsers[place] = Some(Parser::new(settings::parser(
                config,
                format,
                (self.key, self.networks.clone()),
            )));
        }
        self.parsers[place].as_mut()
    }
}

impl Rejections<'_> {
    /// Counts a line that could not be read, and hands it on.
    pub(super) fn add(&mut self, position: Position, text: &[u8], reason: &str) {
        let Some(source) = self.sources.get_mut(position.source) else {
            return;
        };
        self.count += 1;
        source.counts.rejected += 1;
        if let (Some(letters), SourceName::Partition(topic, partition)) =
            (self.letters.as_mut(), &source.name)
        {
            letters.send(
                text,
                &DeadLetterOrigin {
                    topic,
                    partition: *partition,
                    offset: position.line,
                    reason,
                },
            );
        }
        self.effects.keep_rejected(|| RejectedSample {
            at: self.now,
            source: source.name.label(),
            line: position.line,
            reason: reason.to_owned(),
            sample: sample(text),
        });
    }
}

/// A line's beginning, secrets masked, everything but printable ASCII escaped.
fn sample(text: &[u8]) -> String {
    let head = &text[..text.len().min(SAMPLE_BYTES_MAX)];
    ingest::mask::url(&head.escape_ascii().to_string()).into_owned()
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
