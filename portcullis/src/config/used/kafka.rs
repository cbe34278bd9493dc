//! `[kafka]`: where access logs are read from.

use super::Secret;
use super::read::{first_start, from_text, lost_offset, message_shape};
use crate::tokens::{TokenEndpoint, TokenFile};
use ingest::source::kafka as source;
use serde::Deserialize;
use std::path::PathBuf;

/// `[kafka]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    /// Some brokers.
    pub(crate) brokers: Vec<String>,
    /// Consumer group.
    pub(crate) group: String,
    /// How brokers name us.
    pub(crate) client_id: String,
    #[serde(deserialize_with = "first_start")]
    start: source::FirstStart,
    #[serde(deserialize_with = "lost_offset")]
    lost_offset: source::LostOffset,
    /// Where lines go that cannot be read.
    pub(crate) dead_letter_topic: Option<String>,
    queue_kbytes: u32,
    fetch_queue_backoff_ms: u32,
    payload_bytes_max: usize,
    lines_per_message_max: usize,
    /// What is read, in the order of [`source::KafkaSettings::topics`].
    pub(crate) topics: Vec<Topic>,
    tls: Option<KafkaTls>,
    sasl: Option<KafkaSasl>,
}

/// One `[[kafka.topics]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    /// The topic's name; `None` when there is a pattern.
    pub(crate) name: Option<String>,
    /// A pattern for names.
    pub(crate) pattern: Option<String>,
    /// `auto`, a format's name, or one written down.
    pub(crate) format: String,
    #[serde(deserialize_with = "message_shape")]
    messages: source::MessageShape,
    /// The gateway's name; `None` for the topic's.
    pub(crate) gateway: Option<String>,
    gateway_header: Option<String>,
    /// The strongest action that it may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// How late its lines come; `None` for the detector's setting.
    pub(crate) lateness_secs: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct KafkaTls {
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    key_password: Option<Secret>,
    verify: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct KafkaSasl {
    mechanism: String,
    username: Option<String>,
    password: Option<Secret>,
    token_file: Option<PathBuf>,
    token_url: Option<Secret>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    scope: Option<String>,
    token_ca: Option<PathBuf>,
    /// Only the check asks for it.
    #[serde(rename = "insecure_plaintext")]
    _insecure_plaintext: bool,
}

impl KafkaSasl {
    /// What the source is told. What must be there, the check has seen to.
    fn source_settings(&self) -> source::KafkaSasl {
        let text = |secret: &Option<Secret>| secret.as_ref().map_or("", Secret::reveal).to_owned();
        if let Some(mechanism) = source::SaslMechanism::from_name(&self.mechanism) {
            return source::KafkaSasl::Password(source::KafkaPassword {
                mechanism,
                username: self.username.clone().unwrap_or_default(),
                password: text(&self.password),
            });
        }
        source::KafkaSasl::Tokens(match &self.token_file {
            Some(file) => source::Tokens::new(TokenFile::new(file)),
            None => source::Tokens::new(TokenEndpoint {
                url: text(&self.token_url),
                client_id: self.client_id.clone().unwrap_or_default(),
                client_secret: text(&self.client_secret),
                scope: self.scope.clone(),
                ca: self.token_ca.clone(),
            }),
        })
    }
}

impl Kafka {
    /// What the source is told. Its topic rules stand in the order of [`Self::topics`].
    pub(crate) fn source_settings(&self) -> source::KafkaSettings {
        let rule = |topic: &Topic| source::TopicRule {
            topics: match (&topic.name, &topic.pattern) {
                (_, Some(pattern)) => source::TopicSelector::Pattern(pattern.clone()),
                (name, None) => source::TopicSelector::Name(name.clone().unwrap_or_default()),
            },
            shape: topic.messages,
            gateway_header: topic.gateway_header.clone(),
        };
        let topics = self.topics.iter().map(rule).collect();
        source::KafkaSettings {
            first_start: self.start,
            lost_offset: self.lost_offset,
            keeps_headers: self.dead_letter_topic.is_some(),
            queue_kbytes: self.queue_kbytes,
            fetch_queue_backoff_ms: self.fetch_queue_backoff_ms,
            limits: source::SplitLimits {
                payload_bytes_max: self.payload_bytes_max,
                lines_max: self.lines_per_message_max,
            },
            ..source::KafkaSettings::new(self.connection(), self.group.clone(), topics)
        }
    }

    /// The way to the brokers, for dead letters too.
    pub(crate) fn connection(&self) -> source::KafkaConnection {
        let tls = self.tls.as_ref().map(|tls| source::KafkaTls {
            ca: tls.ca.clone(),
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            key_password: tls.key_password.as_ref().map(|secret| secret.reveal().to_owned()),
            verify: tls.verify,
        });
        let sasl = self.sasl.as_ref().map(KafkaSasl::source_settings);
        source::KafkaConnection {
            client_id: self.client_id.clone(),
            tls,
            sasl,
            ..source::KafkaConnection::plaintext(self.brokers.clone())
        }
    }
}
