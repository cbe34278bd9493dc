//! Access-log lines for tests: harmless clients over an hour, and attackers, the same for the same seed and start.
//!
//! Lines are JSON as NGINX writes it with `deploy/nginx/log-format.conf`.

use crate::component::Kafka;
use crate::component::Listener;
use anyhow::{Context as _, Result, anyhow, ensure};
use domain::{HashKey, Timestamp};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use simulator::{Simulation, scenario};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The scenario whose harmless clients are taken: an hour of them on four sites.
const SCENARIO: &str = "reconnaissance";
/// Harmless clients that are left out: they fail to sign in for an hour, as a slow attacker does. How often the two are
/// told apart is for the evaluation to say; these tests need clients about whom there is no question.
const LOOK_ALIKES: [&str; 2] = ["broken_client", "password_forgetter"];
/// Requests planned for each that is wanted: the scenario's attackers make some of them and are left out, and what is
/// wanted comes from within its hour.
const PLANNED: usize = 3;

/// How long the broker may take for everything that was sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a full queue of the producer is given before it is tried again.
const QUEUE_WAIT: Duration = Duration::from_millis(50);

/// The agent of an ordinary browser.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// What no site has and scanners ask for.
const PROBES: [&str; 12] = [
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/wp-config.php.bak",
    "/backup.sql",
    "/.aws/credentials",
    "/phpmyadmin/index.php",
    "/.ssh/id_rsa",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/actuator/env",
    "/server-status",
    "/config.json",
];

/// One line and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When the request came.
    pub at: Timestamp,
    /// The client's address.
    pub address: String,
    /// The line.
    pub text: String,
}

/// The moment so many seconds ago: decisions about what is older than their own life are not carried out.
pub fn ago(secs: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap_or(i64::MAX) - secs)
}

/// That many requests of harmless clients, all within an hour; the more requests, the more clients.
pub fn benign(seed: u64, start: Timestamp, count: usize) -> Result<Vec<Line>> {
    let scenario = scenario(SCENARIO).with_context(|| format!("no scenario {SCENARIO}"))?;
    let format = ingest::format::by_name("nginx_json").context("no format nginx_json")?;
    let mut simulation = Simulation::sized(scenario, seed, start, (count * PLANNED) as u64);
    let mut lines = Vec::with_capacity(count);
    while lines.len() < count {
        let request = simulation.next().context("the simulation ended")?;
        let is_attacker = simulation
            .label(request.client)
            .is_none_or(simulator::Label::is_attack);
        let behaviour = simulation.behaviour_name(request.client);
        if is_attacker || behaviour.is_none_or(|name| LOOK_ALIKES.contains(&name)) {
            continue;
        }
        let mut text = Vec::new();
        format.render(&request.record(&HashKey::new([0; 16])), &mut text);
        lines.push(Line {
            at: request.at,
            address: request.address.to_string(),
            text: String::from_utf8(text).context("a line is no text")?,
        });
    }
    ensure!(
        lines.last().is_none_or(|last| last.at < start.plus_secs(3_600)),
        "{count} requests of seed {seed} take longer than an hour"
    );
    Ok(lines)
}

/// A scanner: three probes a second for what is not there.
pub fn scanner(address: &str, start: Timestamp, count: usize) -> Vec<Line> {
    probes(address, start, count, 330, "Mozilla/5.0 zgrab/0.x")
}

/// A scanner that stays under every rate: a probe each 25 seconds, with a browser's agent.
pub fn slow_scanner(address: &str, start: Timestamp, count: usize) -> Vec<Line> {
    probes(address, start, count, 25_000, BROWSER)
}

/// Somebody who guesses passwords, one a minute or so, with a browser's agent: it takes a quarter of an hour to be sure of
/// him. He keeps no beat, as a program would that holds on to an old password.
pub fn password_guesser(address: &str, start: Timestamp, count: usize) -> Vec<Line> {
    let times = (0..).map(|number| start.plus_secs(number * 60 + number * 37 % 41));
    let times = times.take(count);
    times
        .map(|at| line(at, address, "POST", "/login", 401, BROWSER))
        .collect()
}

fn probes(address: &str, start: Timestamp, count: usize, pause_ms: i64, agent: &str) -> Vec<Line> {
    let times = (0..).map(|number| start.plus_millis(number * pause_ms));
    let targets = PROBES.iter().cycle().take(count);
    targets
        .zip(times)
        .map(|(target, at)| line(at, address, "GET", target, 404, agent))
        .collect()
}

/// One request as a line.
pub fn line(at: Timestamp, address: &str, method: &str, target: &str, status: u16, agent: &str) -> Line {
    let (secs, millis) = (at.as_secs(), at.as_millis().rem_euclid(1000));
    let text = format!(
        "{{\"time\":\"{at}\",\"msec\":{secs}.{millis:03},\"remote_addr\":\"{address}\",\"x_forwarded_for\":\"\",\
         \"method\":\"{method}\",\"scheme\":\"https\",\"host\":\"shop.example\",\"request_uri\":{},\
         \"protocol\":\"HTTP/1.1\",\"status\":{status},\"body_bytes_sent\":153,\"request_length\":210,\
         \"request_time\":0.002,\"upstream_status\":\"\",\"upstream_response_time\":\"\",\"user_agent\":{},\
         \"referer\":\"\",\"ssl_protocol\":\"TLSv1.3\",\"ssl_cipher\":\"\",\"request_id\":\"\",\
         \"portcullis_decision\":\"\"}}",
        serde_json::Value::from(target),
        serde_json::Value::from(agent),
    );
    Line {
        at,
        address: address.to_owned(),
        text,
    }
}

/// Several streams as one, in the order of their times.
pub fn merged(streams: impl IntoIterator<Item = Vec<Line>>) -> Vec<Line> {
    let mut lines: Vec<Line> = streams.into_iter().flatten().collect();
    lines.sort_by_key(|line| line.at);
    lines
}

/// Writes records into topics.
pub struct Publisher {
    producer: BaseProducer,
}

impl Publisher {
    /// Connects to the broker's plaintext listener.
    pub fn new(kafka: &Kafka) -> Result<Self> {
        Self::with(kafka, "none")
    }

    /// The same, and packs what it writes: for tests that write gigabytes.
    pub fn packing(kafka: &Kafka) -> Result<Self> {
        Self::with(kafka, "lz4")
    }

    fn with(kafka: &Kafka, compression: &str) -> Result<Self> {
        let producer = kafka
            .client(Listener::Plaintext)?
            .set("compression.type", compression)
            .set("linger.ms", "5")
            .set("acks", "all")
            .create()?;
        Ok(Self { producer })
    }

    /// Writes one record to each of the partitions in turn, and returns when the broker has all of them.
    pub fn publish<P: AsRef<[u8]>>(
        &self,
        topic: &str,
        partitions: std::ops::Range<i32>,
        payloads: impl IntoIterator<Item = P>,
    ) -> Result<()> {
        for (payload, partition) in payloads.into_iter().zip(partitions.cycle()) {
            let record = BaseRecord::<(), [u8]>::to(topic).partition(partition);
            self.queue(record.payload(payload.as_ref()))?;
        }
        self.flush()
    }

    /// Returns when the broker has everything.
    fn flush(&self) -> Result<()> {
        self.producer
            .flush(FLUSH_TIMEOUT)
            .context("the broker did not take every record")
    }

    /// The same for lines, each record at its line's own time.
    pub fn lines_at_their_times(
        &self,
        topic: &str,
        partitions: std::ops::Range<i32>,
        lines: &[Line],
    ) -> Result<()> {
        for (line, partition) in lines.iter().zip(partitions.cycle()) {
            let record = BaseRecord::<(), [u8]>::to(topic)
                .partition(partition)
                .timestamp(line.at.as_millis())
                .payload(line.text.as_bytes());
            self.queue(record)?;
        }
        self.flush()
    }

    /// Writes lines to each of the partitions in turn, a record each.
    pub fn lines(&self, topic: &str, partitions: std::ops::Range<i32>, lines: &[Line]) -> Result<()> {
        self.publish(topic, partitions, lines.iter().map(|line| &line.text))
    }

    /// Queues one record; waits for room.
    fn queue(&self, mut record: BaseRecord<'_, (), [u8]>) -> Result<()> {
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(QUEUE_WAIT);
                }
                Err((error, record)) => return Err(anyhow!("could not write to {}: {error}", record.topic)),
            }
        }
    }
}
