//! A reader that is slow holds no more than its queue. Alone in its process: what others hold must not be taken for its own.

use anyhow::{Context as _, Result, ensure};
use ingest::source::kafka::{
    Beginning, KafkaBatch, KafkaConnection, KafkaEvent, KafkaSettings, KafkaSource, TopicRule, TopicSelector,
};
use portcullis_tests::component::Kafka;
use portcullis_tests::stream::Publisher;
use std::time::Duration;

/// What waits on the broker: many times what the reader may hold.
const WAITING_BYTES: usize = 160 * MEBIBYTE;
const PAYLOAD_BYTES: usize = 16 * 1024;
const PARTITIONS: i32 = 4;
const MEBIBYTE: usize = 1024 * 1024;

/// What the reader may fetch ahead.
const QUEUE_KBYTES: u32 = 4 * 1024;

/// Its queue of each partition, what one fetch brings beyond it, one batch, the library's buffers and threads.
const ALLOWED_BYTES: usize = PARTITIONS as usize * (4 + 1) * MEBIBYTE + 4 * MEBIBYTE + 24 * MEBIBYTE;

/// Messages that are read while it is slow, a pause after each batch: a fetch takes milliseconds.
const POLLS: usize = 20;
const PAUSE: Duration = Duration::from_millis(250);
const WAIT: Duration = Duration::from_millis(50);

/// Bytes of the process in memory now.
fn resident_bytes() -> Result<usize> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("could not read this process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kbytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no VmRSS")?;
    Ok(kbytes.trim().parse::<usize>()? * 1024)
}

/// Reads slowly with such a queue; returns by how much the process grew at most.
fn growth(kafka: &Kafka, topic: &str, queue_kbytes: u32) -> Result<usize> {
    let rule = TopicRule::new(TopicSelector::Name(topic.to_owned()));
    let connection = KafkaConnection::plaintext(vec![kafka.bootstrap()?]);
    let group = format!("{topic}-{queue_kbytes}");
    let before = resident_bytes()?;
    let mut source = KafkaSource::new(KafkaSettings {
        queue_kbytes,
        ..KafkaSettings::new(connection, group, vec![rule])
    })?;
    let mut batch = KafkaBatch::new();
    let (mut most, mut polls) = (before, 0);
    while polls < POLLS {
        source.poll(&mut batch, WAIT)?;
        for event in batch.events().to_vec() {
            if let KafkaEvent::Assigned(sources) = event {
                let all: Vec<_> = sources
                    .iter()
                    .map(|source| (*source, Beginning::Configured))
                    .collect();
                source.begin(&all)?;
            }
        }
        if batch.messages() > 0 {
            polls += 1;
            std::thread::park_timeout(PAUSE);
        }
        most = most.max(resident_bytes()?);
    }
    let read = usize::try_from(source.counters().bytes)?;
    ensure!(read < WAITING_BYTES, "it was not slow: everything was read");
    let grown = most.saturating_sub(before);
    eprintln!(
        "grew by {} MiB; {} MiB were read, {} MiB waited",
        grown / MEBIBYTE,
        read / MEBIBYTE,
        (WAITING_BYTES - read) / MEBIBYTE
    );
    Ok(grown)
}

#[test]
fn a_reader_that_is_slow_holds_no_more_than_its_queue() -> Result<()> {
    let kafka = Kafka::start()?;
    let topic = "slow-reader";
    kafka.create_topic(topic, PARTITIONS)?;
    let publisher = Publisher::new(&kafka)?;
    let payload = vec![b'x'; PAYLOAD_BYTES];
    // A mebibyte at a time: what the writer once held would hide what the reader holds.
    for _ in 0..WAITING_BYTES / MEBIBYTE {
        publisher.publish(
            topic,
            0..PARTITIONS,
            (0..MEBIBYTE / PAYLOAD_BYTES).map(|_| &payload),
        )?;
    }
    drop(publisher);
    let bounded = growth(&kafka, topic, QUEUE_KBYTES)?;
    ensure!(
        bounded < ALLOWED_BYTES,
        "grew by {bounded} bytes, more than {ALLOWED_BYTES}"
    );
    // The measure itself: with room for everything, more is held.
    let unbounded = growth(&kafka, topic, 1024 * 1024)?;
    ensure!(
        unbounded > ALLOWED_BYTES,
        "with room for everything it grew by {unbounded} bytes only"
    );
    Ok(())
}
