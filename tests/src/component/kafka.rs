//! A real Apache Kafka broker, by the recipe in `tests/kafka`.

use super::{Command, Stop, Supervised, checkout, folder, free_ports, program, run, start_with_retries};
use anyhow::{Context as _, Result, anyhow, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// How long one question for metadata may take while the broker starts.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a broker that has just started is asked about a group.
const COORDINATOR_QUESTIONS_MAX: usize = 30;

/// How long one question about a group may take before the test fails with what the client says.
const GROUP_TIMEOUT: Duration = Duration::from_secs(60);

/// The ways into the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// No password, no encryption.
    Plaintext,
    /// SASL with SCRAM-SHA-512, unencrypted.
    Scram,
    /// TLS, the broker's certificate signed by an authority of the test's own.
    Tls,
    /// SCRAM-SHA-512 inside TLS.
    ScramTls,
    /// SASL with a token (OAUTHBEARER), unencrypted. The client brings the token: see [`unsigned_token`].
    Token,
}

impl Listener {
    /// Those whose settings say everything.
    pub const ALL: [Listener; 4] = [
        Listener::Plaintext,
        Listener::Scram,
        Listener::Tls,
        Listener::ScramTls,
    ];

    fn file_name(self) -> &'static str {
        match self {
            Listener::Plaintext => "plaintext.conf",
            Listener::Scram => "scram.conf",
            Listener::Tls => "tls.conf",
            Listener::ScramTls => "scram_tls.conf",
            Listener::Token => "token.conf",
        }
    }
}

/// A broker of one node that runs until this value is dropped.
#[derive(Debug)]
pub struct Kafka {
    // Dropped before the folder: the order of the fields is the order of the end.
    broker: Option<Supervised>,
    folder: tempfile::TempDir,
}

impl Kafka {
    /// Starts a broker of this test's own and waits until it answers.
    pub fn start() -> Result<Self> {
        program("java")?;
        start_with_retries(Self::start_once)
    }

    /// The broker that all tests of this process share; they keep apart by their topics and groups.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    fn start_once() -> Result<Self> {
        let folder = folder("kafka")?;
        let ports = free_ports::<6>()?;
        run(std::process::Command::new(script())
            .arg("prepare")
            .arg(folder.path())
            .args(ports.map(|port| port.to_string())))?;
        let mut kafka = Self { broker: None, folder };
        kafka.start_again()?;
        Ok(kafka)
    }

    /// Starts the broker on its own data after [`Kafka::crash`].
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(self.broker.is_none(), "the broker is running");
        let command = Command::new("kafka", self.folder.path(), Stop::Kill, script()).args(["serve"]);
        let broker = Supervised::start(&command.args([self.folder.path()]))?;
        let client: BaseConsumer = self.client(Listener::Plaintext)?.create()?;
        // It is up when it answers for metadata, not when the port opens.
        broker.wait_until("it answered", || {
            client
                .fetch_metadata(None, METADATA_TIMEOUT)
                .is_ok_and(|answer| !answer.brokers().is_empty())
        })?;
        self.broker = Some(broker);
        Ok(())
    }

    /// Kills the broker as a power cut would; its records and offsets stay for [`Kafka::start_again`].
    pub fn crash(&mut self) -> Result<()> {
        self.broker.take().context("the broker is not running")?.crash()
    }

    /// Sends the broker a signal by name: `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) -> Result<()> {
        self.broker
            .as_ref()
            .context("the broker is not running")?
            .signal(signal)
    }

    /// The address of the plaintext listener.
    pub fn bootstrap(&self) -> Result<String> {
        self.address(Listener::Plaintext)
    }

    /// The address of a listener.
    pub fn address(&self, listener: Listener) -> Result<String> {
        self.client(listener)?
            .get("bootstrap.servers")
            .map(str::to_owned)
            .context("the client settings name no broker")
    }

    /// The settings, in librdkafka's words, with which a client gets in by `listener`.
    pub fn properties(&self, listener: Listener) -> Result<Vec<(String, String)>> {
        let file = self.folder.path().join("clients").join(listener.file_name());
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect())
    }

    /// A client configuration with these settings and nothing else.
    pub fn client(&self, listener: Listener) -> Result<ClientConfig> {
        Ok(ClientConfig::from_iter(self.properties(listener)?))
    }

    /// Makes a topic. Tests do so before anyone writes: a topic made by its first write may lose that write.
    pub fn create_topic(&self, topic: &str, partitions: i32) -> Result<()> {
        self.create_topic_with(topic, partitions, &[])
    }

    /// Makes a topic with settings of its own: `("cleanup.policy", "compact")`.
    pub fn create_topic_with(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client(Listener::Plaintext)?.create()?;
        let new_topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let new_topic = settings
            .iter()
            .fold(new_topic, |topic, (key, value)| topic.set(key, value));
        let results = futures::executor::block_on(admin.create_topics([&new_topic], &AdminOptions::new()))
            .with_context(|| format!("could not create the topic {topic}"))?;
        for result in results {
            result.map_err(|(topic, code)| anyhow!("could not create the topic {topic}: {code}"))?;
        }
        Ok(())
    }

    /// How many records of a topic a group has behind it for good: the sum of its committed offsets.
    pub fn committed(&self, group: &str, topic: &str, partitions: i32) -> Result<u64> {
        let mut client = self.client(Listener::Plaintext)?;
        let consumer: BaseConsumer = client.set("group.id", group).create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let ask = || consumer.committed_offsets(list.clone(), GROUP_TIMEOUT);
        let mut answer = ask();
        for _ in 1..COORDINATOR_QUESTIONS_MAX {
            match &answer {
                Err(error) if has_no_coordinator(error) => drop(consumer.poll(METADATA_TIMEOUT)),
                _ => break,
            }
            answer = ask();
        }
        let committed = answer.with_context(|| format!("could not ask how far the group {group} is"))?;
        let offsets = committed
            .elements()
            .into_iter()
            .map(|found| match found.offset() {
                Offset::Offset(offset) => u64::try_from(offset).unwrap_or_default(),
                _ => 0,
            });
        Ok(offsets.sum())
    }

    /// How many members a group has, by the broker.
    pub fn members(&self, group: &str) -> Result<usize> {
        let consumer: BaseConsumer = self.client(Listener::Plaintext)?.create()?;
        let groups = consumer.fetch_group_list(Some(group), GROUP_TIMEOUT)?;
        Ok(groups.groups().iter().map(|found| found.members().len()).sum())
    }

    /// Deletes a partition's records before `offset`, as retention does.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client(Listener::Plaintext)?.create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        futures::executor::block_on(admin.delete_records(&list, &AdminOptions::new()))
            .with_context(|| format!("could not delete records of {topic}[{partition}]"))?;
        Ok(())
    }

    /// The folder with the broker's data, certificates (`tls/ca.pem`) and client settings (`clients/`).
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A token without a signature, as the broker's validator for tests takes it: for whom, and from and until when in seconds.
pub fn unsigned_token(subject: &str, from_secs: i64, until_secs: i64) -> String {
    let claims = serde_json::json!({ "sub": subject, "iat": from_secs, "exp": until_secs });
    let header = base64_url(br#"{"alg":"none"}"#);
    format!("{header}.{}.", base64_url(claims.to_string().as_bytes()))
}

/// Base 64 with the letters for URLs, without padding (RFC 4648, section 5).
fn base64_url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(LETTERS[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// Whether the broker is only busy becoming responsible for the group.
fn has_no_coordinator(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

fn script() -> PathBuf {
    checkout().join("tests/kafka/kafka.sh")
}
