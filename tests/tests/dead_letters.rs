//! Lines that cannot be read: counted, sampled for a person, sent to the dead-letter topic as they came, and the
//! stream goes on.

use anyhow::{Context as _, Result, bail};
use portcullis_tests::component::{Kafka, Listener, Portcullis, Setup};
use portcullis_tests::stream::{Publisher, ago, benign, scanner};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the dead-letter topic is asked for one more record, and how long each time.
const POLLS_MAX: u32 = 120;
const POLL_TIMEOUT: Duration = Duration::from_millis(500);

const SCANNER: &str = "203.0.113.66";
const HARMLESS_LINES: usize = 60;
const PROBES: usize = 60;

/// A dead letter: what it holds and its headers by their name without the prefix.
type Letter = (Vec<u8>, BTreeMap<String, String>);

/// What is written between good lines, and what of it comes out as dead letters, with words of the reason.
struct Spoilt {
    payload: Vec<u8>,
    letters: Vec<(Vec<u8>, &'static str)>,
}

/// A running service that reads `topic` and sends what it cannot read to `{topic}-letters`.
fn start(kafka: &Kafka, topic: &str) -> Result<Portcullis> {
    let letters = format!("{topic}-letters");
    kafka.create_topic(topic, 1)?;
    kafka.create_topic(&letters, 1)?;
    let setup = Setup::new()
        .kafka(&kafka.bootstrap()?, topic, &[topic])
        .with("kafka", &format!("dead_letter_topic = \"{letters}\""));
    Portcullis::start(&setup)
}

fn spoilt(good: &str) -> Vec<Spoilt> {
    let of = |payload: &[u8], letters: &[(&[u8], &'static str)]| Spoilt {
        payload: payload.to_vec(),
        letters: letters
            .iter()
            .map(|(text, reason)| (text.to_vec(), *reason))
            .collect(),
    };
    let batch = format!("{good}\nhalf a line\n{good}\n");
    let array = format!("[{good},\n{{\"n\": 1}}, {good}]");
    let broken_array = format!("[{good}, {{\"n\"");
    vec![
        of(
            b"\xff\xfe\x00garbage\x1b[31m",
            &[(b"\xff\xfe\x00garbage\x1b[31m", "no known format")],
        ),
        of(
            b"GET /reset?token=s3cret-of-a-client for nobody",
            &[(
                b"GET /reset?token=s3cret-of-a-client for nobody",
                "no known format",
            )],
        ),
        of(b"{\"msec\": 17", &[(b"{\"msec\": 17", "broken JSON")]),
        of(batch.as_bytes(), &[(b"half a line", "no known format")]),
        of(array.as_bytes(), &[(b"{\"n\": 1}", "")]),
        of(broken_array.as_bytes(), &[(b"{\"n\"", "broken JSON array")]),
        of(b"", &[]),
    ]
}

/// Reads that many dead letters.
fn letters(kafka: &Kafka, topic: &str, count: usize) -> Result<Vec<Letter>> {
    let consumer: BaseConsumer = kafka
        .client(Listener::Plaintext)?
        .set("group.id", format!("{topic}-readers"))
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let mut letters = Vec::new();
    for _ in 0..POLLS_MAX {
        if let Some(message) = consumer.poll(POLL_TIMEOUT) {
            letters.push(letter(&message?)?);
        }
        if letters.len() == count {
            return Ok(letters);
        }
    }
    bail!("{} of {count} letters came: {letters:?}", letters.len())
}

fn letter(message: &BorrowedMessage<'_>) -> Result<Letter> {
    let headers = message.headers().context("a letter without headers")?;
    let headers = headers
        .iter()
        .map(|header| {
            let name = header.key.strip_prefix("portcullis-").unwrap_or(header.key);
            let value = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
            (name.to_owned(), value)
        })
        .collect();
    Ok((message.payload().unwrap_or_default().to_vec(), headers))
}

#[test]
fn spoilt_lines_go_to_the_dead_letter_topic_as_they_came_with_the_reason() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "spoilt";
    let portcullis = start(kafka, topic)?;
    let publisher = Publisher::new(kafka)?;
    let good = benign(1, ago(3600), HARMLESS_LINES)?;
    let spoilt = spoilt(&good[0].text);
    publisher.lines(topic, 0..1, &good)?;
    publisher.publish(topic, 0..1, spoilt.iter().map(|spoilt| &spoilt.payload))?;

    let expected = spoilt.iter().enumerate().flat_map(|(place, spoilt)| {
        let offset = (HARMLESS_LINES + place).to_string();
        spoilt.letters.iter().map(move |letter| (offset.clone(), letter))
    });
    let expected: Vec<(String, &(Vec<u8>, &str))> = expected.collect();
    let found = letters(kafka, &format!("{topic}-letters"), expected.len())?;
    for ((payload, headers), (offset, (text, reason))) in found.iter().zip(&expected) {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(payload, text, "{shown}");
        assert_eq!(headers["topic"], topic, "{shown}");
        assert_eq!(headers["partition"], "0", "{shown}");
        assert_eq!(&headers["offset"], offset, "{shown}");
        assert_eq!(headers["length"], text.len().to_string(), "{shown}");
        assert!(!headers["reason"].is_empty(), "{shown}");
        assert!(
            headers["reason"].contains(reason),
            "{shown}: {}",
            headers["reason"]
        );
    }
    let count = expected.len() as f64;
    portcullis.wait_until("it counted the letters", |portcullis| {
        Ok(portcullis.metrics("dead_letters_total")? == count)
    })?;
    assert_eq!(portcullis.metrics("rejected_total")?, count);
    assert_eq!(portcullis.metrics("dead_letters_failed_total")?, 0.0);
    Ok(())
}

#[test]
fn a_person_finds_samples_of_spoilt_lines_without_the_secrets_in_them() -> Result<()> {
    let kafka = Kafka::shared()?;
    let portcullis = start(kafka, "sampled")?;
    let publisher = Publisher::new(kafka)?;
    let good = benign(1, ago(3600), 1)?;
    let spoilt = spoilt(&good[0].text);
    publisher.publish("sampled", 0..1, spoilt.iter().map(|spoilt| &spoilt.payload))?;
    let count: usize = spoilt.iter().map(|spoilt| spoilt.letters.len()).sum();
    let mut samples = Vec::new();
    portcullis.wait_until("every sample was there", |portcullis| {
        samples = portcullis.list("/api/v1/rejected")?;
        Ok(samples.len() == count)
    })?;
    let text = |sample: &Value, name: &str| sample[name].as_str().unwrap_or_default().to_owned();
    for sample in &samples {
        assert_eq!(text(sample, "source"), "sampled[0]");
        assert!(!text(sample, "reason").is_empty(), "{sample}");
        assert!(text(sample, "sample").is_ascii(), "{sample}");
    }
    let all = serde_json::to_string(&samples)?;
    assert!(all.contains("garbage") && all.contains("half a line"), "{all}");
    assert!(all.contains("/reset?token="), "{all}");
    assert!(!all.contains("s3cret"), "{all}");
    Ok(())
}

#[test]
fn good_lines_between_spoilt_ones_are_judged_as_ever() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "between";
    let portcullis = start(kafka, topic)?;
    let publisher = Publisher::new(kafka)?;
    let start = ago(60);
    let harmless = benign(1, start, HARMLESS_LINES)?;
    publisher.lines(topic, 0..1, &harmless)?;
    let spoilt = spoilt(&harmless[0].text);
    let mut good_inside = 0;
    for (probe, spoilt) in scanner(SCANNER, start, PROBES).iter().zip(spoilt.iter().cycle()) {
        publisher.publish(topic, 0..1, [probe.text.as_bytes(), &spoilt.payload])?;
        good_inside += String::from_utf8_lossy(&spoilt.payload)
            .matches(&harmless[0].text)
            .count();
    }
    let requests = (HARMLESS_LINES + PROBES + good_inside) as f64;
    portcullis.wait_until("it read every good line", |portcullis| {
        Ok(portcullis.metrics("requests_total")? >= requests)
    })?;
    portcullis.wait_until("it blocked the scanner", |portcullis| {
        let decisions = portcullis.decisions()?;
        Ok(decisions.iter().any(|decision| {
            decision["value"] == SCANNER && decision["action"] == "block" && decision["mode"] == "enforced"
        }))
    })?;
    assert_eq!(portcullis.metrics("requests_total")?, requests);
    assert_eq!(portcullis.health_part("reading")?["is_ok"], true);
    assert_eq!(portcullis.metrics("kafka_offsets_lost_total")?, 0.0);
    Ok(())
}
