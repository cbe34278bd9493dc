//! Members of a group on a real Apache Kafka, under load: rebalances, topics that appear, and a reader that is slow.

use anyhow::{Context as _, Result, ensure};
use ingest::source::kafka::{
    KafkaBatch, KafkaConnection, KafkaEvent, KafkaSettings, KafkaSource, TopicRule, TopicSelector,
};
use portcullis_tests::component::Kafka;
use portcullis_tests::reader::{Checkpoints, Read, Reader, WAIT};
use portcullis_tests::stream::Publisher;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// Turns after which a test gives up.
const TURNS_MAX: usize = 4_000;

fn settings(kafka: &Kafka, group: &str, topics: TopicSelector) -> Result<KafkaSettings> {
    let connection = KafkaConnection::plaintext(vec![kafka.bootstrap()?]);
    Ok(KafkaSettings::new(
        connection,
        group.to_owned(),
        vec![TopicRule::new(topics)],
    ))
}

fn by_name(topic: &str) -> TopicSelector {
    TopicSelector::Name(topic.to_owned())
}

/// Lines that are written one after the other while members come and go.
const LOAD_LINES: usize = 60_000;
const LOAD_PARTITIONS: i32 = 6;

/// Lines between two checkpoints of a member.
const CHECKPOINT_LINES: usize = 2_000;

/// Members that share checkpoints, all polled in turn.
#[derive(Default)]
struct Members {
    members: Vec<Reader>,
    /// What members read that left.
    left: Vec<Read>,
    checkpoints: Checkpoints,
    /// Every line that a checkpoint stood for, when it was made.
    durable: BTreeMap<Read, usize>,
}

impl Members {
    fn join(&mut self, settings: &KafkaSettings) -> Result<()> {
        self.members.push(Reader::new(settings.clone())?);
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        for member in &mut self.members {
            let known = member.durable;
            member.turn(&mut self.checkpoints)?;
            if member.lines.len() - member.durable >= CHECKPOINT_LINES {
                member.checkpoint(&mut self.checkpoints)?;
            }
            for line in &member.lines[known..member.durable] {
                *self.durable.entry(line.clone()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<()> {
        for member in &mut self.members {
            let known = member.durable;
            member.checkpoint(&mut self.checkpoints)?;
            for line in &member.lines[known..] {
                *self.durable.entry(line.clone()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// The first member leaves in order.
    fn leave(&mut self) -> Result<()> {
        let mut member = self.members.remove(0);
        let known = member.durable;
        member.checkpoint(&mut self.checkpoints)?;
        for line in &member.lines[known..] {
            *self.durable.entry(line.clone()).or_default() += 1;
        }
        self.left.append(&mut member.lines);
        Ok(())
    }

    fn lines(&self) -> usize {
        self.left.len()
            + self
                .members
                .iter()
                .map(|member| member.lines.len())
                .sum::<usize>()
    }

    fn shares(&self) -> Vec<usize> {
        self.members.iter().map(Reader::owned).collect()
    }

    fn turn_until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        for _ in 0..TURNS_MAX {
            if is_done(self) {
                return Ok(());
            }
            self.turn()?;
        }
        anyhow::bail!(
            "not seen: {what}; {} lines, shares {:?}",
            self.lines(),
            self.shares()
        )
    }
}

#[test]
fn members_that_come_and_go_under_load_lose_nothing_and_repeat_nothing_that_was_made_durable() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "under-load";
    kafka.create_topic(topic, LOAD_PARTITIONS)?;
    let settings = settings(kafka, "under-load", by_name(topic))?;
    let lines: Vec<String> = (0..LOAD_LINES).map(|number| format!("line {number}")).collect();
    let publisher = Publisher::new(kafka)?;
    let is_failed = AtomicBool::new(false);
    let mut members = Members::default();
    std::thread::scope(|scope| -> Result<()> {
        let writer = scope.spawn(|| {
            let written = lines
                .chunks(500)
                .try_for_each(|chunk| publisher.publish(topic, 0..LOAD_PARTITIONS, chunk));
            is_failed.store(written.is_err(), Ordering::Relaxed);
            written
        });
        members.join(&settings)?;
        members.turn_until("the first member reads", |all| all.lines() > 1_000)?;
        members.join(&settings)?;
        members.turn_until("two members share", |all| all.shares() == [3, 3])?;
        let read = members.lines();
        members.turn_until("both go on", |all| {
            all.lines() > read + 1_000 || all.lines() >= LOAD_LINES
        })?;
        members.join(&settings)?;
        members.turn_until("three members share", |all| all.shares() == [2, 2, 2])?;
        members.leave()?;
        members.turn_until("two are left", |all| all.shares() == [3, 3])?;
        let seen = |all: &Members| -> BTreeSet<(i32, u64)> {
            let lines = all
                .left
                .iter()
                .chain(all.members.iter().flat_map(|member| &member.lines));
            lines.map(|line| (line.partition, line.offset)).collect()
        };
        members.turn_until("every line", |all| {
            all.lines() >= LOAD_LINES && seen(all).len() == LOAD_LINES
        })?;
        writer
            .join()
            .map_err(|_| anyhow::anyhow!("the writer panicked"))?
    })?;
    ensure!(!is_failed.load(Ordering::Relaxed), "the writer failed");
    members.checkpoint()?;
    let repeated: Vec<_> = members
        .durable
        .iter()
        .filter(|(_, times)| **times > 1)
        .take(5)
        .collect();
    assert!(repeated.is_empty(), "made durable twice: {repeated:?}");
    let read: BTreeSet<&str> = members.durable.keys().map(|line| line.text.as_str()).collect();
    assert_eq!(read.len(), LOAD_LINES, "lines are missing");
    assert!(members.members.iter().all(|member| member.gaps.is_empty()));
    // With cooperative-sticky nobody gave up more than somebody else took.
    assert_eq!(
        kafka.committed("under-load", topic, LOAD_PARTITIONS)?,
        LOAD_LINES as u64
    );
    Ok(())
}

#[test]
fn a_topic_that_appears_and_matches_is_read_from_its_beginning() -> Result<()> {
    let kafka = Kafka::shared()?;
    kafka.create_topic("appearing.one", 1)?;
    kafka.create_topic("not-appearing.one", 1)?;
    let publisher = Publisher::new(kafka)?;
    publisher.publish("appearing.one", 0..1, ["a"])?;
    publisher.publish("not-appearing.one", 0..1, ["x"])?;
    let pattern = TopicSelector::Pattern("appearing.*".to_owned());
    let mut checkpoints = Checkpoints::new();
    let mut reader = Reader::new(settings(kafka, "appearing", pattern)?)?;
    reader.turn_until(&mut checkpoints, "the first topic", |reader| {
        reader.lines.len() == 1
    })?;
    kafka.create_topic("appearing.two", 2)?;
    publisher.publish("appearing.two", 0..2, ["b", "c"])?;
    reader.turn_until(&mut checkpoints, "the new topic", |reader| {
        reader.lines.len() == 3
    })?;
    publisher.publish("appearing.one", 0..1, ["d"])?;
    reader.turn_until(&mut checkpoints, "both topics", |reader| reader.lines.len() == 4)?;
    let mut texts = reader.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["a", "b", "c", "d"]);
    Ok(())
}

/// Bytes of the process in memory now.
fn resident_bytes() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("could not read this process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kbytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no VmRSS")?;
    Ok(kbytes.trim().parse::<u64>()? * 1024)
}

/// What waits on the broker: many times what the reader may hold.
const WAITING_BYTES: usize = 160 * 1024 * 1024;
const PAYLOAD_BYTES: usize = 16 * 1024;

#[test]
fn a_reader_that_is_slow_holds_no_more_than_its_queue() -> Result<()> {
    // A broker of its own: tests beside this one must not be taken for the reader's memory, so it runs alone too.
    let kafka = Kafka::start()?;
    let topic = "slow-reader";
    kafka.create_topic(topic, 4)?;
    let publisher = Publisher::new(&kafka)?;
    let payload = vec![b'x'; PAYLOAD_BYTES];
    publisher.publish(topic, 0..4, (0..WAITING_BYTES / PAYLOAD_BYTES).map(|_| &payload))?;
    drop(publisher);

    let mut settings = settings(&kafka, "slow-reader", by_name(topic))?;
    settings.queue_kbytes = 4 * 1024;
    let mut source = KafkaSource::new(settings)?;
    let mut batch = KafkaBatch::new();
    let before = resident_bytes()?;
    let mut most = before;
    // One poll in a second's time is slow: a fetch takes milliseconds.
    let mut polls = 0;
    while polls < 20 {
        source.poll(&mut batch, WAIT)?;
        for event in batch.events().to_vec() {
            if let KafkaEvent::Assigned(sources) = event {
                let all: Vec<_> = sources
                    .iter()
                    .map(|source| (*source, ingest::source::kafka::Beginning::Configured))
                    .collect();
                source.begin(&all)?;
            }
        }
        if batch.messages() > 0 {
            polls += 1;
            std::thread::park_timeout(std::time::Duration::from_millis(250));
        }
        most = most.max(resident_bytes()?);
    }
    let read = source.counters().bytes;
    ensure!(
        read < WAITING_BYTES as u64,
        "it was not slow: everything was read"
    );
    // The queue, what one fetch may bring beyond it for each partition, one batch, and the library's own.
    let allowed = 4 * 1024 * 1024 * 4 + 4 * 1024 * 1024 + 4 * 1024 * 1024 + 24 * 1024 * 1024;
    let grown = most.saturating_sub(before);
    eprintln!(
        "grown by {} KiB while {} MiB waited",
        grown / 1024,
        (WAITING_BYTES as u64 - read) >> 20
    );
    ensure!(grown < allowed, "grown by {grown} bytes, more than {allowed}");
    Ok(())
}
