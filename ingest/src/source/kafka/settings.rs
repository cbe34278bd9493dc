//! What the Kafka source is told: checked settings in, the client library's words out.

use super::token::Tokens;
use super::{MessageShape, SplitLimits};
use domain::Timestamp;
use rdkafka::ClientConfig;
use std::fmt;
use std::path::PathBuf;

/// How long a full queue makes a partition wait before it is fetched again, in milliseconds. The library's own
/// second stalls a consumer that works: twice the lines with 5 ms, sixty times with a small queue.
pub const FETCH_QUEUE_BACKOFF_MS: u32 = 5;

/// Memory for records fetched ahead, in kilobytes. 16 MB keep the fastest consumer fed.
pub const QUEUE_KBYTES: u32 = 16 * 1024;

/// How often the library hands its figures over (the ends of the partitions), in milliseconds.
const STATISTICS_INTERVAL_MS: &str = "5000";

/// How long brokers keep the partitions of a silent static member for its return, in milliseconds. A process that died
/// and does not come back holds its partitions for so long; one that is only slow for so long loses them.
const STATIC_SESSION_TIMEOUT_MS: &str = "15000";

/// How soon a new topic that matches a pattern, or a new partition, is seen, in milliseconds.
const METADATA_REFRESH_MS: &str = "30000";

/// Where a partition begins that has no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstStart {
    /// At the oldest record that is kept.
    Earliest,
    /// After the newest record.
    Latest,
    /// At the group's committed offset; without one, at the oldest record that is kept.
    #[default]
    Committed,
    /// At the first record whose time (the broker's or the producer's, as the topic is set) is this or later; without
    /// one, after the newest record.
    At(Timestamp),
}

/// Where reading goes on when the wanted offset is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LostOffset {
    /// At the oldest record that is kept: nothing more is missed.
    #[default]
    Earliest,
    /// After the newest record.
    Latest,
}

/// Which topics one rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSelector {
    /// The topic of that name.
    Name(String),
    /// Every topic whose name matches; `*` stands for any number of characters.
    Pattern(String),
}

impl TopicSelector {
    /// Whether the topic is meant.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        match self {
            Self::Name(name) => name == topic,
            Self::Pattern(pattern) => matches_pattern(pattern, topic),
        }
    }

    /// The same in the library's words: a name, or a regular expression behind `^`.
    fn subscription(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Pattern(pattern) => format!("^{}$", pattern.replace('.', "\\.").replace('*', ".*")),
        }
    }
}

/// Matches the pieces between the stars from left to right, the last one at the end.
fn matches_pattern(pattern: &str, topic: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| topic.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// What is read from which topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRule {
    /// Which.
    pub topics: TopicSelector,
    /// What their messages hold.
    pub shape: MessageShape,
    /// The record header that names the gateway, where one topic holds the logs of several. A name for people only.
    pub gateway_header: Option<String>,
}

impl TopicRule {
    /// Reads those topics, each message whatever it looks like.
    #[must_use]
    pub fn new(topics: TopicSelector) -> Self {
        Self {
            topics,
            shape: MessageShape::default(),
            gateway_header: None,
        }
    }
}

/// How the connection is encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaTls {
    /// The authorities that sign brokers' certificates, as PEM; `None` for the system's.
    pub ca: Option<PathBuf>,
    /// Our certificate, as PEM.
    pub certificate: Option<PathBuf>,
    /// Our key, as PEM.
    pub key: Option<PathBuf>,
    /// The password of our key.
    pub key_password: Option<String>,
    /// Whether the broker's certificate and its name are checked. Off, anyone on the way can read and write.
    pub verify: bool,
}

/// How a password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password itself is sent: only inside TLS.
    Plain,
    /// RFC 5802 with SHA-256.
    ScramSha256,
    /// RFC 5802 with SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Every mechanism.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// The name by which brokers know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    /// The mechanism of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str() == name)
    }
}

/// How we say who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaSasl {
    /// By a name and a password.
    Password(KafkaPassword),
    /// By tokens that somebody else signed (RFC 7628, OAUTHBEARER): only inside TLS.
    Tokens(Tokens),
}

/// A name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaPassword {
    /// How it is proved.
    pub mechanism: SaslMechanism,
    /// Our name.
    pub username: String,
    /// Our password.
    pub password: String,
}

impl fmt::Debug for KafkaTls {
    /// Never shows the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KafkaTls")
            .field("ca", &self.ca)
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KafkaPassword {
    /// Never shows the password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KafkaPassword")
            .field("mechanism", &self.mechanism)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The way to the brokers, for reading and for dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConnection {
    /// `host:port` of some brokers; they name the others.
    pub brokers: Vec<String>,
    /// How brokers' logs name us.
    pub client_id: String,
    /// Encryption; `None` for plain text.
    pub tls: Option<KafkaTls>,
    /// Authentication; `None` for none.
    pub sasl: Option<KafkaSasl>,
}

/// Everything the source is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// The way to the brokers.
    pub connection: KafkaConnection,
    /// The consumer group.
    pub group: String,
    /// The name of this member within its group, the same after a restart (Kafka's static membership): a process that
    /// was killed and started again gets its partitions back at once, instead of waiting until brokers give its dead
    /// predecessor up. `None` for a member without a name.
    ///
    /// Two members that run at the same time need two names: of two with the same, brokers refuse the older one
    /// for good. Whoever comes back under a name gets what that name had, even if it now subscribes to other topics:
    /// other subscriptions need another name. ASCII letters, digits, `.`, `_` and `-`, at most 249 bytes.
    pub instance: Option<String>,
    /// What is read; the first rule that matches a topic counts.
    pub topics: Vec<TopicRule>,
    /// Where a partition without a checkpoint begins.
    pub first_start: FirstStart,
    /// Where reading goes on when the wanted offset is gone.
    pub lost_offset: LostOffset,
    /// Memory for records fetched ahead, in kilobytes.
    pub queue_kbytes: u32,
    /// How long a full queue makes a partition wait, in milliseconds.
    pub fetch_queue_backoff_ms: u32,
    /// How much of one message is read.
    pub limits: SplitLimits,
    /// Whether keys and headers of records are kept, for dead letters.
    pub keeps_headers: bool,
}

impl KafkaSettings {
    /// Settings with the defaults for everything that has one.
    #[must_use]
    pub fn new(connection: KafkaConnection, group: String, topics: Vec<TopicRule>) -> Self {
        Self {
            connection,
            group,
            instance: None,
            topics,
            first_start: FirstStart::default(),
            lost_offset: LostOffset::default(),
            queue_kbytes: QUEUE_KBYTES,
            fetch_queue_backoff_ms: FETCH_QUEUE_BACKOFF_MS,
            limits: SplitLimits::default(),
            keeps_headers: false,
        }
    }

    /// The topics and patterns to subscribe to, in the library's words.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        self.topics
            .iter()
            .map(|rule| rule.topics.subscription())
            .collect()
    }

    /// The consumer's configuration.
    ///
    /// Nothing is committed or stored by itself: only the driver knows what its checkpoint holds. A lost offset is
    /// an error to be seen and counted, not something the library repairs in silence.
    pub(super) fn consumer_config(&self) -> ClientConfig {
        let mut config = self.connection.client_config();
        config
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("allow.auto.create.topics", "false")
            .set("queued.max.messages.kbytes", self.queue_kbytes.to_string())
            .set("fetch.queue.backoff.ms", self.fetch_queue_backoff_ms.to_string())
            .set("topic.metadata.refresh.interval.ms", METADATA_REFRESH_MS)
            .set("statistics.interval.ms", STATISTICS_INTERVAL_MS);
        if let Some(instance) = &self.instance {
            config
                .set("group.instance.id", instance)
                .set("session.timeout.ms", STATIC_SESSION_TIMEOUT_MS);
        }
        config
    }
}

impl KafkaConnection {
    /// A plain-text connection to those brokers.
    #[must_use]
    pub fn plaintext(brokers: Vec<String>) -> Self {
        Self {
            brokers,
            client_id: "portcullis".to_owned(),
            tls: None,
            sasl: None,
        }
    }

    /// What consumer and producer have in common.
    pub(super) fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", &self.client_id)
            .set("socket.keepalive.enable", "true")
            .set("security.protocol", self.security_protocol());
        if let Some(tls) = &self.tls {
            tls.configure(&mut config);
        }
        match &self.sasl {
            Some(KafkaSasl::Password(password)) => {
                config
                    .set("sasl.mechanism", password.mechanism.as_str())
                    .set("sasl.username", &password.username)
                    .set("sasl.password", &password.password);
            }
            // The tokens themselves are asked for by the clients' contexts.
            Some(KafkaSasl::Tokens(_)) => {
                config.set("sasl.mechanism", "OAUTHBEARER");
            }
            None => {}
        }
        config
    }

    /// Where tokens come from, if they are the way to say who we are.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        match &self.sasl {
            Some(KafkaSasl::Tokens(tokens)) => Some(tokens.clone()),
            _ => None,
        }
    }

    fn security_protocol(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }
}

impl KafkaTls {
    fn configure(&self, config: &mut ClientConfig) {
        match &self.ca {
            Some(file) => config.set("ssl.ca.location", file.to_string_lossy()),
            // The library looks in the places where systems keep their authorities.
            None => config.set("ssl.ca.location", "probe"),
        };
        if let Some(file) = &self.certificate {
            config.set("ssl.certificate.location", file.to_string_lossy());
        }
        if let Some(file) = &self.key {
            config.set("ssl.key.location", file.to_string_lossy());
        }
        if let Some(password) = &self.key_password {
            config.set("ssl.key.password", password);
        }
        let (check, name) = if self.verify {
            ("true", "https")
        } else {
            ("false", "none")
        };
        config
            .set("enable.ssl.certificate.verification", check)
            .set("ssl.endpoint.identification.algorithm", name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_topics_and_says_the_same_to_the_broker() {
        let check = |pattern: &str, topic: &str, expected: bool| {
            assert_eq!(matches_pattern(pattern, topic), expected, "{pattern} {topic}");
        };
        check("gateway.*", "gateway.eu", true);
        check("gateway.*", "gateway-eu", false);
        check("*.access", "eu.access", true);
        check("*.access", "access", false);
        check("eu*access*1", "eu-access-21", true);
        check("eu*access*1", "eu-access-2", false);
        check("a*a", "a", false);
        check("*", "anything", true);
        check("exact", "exactly", false);
        let selector = TopicSelector::Pattern("gateway.*".to_owned());
        assert_eq!(selector.subscription(), "^gateway\\..*$");
    }

    #[test]
    fn tls_and_sasl_are_said_in_the_librarys_words_and_secrets_are_not_shown() {
        let mut connection = KafkaConnection::plaintext(vec!["a:1".to_owned(), "b:2".to_owned()]);
        connection.tls = Some(KafkaTls {
            ca: Some("ca.pem".into()),
            certificate: None,
            key: None,
            key_password: Some("hidden-key".to_owned()),
            verify: true,
        });
        connection.sasl = Some(KafkaSasl::Password(KafkaPassword {
            mechanism: SaslMechanism::ScramSha512,
            username: "reader".to_owned(),
            password: "hidden-word".to_owned(),
        }));
        let config = connection.client_config();
        assert_eq!(config.get("bootstrap.servers"), Some("a:1,b:2"));
        assert_eq!(config.get("security.protocol"), Some("sasl_ssl"));
        assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
        assert_eq!(config.get("ssl.ca.location"), Some("ca.pem"));
        assert_eq!(config.get("enable.ssl.certificate.verification"), Some("true"));
        assert!(!format!("{connection:?}").contains("hidden"));
    }

    #[test]
    fn nothing_is_committed_or_reset_by_the_library_itself() {
        let rule = TopicRule::new(TopicSelector::Name("t".to_owned()));
        let connection = KafkaConnection::plaintext(vec!["a:1".to_owned()]);
        let mut settings = KafkaSettings::new(connection, "g".to_owned(), vec![rule]);
        assert_eq!(settings.consumer_config().get("group.instance.id"), None);
        settings.instance = Some("g-1".to_owned());
        let config = settings.consumer_config();
        let check = |key: &str, value: &str| assert_eq!(config.get(key), Some(value), "{key}");
        check("enable.auto.commit", "false");
        check("enable.auto.offset.store", "false");
        check("auto.offset.reset", "error");
        check("fetch.queue.backoff.ms", "5");
        check("group.instance.id", "g-1");
        assert!(
            config.create_native_config().is_ok(),
            "the library refuses a setting"
        );
    }
}
