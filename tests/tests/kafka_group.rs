//! Members of a group on a real Apache Kafka, under load: rebalances, and topics that appear.

use anyhow::Result;
use ingest::source::kafka::{KafkaConnection, KafkaSettings, TopicRule, TopicSelector};
use portcullis_tests::component::Kafka;
use portcullis_tests::reader::{Checkpoints, Read, Reader};
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

const LOAD_PARTITIONS: i32 = 6;

/// Lines that are written together, and most in all: the writer goes on while members come and go, and not for ever.
const LOAD_CHUNK: usize = 200;
const LOAD_LINES_MAX: usize = 2_000_000;

/// Lines between two checkpoints of a member.
const CHECKPOINT_LINES: usize = 2_000;

/// Members that share checkpoints, all polled in turn.
#[derive(Default)]
struct Members {
    members: Vec<Reader>,
    /// How many lines members read that left.
    left: usize,
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
        self.left += member.lines.len();
        Ok(())
    }

    fn lines(&self) -> usize {
        self.left
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

/// Writes numbered lines until it is told to stop; returns how many.
fn write_until(kafka: &Kafka, topic: &str, is_over: &AtomicBool) -> Result<usize> {
    let publisher = Publisher::new(kafka)?;
    let mut written = 0;
    while !is_over.load(Ordering::Relaxed) && written < LOAD_LINES_MAX {
        let lines = (written..written + LOAD_CHUNK).map(|number| format!("line {number}"));
        publisher.publish(topic, 0..LOAD_PARTITIONS, lines)?;
        written += LOAD_CHUNK;
    }
    Ok(written)
}

/// One member, two, three, and two again, each reading more before the next change.
fn come_and_go(members: &mut Members, settings: &KafkaSettings) -> Result<()> {
    let mut read = 0;
    let mut go_on = |members: &mut Members| {
        read = members.lines() + 2_000;
        members.turn_until("they go on", |all| all.lines() > read)
    };
    members.join(settings)?;
    members.turn_until("the first member reads everything", |all| all.shares() == [6])?;
    go_on(members)?;
    members.join(settings)?;
    members.turn_until("two members share", |all| all.shares() == [3, 3])?;
    go_on(members)?;
    members.join(settings)?;
    members.turn_until("three members share", |all| all.shares() == [2, 2, 2])?;
    go_on(members)?;
    members.leave()?;
    members.turn_until("two are left", |all| all.shares() == [3, 3])?;
    go_on(members)
}

#[test]
fn members_that_come_and_go_under_load_lose_nothing_and_repeat_nothing_that_was_made_durable() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "under-load";
    kafka.create_topic(topic, LOAD_PARTITIONS)?;
    let settings = settings(kafka, topic, by_name(topic))?;
    let is_over = AtomicBool::new(false);
    let mut members = Members::default();
    let written = std::thread::scope(|scope| -> Result<usize> {
        let writer = scope.spawn(|| write_until(kafka, topic, &is_over));
        let done = come_and_go(&mut members, &settings);
        // The writer ends also when the members failed.
        is_over.store(true, Ordering::Relaxed);
        let written = writer
            .join()
            .map_err(|_| anyhow::anyhow!("the writer panicked"))?;
        done.and(written)
    })?;
    let end = |all: &Members| all.checkpoints.values().sum::<u64>();
    for _ in 0..TURNS_MAX {
        if end(&members) >= written as u64 {
            break;
        }
        members.turn()?;
        members.checkpoint()?;
    }
    let repeated: Vec<_> = members
        .durable
        .iter()
        .filter(|(_, times)| **times > 1)
        .take(5)
        .collect();
    assert!(repeated.is_empty(), "made durable twice: {repeated:?}");
    let read: BTreeSet<&str> = members.durable.keys().map(|line| line.text.as_str()).collect();
    assert_eq!(read.len(), written, "lines are missing");
    assert!(members.members.iter().all(|member| member.gaps.is_empty()));
    assert_eq!(kafka.committed(topic, topic, LOAD_PARTITIONS)?, written as u64);
    eprintln!("{written} lines, {} deliveries", members.lines());
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
