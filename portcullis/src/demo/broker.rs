//! The embedded broker: librdkafka's own mock cluster, which speaks Kafka's protocol on a port of the loopback.

use anyhow::Context as _;
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext};

/// Partitions of the access log. The mock keeps about 5 MB of each and drops older messages unread; a backlog of
/// [`super::gateway::BACKLOG_LINES_MAX`] fits four times.
const PARTITIONS: i32 = 4;
/// Messages leave after this many milliseconds at the latest: short beside a bouncer's poll, long enough for batches.
const LINGER_MILLIS: &str = "20";
/// Messages that may wait for the broker inside the client. Past it the gateway waits.
const QUEUE_MESSAGES_MAX: &str = "20000";

/// A running broker with one topic.
pub(super) struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts a broker and makes the topic.
    ///
    /// # Errors
    /// When no port of the loopback is free, or memory is short.
    pub(super) fn start(topic: &str) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("could not start the embedded Kafka broker")?;
        cluster
            .create_topic(topic, PARTITIONS, 1)
            .with_context(|| format!("could not make the topic {topic}"))?;
        Ok(Self { cluster })
    }

    /// Where it listens, as `host:port`.
    pub(super) fn address(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// A client that publishes there.
    ///
    /// # Errors
    /// When the Kafka client cannot be made.
    pub(super) fn producer(&self) -> anyhow::Result<BaseProducer> {
        ClientConfig::new()
            .set("bootstrap.servers", self.address())
            .set("client.id", "demo-gateway")
            .set("linger.ms", LINGER_MILLIS)
            .set("queue.buffering.max.messages", QUEUE_MESSAGES_MAX)
            // A fifth of the bytes: the mock's 5 MB a partition hold five times as many lines.
            .set("compression.type", "lz4")
            .create()
            .context("could not make the gateway's Kafka client")
    }
}
