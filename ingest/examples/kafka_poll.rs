//! A bare consumer of librdkafka: polls a topic's messages and does nothing with them. What reading from Kafka costs at
//! least; `scripts/bench-kafka.sh` holds Portcullis against it.
//!
//! `kafka_poll BROKER TOPIC MESSAGES` prints the CPU seconds (user and system, all threads) from the consumer's making to the
//! last message.

use ingest::source::kafka::{FETCH_QUEUE_BACKOFF_MS, QUEUE_KBYTES};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

/// How long one poll waits, and how many in a row may give nothing.
const WAIT: Duration = Duration::from_millis(100);
const EMPTY_POLLS_MAX: u32 = 600;

/// Clock ticks of `/proc/self/stat` in a second, the same on every Linux that we build for.
const TICKS_PER_SEC: f64 = 100.0;

fn cpu_secs() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name, in parentheses, may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let field = |place: usize| {
        fields
            .get(place)
            .ok_or("a short stat")
            .map(|text| text.parse::<f64>())
    };
    Ok((field(11)?? + field(12)??) / TICKS_PER_SEC)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [broker, topic, wanted] = arguments.as_slice() else {
        return Err("usage: kafka_poll BROKER TOPIC MESSAGES".into());
    };
    let wanted: u64 = wanted.parse()?;
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", format!("bare-{topic}-{}", std::process::id()))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("queued.max.messages.kbytes", QUEUE_KBYTES.to_string())
        .set("fetch.queue.backoff.ms", FETCH_QUEUE_BACKOFF_MS.to_string())
        .create()?;
    consumer.subscribe(&[topic])?;
    let began = cpu_secs()?;
    let (mut messages, mut bytes, mut empty) = (0, 0, 0);
    while messages < wanted {
        match consumer.poll(WAIT) {
            Some(message) => {
                bytes += message?.payload_len();
                messages += 1;
                empty = 0;
            }
            None if empty < EMPTY_POLLS_MAX => empty += 1,
            None => return Err(format!("{messages} of {wanted} messages came").into()),
        }
    }
    writeln!(std::io::stdout(), "{:.3} {bytes}", cpu_secs()? - began)?;
    Ok(())
}
