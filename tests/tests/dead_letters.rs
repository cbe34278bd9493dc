//! Lines that cannot be read: counted, sampled for a person, sent to the dead-letter topic as they came, and the
//! stream goes on.

use anyhow::{Context as _, Result, bail};
use domain::Timestamp;
use portcullis_tests::component::{Kafka, Listener, Portcullis, Setup};
use portcullis_tests::stream::{Publisher, ago, benign, scanner};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
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

/// A service whose topic names gateways in a header, and keeps what cannot be read.
fn start_with_gateways(kafka: &Kafka, topic: &str) -> Result<Portcullis> {
    let letters_topic = format!("{topic}-letters");
    kafka.create_topic(topic, 1)?;
    kafka.create_topic(&letters_topic, 1)?;
    let bootstrap = kafka.bootstrap()?;
    let kafka_section =
        format!("brokers = [\"{bootstrap}\"]\ngroup = \"{topic}\"\ndead_letter_topic = \"{letters_topic}\"");
    let topics = format!("name = \"{topic}\"\ngateway = \"unnamed\"\ngateway_header = \"gateway\"");
    let setup = Setup::new()
        .with("kafka", &kafka_section)
        .with("[kafka.topics]", &topics);
    Portcullis::start(&setup)
}

/// Sends records with a key, those headers and that time.
fn send_records(
    kafka: &Kafka,
    topic: &str,
    at: Timestamp,
    records: &[(&str, &[(&str, &str)])],
) -> Result<()> {
    let producer: BaseProducer = kafka.client(Listener::Plaintext)?.create()?;
    for (payload, headers) in records {
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(*value),
            })
        });
        let record = BaseRecord::<str, str>::to(topic)
            .partition(0)
            .key("a key")
            .payload(payload)
            .headers(headers)
            .timestamp(at.as_millis());
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

const TRACED: &[(&str, &str)] = &[("gateway", "edge-7"), ("trace", "1"), ("trace", "2")];

#[test]
fn a_dead_letter_carries_what_its_record_carried() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "carried";
    let portcullis = start_with_gateways(kafka, topic)?;
    let at = ago(60);
    send_records(kafka, topic, at, &[("half a line", TRACED)])?;

    let consumer: BaseConsumer = kafka
        .client(Listener::Plaintext)?
        .set("group.id", "carried-readers")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&format!("{topic}-letters"), 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    let message = (0..POLLS_MAX)
        .find_map(|_| consumer.poll(POLL_TIMEOUT))
        .context("no letter came")??;
    assert_eq!(
        (message.key(), message.payload()),
        (Some(&b"a key"[..]), Some(&b"half a line"[..]))
    );
    let (_, carried) = letter(&message)?;
    assert_eq!(carried["time"], at.to_string());
    assert_eq!(carried["gateway"], "edge-7");
    assert_eq!(carried["original-gateway"], "edge-7");
    let headers = message.headers().context("no headers")?;
    let traces = headers
        .iter()
        .filter(|header| header.key == "portcullis-original-trace");
    assert_eq!(
        traces.filter_map(|header| header.value).collect::<Vec<_>>(),
        [b"1", b"2"]
    );
    drop(portcullis);
    Ok(())
}

#[test]
fn figures_name_topic_reason_and_gateway() -> Result<()> {
    let kafka = Kafka::shared()?;
    let topic = "figured";
    let portcullis = start_with_gateways(kafka, topic)?;
    let good = &benign(1, ago(3600), 1)?[0];
    let named: &[(&str, &str)] = &[("gateway", "edge-7")];
    let records = [("half a line", TRACED), (&good.text, named), (&good.text, &[])];
    send_records(kafka, topic, ago(60), &records)?;
    portcullis.wait_until("it read all three", |portcullis| {
        Ok(portcullis.metrics("lines_total")? == 3.0)
    })?;
    let lag = "kafka_topic_lag_messages{topic=\"figured\"}";
    let partitions = "kafka_topic_partitions{topic=\"figured\"}";
    portcullis.wait_until("its figures show them", |portcullis| {
        Ok(portcullis.metrics(lag)? == 0.0 && portcullis.metrics(partitions)? == 1.0)
    })?;
    let bytes = (2 * good.text.len() + "half a line".len()) as f64;
    for (name, expected) in [
        ("kafka_topic_lines_total{topic=\"figured\"}", 3.0),
        ("kafka_topic_requests_total{topic=\"figured\"}", 2.0),
        ("kafka_topic_bytes_total{topic=\"figured\"}", bytes),
        (
            "kafka_topic_rejected_total{topic=\"figured\",reason=\"unknown_format\"}",
            1.0,
        ),
        ("kafka_gateway_lines_total{gateway=\"edge-7\"}", 2.0),
        ("kafka_gateway_lines_total{gateway=\"unnamed\"}", 1.0),
        ("kafka_state{state=\"reading\"}", 1.0),
        ("kafka_state{state=\"troubled\"}", 0.0),
        // A minute ago by the records, an hour and more by the requests.
        (
            "kafka_delay_seconds_count{topic=\"figured\",since=\"record\"}",
            3.0,
        ),
        (
            "kafka_delay_seconds_bucket{topic=\"figured\",since=\"record\",le=\"30\"}",
            0.0,
        ),
        (
            "kafka_delay_seconds_bucket{topic=\"figured\",since=\"record\",le=\"1800\"}",
            3.0,
        ),
        (
            "kafka_delay_seconds_bucket{topic=\"figured\",since=\"request\",le=\"1800\"}",
            0.0,
        ),
        (
            "kafka_delay_seconds_bucket{topic=\"figured\",since=\"request\",le=\"+Inf\"}",
            2.0,
        ),
    ] {
        assert_eq!(portcullis.metrics(name)?, expected, "{name}");
    }
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
