//! From the checked configuration to what the Kafka source is told.

use crate::config::used::{Kafka, KafkaSasl, Secret, Topic};
use crate::tokens::{TokenEndpoint, TokenFile};
use ingest::source::kafka as source;

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
        let sasl = self.sasl.as_ref().map(sasl);
        source::KafkaConnection {
            client_id: self.client_id.clone(),
            tls,
            sasl,
            ..source::KafkaConnection::plaintext(self.brokers.clone())
        }
    }
}

/// How we say who we are. What must be there, the check has seen to.
fn sasl(told: &KafkaSasl) -> source::KafkaSasl {
    let text = |secret: &Option<Secret>| secret.as_ref().map_or("", Secret::reveal).to_owned();
    if let Some(mechanism) = source::SaslMechanism::from_name(&told.mechanism) {
        return source::KafkaSasl::Password(source::KafkaPassword {
            mechanism,
            username: told.username.clone().unwrap_or_default(),
            password: text(&told.password),
        });
    }
    source::KafkaSasl::Tokens(match &told.token_file {
        Some(file) => source::Tokens::new(TokenFile::new(file)),
        None => source::Tokens::new(TokenEndpoint {
            url: text(&told.token_url),
            client_id: told.client_id.clone().unwrap_or_default(),
            client_secret: text(&told.client_secret),
            scope: told.scope.clone(),
            ca: told.token_ca.clone(),
        }),
    })
}
