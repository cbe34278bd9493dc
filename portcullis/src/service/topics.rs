//! What is read of each topic, for `/metrics`: how much, how late, what could not be read, and which gateways wrote it.
//!
//! Labels hold names of topics and gateways only: whoever writes to a topic chooses neither, but for the header that names
//! a gateway, and there are not too many of either.

use api::{Exposition, Histogram, MetricKind};
use domain::Timestamp;
use ingest::source::kafka::{BrokerTime, KafkaBatch, KafkaSource};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Topics that have figures of their own: a pattern may match hundreds. What is over goes to [`OTHER`].
const TOPICS_MAX: usize = 64;

/// Gateways that do.
const GATEWAYS_MAX: usize = 256;

/// The label of what has no figures of its own.
const OTHER: &str = "other";

/// Upper bounds of delays, in seconds: from what nobody notices to a night's backlog.
const BOUNDS: [f64; 12] = [
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
];

/// The same in milliseconds.
const BOUNDS_MILLIS: [i64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000,
];

/// How long things took.
#[derive(Debug, Clone, Default)]
pub(super) struct Delays {
    counts: [u64; BOUNDS.len() + 1],
    millis: i64,
}

impl Delays {
    /// Notes one. What lies ahead of our clock took no time.
    pub(super) fn note(&mut self, millis: i64) {
        let millis = millis.max(0);
        let place = BOUNDS_MILLIS.iter().position(|bound| millis <= *bound);
        self.counts[place.unwrap_or(BOUNDS.len())] += 1;
        self.millis = self.millis.saturating_add(millis);
    }

    fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.millis = self.millis.saturating_add(other.millis);
    }

    /// The same in seconds, under those labels.
    pub(super) fn shown<'a>(&'a self, labels: &'a [(&'a str, &'a str)]) -> Histogram<'a> {
        Histogram {
            labels,
            bounds: &BOUNDS,
            counts: &self.counts,
            sum: self.millis as f64 / 1000.0,
        }
    }
}

/// What was read of one topic.
#[derive(Debug, Clone, Default)]
struct Topic {
    messages: u64,
    lines: u64,
    requests: u64,
    bytes: u64,
    rejected: BTreeMap<&'static str, u64>,
    /// From the request's own time until it was judged.
    since_event: Delays,
    /// From the time of its record until it was judged.
    since_record: Delays,
    lag: u64,
    partitions: u64,
}

impl Topic {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.lines += other.lines;
        self.requests += other.requests;
        self.bytes += other.bytes;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(reason).or_default() += count;
        }
        self.since_event.add(&other.since_event);
        self.since_record.add(&other.since_record);
    }
}

#[derive(Debug, Default)]
struct Counted {
    topics: BTreeMap<String, Topic>,
    /// Lines by gateway.
    gateways: BTreeMap<String, u64>,
}

/// Figures of every topic.
#[derive(Debug, Default)]
pub(crate) struct Topics(Mutex<Counted>);

/// Lines that could not be read, by partition and reason.
pub(super) type Rejected = BTreeMap<(u32, &'static str), u64>;

impl Topics {
    /// Counts a batch after its records were judged: of each its source and time are given. `ours` gives our number of one of
    /// Kafka's partitions, `names` the topic of a number, and its gateway where no header names one.
    pub(super) fn count<'s>(
        &self,
        batch: &KafkaBatch,
        (judged, rejected): (&[(u32, Timestamp)], &Rejected),
        now: Timestamp,
        ours: impl Fn(u32) -> u32,
        names: impl Fn(u32) -> Option<(&'s str, &'s str)>,
    ) {
        let mut tally = Tally::default();
        let mut lines_of_message = vec![0u32; batch.messages()];
        for line in batch.lines() {
            lines_of_message[line.message] += 1;
        }
        for (place, lines) in lines_of_message.into_iter().enumerate() {
            let Some(message) = batch.message(place) else {
                continue;
            };
            let lines = u64::from(lines);
            let number = ours(message.position.source);
            let topic = tally.of(number);
            topic.messages += 1;
            topic.lines += lines;
            topic.bytes += message.length as u64;
            if let Some(BrokerTime::Created(time) | BrokerTime::Appended(time)) = message.broker_time {
                topic.since_record.note(now.millis_since(time));
            }
            let gateway = || names(number).map(|(_, gateway)| gateway);
            if let Some(name) = message.gateway.or_else(gateway) {
                tally.count_gateway(name, lines);
            }
        }
        for (source, at) in judged {
            let topic = tally.of(*source);
            topic.requests += 1;
            topic.since_event.note(now.millis_since(*at));
        }
        for ((number, reason), count) in rejected {
            *tally.of(*number).rejected.entry(reason).or_default() += count;
        }
        let mut counted = self.lock();
        for (number, of_batch) in &tally.topics {
            let name = names(*number).map_or(OTHER, |(topic, _)| topic);
            entry(&mut counted.topics, name, TOPICS_MAX).add(of_batch);
        }
        for (name, lines) in tally.gateways {
            *entry(&mut counted.gateways, name, GATEWAYS_MAX) += lines;
        }
    }

    /// Notes which partitions are ours and how far behind each is.
    pub(super) fn set_places(&self, source: &KafkaSource) {
        let mut counted = self.lock();
        for topic in counted.topics.values_mut() {
            (topic.lag, topic.partitions) = (0, 0);
        }
        for (_, partition) in source.owned() {
            entry(&mut counted.topics, &partition.topic, TOPICS_MAX).partitions += 1;
        }
        for lag in source.lags() {
            if let Some(partition) = source.partition(lag.source) {
                entry(&mut counted.topics, &partition.topic, TOPICS_MAX).lag += lag.messages();
            }
        }
    }

    /// Lines of each gateway so far.
    pub(super) fn gateways(&self) -> BTreeMap<String, u64> {
        self.lock().gateways.clone()
    }

    /// Writes them.
    pub(super) fn write(&self, out: &mut Exposition) {
        use MetricKind::{Counter, Gauge};
        let counted = self.lock();
        let topics = &counted.topics;
        let mut one = |kind, name: &str, help: &str, value: fn(&Topic) -> u64| {
            let labels: Vec<([(&str, &str); 1], f64)> = topics
                .iter()
                .map(|(name, topic)| ([("topic", name.as_str())], value(topic) as f64))
                .collect();
            let values: Vec<(&[(&str, &str)], f64)> = labels
                .iter()
                .map(|(labels, value)| (labels.as_slice(), *value))
                .collect();
            out.add(kind, name, help, &values);
        };
        one(
            Counter,
            "kafka_topic_messages_total",
            "Messages read of a topic.",
            |topic| topic.messages,
        );
        one(
            Counter,
            "kafka_topic_bytes_total",
            "Bytes of their payloads.",
            |topic| topic.bytes,
        );
        one(
            Counter,
            "kafka_topic_lines_total",
            "Lines read of a topic.",
            |topic| topic.lines,
        );
        one(
            Counter,
            "kafka_topic_requests_total",
            "Lines of a topic that became requests.",
            |topic| topic.requests,
        );
        one(
            Gauge,
            "kafka_topic_lag_messages",
            "Messages of a topic that wait on the brokers.",
            |topic| topic.lag,
        );
        one(
            Gauge,
            "kafka_topic_partitions",
            "Partitions of a topic that are read here.",
            |topic| topic.partitions,
        );
        write_rejected(topics, out);
        write_delays(topics, out);
        let labels: Vec<([(&str, &str); 1], f64)> = counted
            .gateways
            .iter()
            .map(|(name, lines)| ([("gateway", name.as_str())], *lines as f64))
            .collect();
        let values: Vec<(&[(&str, &str)], f64)> = labels
            .iter()
            .map(|(labels, value)| (labels.as_slice(), *value))
            .collect();
        out.add(
            Counter,
            "kafka_gateway_lines_total",
            "Lines of a gateway, by its setting or a record's header.",
            &values,
        );
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_rejected(topics: &BTreeMap<String, Topic>, out: &mut Exposition) {
    let mut labels: Vec<([(&str, &str); 2], f64)> = Vec::new();
    for (name, topic) in topics {
        for (reason, count) in &topic.rejected {
            labels.push(([("topic", name), ("reason", reason)], *count as f64));
        }
    }
    let values: Vec<(&[(&str, &str)], f64)> = labels
        .iter()
        .map(|(labels, value)| (labels.as_slice(), *value))
        .collect();
    let help = "Lines of a topic that could not be read.";
    out.add(MetricKind::Counter, "kafka_topic_rejected_total", help, &values);
}

fn write_delays(topics: &BTreeMap<String, Topic>, out: &mut Exposition) {
    let mut all = Vec::new();
    for (name, topic) in topics {
        all.push((
            [("topic", name.as_str()), ("since", "request")],
            &topic.since_event,
        ));
        all.push((
            [("topic", name.as_str()), ("since", "record")],
            &topic.since_record,
        ));
    }
    let shown: Vec<Histogram<'_>> = all.iter().map(|(labels, delays)| delays.shown(labels)).collect();
    let help = "Time from a request, or from its record's time in the topic, until it was judged.";
    out.add_histogram("kafka_delay_seconds", help, &shown);
}

/// What one batch adds, before the names are looked up. Messages come in runs of one partition, mostly of one gateway.
#[derive(Debug, Default)]
struct Tally<'b> {
    topics: Vec<(u32, Topic)>,
    gateways: Vec<(&'b str, u64)>,
}

impl<'b> Tally<'b> {
    fn of(&mut self, source: u32) -> &mut Topic {
        let place = self.topics.iter().rposition(|(number, _)| *number == source);
        let place = place.unwrap_or_else(|| {
            self.topics.push((source, Topic::default()));
            self.topics.len() - 1
        });
        &mut self.topics[place].1
    }

    fn count_gateway(&mut self, name: &'b str, lines: u64) {
        match self.gateways.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, counted)) => *counted += lines,
            None => self.gateways.push((name, lines)),
        }
    }
}

/// What a consumer may do: read, wait for partitions or for the lease, wait until what was decided can be stored, or have
/// trouble with its brokers.
pub(super) const STATES: [&str; 4] = ["reading", "waiting", "held", "troubled"];

/// Writes which of them it is.
pub(super) fn write_state(state: &str, out: &mut Exposition) {
    let labels = STATES.map(|name| ([("state", name)], f64::from(u8::from(name == state))));
    let values: Vec<(&[(&str, &str)], f64)> = labels
        .iter()
        .map(|(labels, value)| (labels.as_slice(), *value))
        .collect();
    let help = "1 for what the consumer does, 0 for the others.";
    out.add(MetricKind::Gauge, "kafka_state", help, &values);
}

/// The entry of that name, or of [`OTHER`] when there are too many.
fn entry<'m, T: Default>(map: &'m mut BTreeMap<String, T>, name: &str, most: usize) -> &'m mut T {
    let name = if map.contains_key(name) || map.len() < most {
        name
    } else {
        OTHER
    };
    map.entry(name.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_the_limit_goes_to_the_others() {
        let mut map: BTreeMap<String, u64> = BTreeMap::new();
        for number in 0..5 {
            *entry(&mut map, &format!("t{number}"), 3) += 1;
        }
        *entry(&mut map, "t0", 3) += 1;
        let shown: Vec<(&str, u64)> = map.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(shown, [("other", 2), ("t0", 2), ("t1", 1), ("t2", 1)]);
    }

    #[test]
    fn delays_are_counted_up_to_their_bounds() {
        let mut delays = Delays::default();
        for millis in [-5, 0, 100, 101, 59_000, 8_000_000] {
            delays.note(millis);
        }
        let mut more = Delays::default();
        more.note(100);
        delays.add(&more);
        let Histogram {
            bounds, counts, sum, ..
        } = delays.shown(&[]);
        assert_eq!(counts.len(), bounds.len() + 1);
        assert_eq!((counts[0], counts[1], counts[8], counts[12]), (4, 1, 1, 1));
        assert!((sum - 8_059.301).abs() < 1e-9, "{sum}");
        let same = BOUNDS
            .iter()
            .zip(BOUNDS_MILLIS)
            .all(|(secs, millis)| (secs * 1000.0) as i64 == millis);
        assert!(same, "the bounds differ");
    }
}
