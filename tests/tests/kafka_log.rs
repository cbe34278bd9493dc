//! What a real Apache Kafka's log can be: compacted, transactional, compressed; and where in it reading begins.

use anyhow::{Context as _, Result, ensure};
use domain::Timestamp;
use ingest::source::kafka::{FirstStart, GapCause, KafkaConnection, KafkaSettings, TopicRule, TopicSelector};
use portcullis_tests::component::{Kafka, Listener};
use portcullis_tests::reader::{Checkpoints, Reader};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::time::Duration;

/// How long one request to the broker may take before the test fails with what the client says.
const ANSWER: Duration = Duration::from_secs(60);

fn settings(kafka: &Kafka, topic: &str) -> Result<KafkaSettings> {
    let connection = KafkaConnection::plaintext(vec![kafka.bootstrap()?]);
    let rule = TopicRule::new(TopicSelector::Name(topic.to_owned()));
    Ok(KafkaSettings::new(
        connection,
        format!("{topic}-readers"),
        vec![rule],
    ))
}

fn producer(kafka: &Kafka, more: &[(&str, &str)]) -> Result<BaseProducer> {
    let mut config: ClientConfig = kafka.client(Listener::Plaintext)?;
    for (key, value) in more {
        config.set(*key, *value);
    }
    Ok(config.create()?)
}

fn send(producer: &BaseProducer, topic: &str, key: &str, text: &str) -> Result<()> {
    let record = BaseRecord::<str, str>::to(topic)
        .partition(0)
        .key(key)
        .payload(text);
    producer.send(record).map_err(|(error, _)| error)?;
    Ok(())
}

#[test]
fn what_compaction_took_out_is_skipped_and_not_lost() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "compacted";
    // Cleaned as soon as there is something to clean, in small segments: the active one is never compacted.
    let own = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.001"),
        ("segment.ms", "100"),
        ("min.compaction.lag.ms", "0"),
        ("delete.retention.ms", "0"),
    ];
    kafka.create_topic_with(topic, 1, &own)?;
    let writer = producer(kafka, &[])?;
    for number in 0..50 {
        send(&writer, topic, "same", &format!("old {number}"))?;
        send(
            &writer,
            topic,
            &format!("own {number}"),
            &format!("kept {number}"),
        )?;
        writer.flush(ANSWER)?;
    }
    let mut checkpoints = Checkpoints::new();
    // A new segment with each record; the cleaner looks every few seconds. A reader that comes then sees the gaps.
    let mut found = None;
    for attempt in 0..120 {
        send(&writer, topic, "same", &format!("late {attempt}"))?;
        writer.flush(ANSWER)?;
        std::thread::park_timeout(Duration::from_millis(500));
        let mut settings = settings(kafka, topic)?;
        settings.group = format!("compacted-{attempt}");
        let mut reader = Reader::new(settings)?;
        let last = format!("late {attempt}");
        checkpoints.clear();
        reader.turn_until(&mut checkpoints, "the last record", |reader| {
            reader.texts().contains(&last.as_str())
        })?;
        if !reader.gaps.is_empty() {
            found = Some(reader);
            break;
        }
    }
    let reader = found.context("nothing was compacted in a minute")?;
    assert!(
        reader.gaps.iter().all(|gap| gap.cause == GapCause::Skipped),
        "{:?}",
        reader.gaps
    );
    let counters = reader.source.counters();
    assert_eq!((counters.offsets_lost, counters.rewinds), (0, 0));
    assert!(counters.offsets_skipped > 0);
    let texts = reader.texts();
    for number in 0..50 {
        let kept = format!("kept {number}");
        assert!(texts.contains(&kept.as_str()), "{kept} is missing");
    }
    Ok(())
}

#[test]
fn of_transactions_only_what_was_committed_is_read_and_their_marks_are_no_loss() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "transactional";
    kafka.create_topic(topic, 1)?;
    let writer = producer(kafka, &[("transactional.id", "transactional-writer")])?;
    writer.init_transactions(ANSWER)?;
    for (number, is_committed) in [true, false, true, false, true].into_iter().enumerate() {
        writer.begin_transaction()?;
        for line in 0..3 {
            let word = if is_committed { "committed" } else { "aborted" };
            send(&writer, topic, "k", &format!("{word} {number} {line}"))?;
        }
        writer.flush(ANSWER)?;
        if is_committed {
            writer.commit_transaction(ANSWER)?;
        } else {
            writer.abort_transaction(ANSWER)?;
        }
    }
    let mut checkpoints = Checkpoints::new();
    let mut reader = Reader::new(settings(kafka, topic)?)?;
    reader.turn_until(&mut checkpoints, "nine lines", |reader| reader.lines.len() == 9)?;
    // One that is still open holds back what comes behind it.
    writer.begin_transaction()?;
    send(&writer, topic, "k", "open")?;
    writer.flush(ANSWER)?;
    for _ in 0..20 {
        reader.turn(&mut checkpoints)?;
    }
    assert_eq!(reader.lines.len(), 9);
    writer.commit_transaction(ANSWER)?;
    reader.turn_until(&mut checkpoints, "the open one", |reader| {
        reader.lines.len() == 10
    })?;
    assert!(
        reader
            .texts()
            .iter()
            .all(|text| text.starts_with("committed") || *text == "open"),
        "{:?}",
        reader.texts()
    );
    assert!(
        reader.gaps.iter().all(|gap| gap.cause == GapCause::Skipped),
        "{:?}",
        reader.gaps
    );
    let counters = reader.source.counters();
    assert_eq!((counters.offsets_lost, counters.rewinds), (0, 0));
    // Two aborted transactions of three records, and the marks of the five that had ended before and of the last one's forerunner.
    assert_eq!(counters.offsets_skipped, 2 * 3 + 5);
    Ok(())
}

#[test]
fn every_compression_that_producers_use_is_read() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "compressed";
    kafka.create_topic(topic, 1)?;
    let kinds = ["none", "gzip", "snappy", "lz4", "zstd"];
    let padding = "a line that can be compressed ".repeat(20);
    for kind in kinds {
        let writer = producer(kafka, &[("compression.type", kind), ("linger.ms", "50")])?;
        for number in 0..20 {
            send(&writer, topic, "k", &format!("{kind} {number} {padding}"))?;
        }
        writer.flush(ANSWER)?;
    }
    let mut checkpoints = Checkpoints::new();
    let mut reader = Reader::new(settings(kafka, topic)?)?;
    reader.turn_until(&mut checkpoints, "all lines", |reader| {
        reader.lines.len() == 20 * kinds.len()
    })?;
    let mut expected = Vec::new();
    for kind in kinds {
        expected.extend((0..20).map(|number| format!("{kind} {number} {}", padding.trim_end())));
    }
    let texts: Vec<&str> = reader.texts().iter().map(|text| text.trim_end()).collect();
    assert_eq!(texts, expected);
    Ok(())
}

/// When the first record was made that a test about times writes, and the seconds between two.
const FIRST_AT: i64 = 1_900_000_000;
const STEP_SECS: i64 = 60;

/// A reader that begins at that time.
fn from(kafka: &Kafka, topic: &str, secs: i64, checkpoints: &mut Checkpoints) -> Result<Reader> {
    let mut settings = settings(kafka, topic)?;
    settings.group = format!("{topic}-{secs}");
    settings.first_start = FirstStart::At(Timestamp::from_secs(secs));
    let mut reader = Reader::new(settings)?;
    reader.turn_until(checkpoints, "its partitions", |reader| reader.owned() == 2)?;
    Ok(reader)
}

#[test]
fn reading_begins_at_the_first_record_of_a_time_and_a_checkpoint_goes_before_it() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "from-a-time";
    // The times lie ahead, where no retention looks.
    kafka.create_topic_with(
        topic,
        2,
        &[("message.timestamp.after.max.ms", "9223372036854775807")],
    )?;
    let writer = producer(kafka, &[])?;
    let write = |number: i64| -> Result<()> {
        let text = format!("line {number}");
        let millis = (FIRST_AT + number * STEP_SECS) * 1000;
        let record = BaseRecord::<(), str>::to(topic)
            .partition((number % 2) as i32)
            .timestamp(millis)
            .payload(&text);
        writer.send(record).map_err(|(error, _)| error)?;
        Ok(())
    };
    (0..10).try_for_each(write)?;
    writer.flush(ANSWER)?;

    let mut checkpoints = Checkpoints::new();
    let mut reader = from(kafka, topic, FIRST_AT + 6 * STEP_SECS - 1, &mut checkpoints)?;
    reader.turn_until(&mut checkpoints, "four lines", |reader| reader.lines.len() == 4)?;
    let mut texts = reader.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["line 6", "line 7", "line 8", "line 9"]);
    drop(reader);

    // After the last record: what comes next.
    let mut reader = from(kafka, topic, FIRST_AT + 100 * STEP_SECS, &mut checkpoints)?;
    (10..12).try_for_each(write)?;
    writer.flush(ANSWER)?;
    reader.turn_until(&mut checkpoints, "two lines", |reader| reader.lines.len() == 2)?;
    drop(reader);

    // Before the first: everything.
    let mut reader = from(kafka, topic, 0, &mut checkpoints)?;
    reader.turn_until(&mut checkpoints, "twelve lines", |reader| {
        reader.lines.len() == 12
    })?;
    drop(reader);

    let mut checkpoints = Checkpoints::from([((topic.to_owned(), 0), 5), ((topic.to_owned(), 1), 6)]);
    let mut reader = from(kafka, topic, FIRST_AT, &mut checkpoints)?;
    reader.turn_until(&mut checkpoints, "what the checkpoint left", |reader| {
        !reader.lines.is_empty()
    })?;
    ensure!(reader.texts() == ["line 10"], "{:?}", reader.texts());
    Ok(())
}
