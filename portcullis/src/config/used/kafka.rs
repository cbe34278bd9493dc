//! `[kafka]`: where access logs are read from.

use super::read::{first_start, from_text, lost_offset, message_shape, own_identities};
use super::{Identity, Secret};
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
    pub(crate) start: source::FirstStart,
    #[serde(deserialize_with = "lost_offset")]
    pub(crate) lost_offset: source::LostOffset,
    /// Where lines go that cannot be read.
    pub(crate) dead_letter_topic: Option<String>,
    pub(crate) queue_kbytes: u32,
    pub(crate) fetch_queue_backoff_ms: u32,
    pub(crate) payload_bytes_max: usize,
    pub(crate) lines_per_message_max: usize,
    /// What is read, in the order of [`source::KafkaSettings::topics`].
    pub(crate) topics: Vec<Topic>,
    pub(crate) tls: Option<KafkaTls>,
    pub(crate) sasl: Option<KafkaSasl>,
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
    pub(crate) messages: source::MessageShape,
    /// The gateway's name; `None` for the topic's.
    pub(crate) gateway: Option<String>,
    pub(crate) gateway_header: Option<String>,
    #[serde(default, deserialize_with = "own_identities")]
    identity: Option<Vec<ingest::NamedIdentity>>,
    claims: Option<bool>,
    /// The strongest action that it may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// Clients acted on by its word within an hour at most.
    pub(crate) acts_per_hour: u32,
    /// How far behind a line may lie; `None` for the detector's setting.
    pub(crate) lateness_secs: Option<u32>,
}

impl Topic {
    /// Who its clients are, where that is another than elsewhere.
    pub(crate) fn own_identity(&self) -> Identity {
        Identity {
            identity: self.identity.clone(),
            claims: self.claims,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KafkaTls {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) key_password: Option<Secret>,
    pub(crate) verify: bool,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KafkaSasl {
    pub(crate) mechanism: String,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) token_url: Option<Secret>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) scope: Option<String>,
    pub(crate) token_ca: Option<PathBuf>,
    /// Only the check asks for it.
    #[serde(rename = "insecure_plaintext")]
    _insecure_plaintext: bool,
}
