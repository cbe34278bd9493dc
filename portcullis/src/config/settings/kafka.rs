//! `[kafka]`: where access logs are read from.

use super::detection::{CLAIMS_ABOUT, IDENTITY, IDENTITY_ABOUT};
use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Most brokers to name. They name each other: a few are enough to find the cluster.
const BROKERS_MAX: usize = 64;

/// Longest name, in bytes: Kafka's own limit for topics and groups.
const NAME_BYTES_MAX: usize = 249;

/// Longest scope of a token, in bytes: some dozens of words.
const SCOPE_BYTES_MAX: usize = 1024;

pub(super) const KAFKA: Section = Section {
    path: "kafka",
    is_optional: true,
    about: "Where access logs are read from.",
    settings: &[
        setting(
            "kafka.brokers",
            Kind::List(&Kind::Remote, 1, BROKERS_MAX),
            Required(r#"["127.0.0.1:9092"]"#),
            Restart,
            "Some brokers of the cluster; they name the others.",
        ),
        setting(
            "kafka.group",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "The consumer group. Every instance of one installation has the same.",
        ),
        setting(
            "kafka.client_id",
            Kind::Text(NAME_BYTES_MAX),
            Value(r#""portcullis""#),
            Restart,
            "How the brokers' logs and quotas name this client.",
        ),
        setting(
            "kafka.start",
            Kind::ChoiceOrMoment(&["earliest", "latest", "committed"]),
            Value(r#""committed""#),
            Restart,
            "Where a partition without a checkpoint begins: at its oldest record, after its newest, at the group's \
             committed offset (without one, at its oldest record), or at the first record of that time or later.",
        ),
        setting(
            "kafka.lost_offset",
            Kind::Choice(&["earliest", "latest"]),
            Value(r#""earliest""#),
            Restart,
            "Where reading goes on when the checkpoint's offset is no longer in the topic. The gap is counted and \
             alarmed either way.",
        ),
        setting(
            "kafka.dead_letter_topic",
            Kind::Topic,
            Absent(r#""portcullis-dead-letters""#),
            Restart,
            "Lines that cannot be read are sent there. Without it they are counted and sampled only.",
        ),
        setting(
            "kafka.queue_kbytes",
            Kind::Integer(1024, 1024 * 1024),
            Value("16384"),
            Restart,
            "Memory for records fetched ahead, in kilobytes.",
        ),
        setting(
            "kafka.fetch_queue_backoff_ms",
            Kind::Integer(1, 1000),
            Value("5"),
            Restart,
            "How long a full queue makes a partition wait, in milliseconds. A second, the client library's own \
             default, stalls a busy consumer.",
        ),
        setting(
            "kafka.payload_bytes_max",
            Kind::Integer(1024, 100 * 1024 * 1024),
            Value("16777216"),
            Restart,
            "Longest message that is read, in bytes. A longer one is rejected and counted.",
        ),
        setting(
            "kafka.lines_per_message_max",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Most lines of one message. Further ones are rejected and counted.",
        ),
    ],
};

pub(super) const TOPICS: Section = Section {
    path: "kafka.topics[]",
    is_optional: false,
    about: "A topic, or every topic that matches a pattern. The first entry that matches a topic counts.",
    settings: &[
        setting(
            "kafka.topics[].name",
            Kind::Topic,
            Absent(r#""access-log""#),
            Restart,
            "The topic. Give either this or a pattern.",
        ),
        setting(
            "kafka.topics[].pattern",
            Kind::TopicPattern,
            Absent(r#""access.*""#),
            Restart,
            "Every topic whose name matches, new ones too; * stands for any characters.",
        ),
        setting(
            "kafka.topics[].format",
            Kind::Format,
            Value(r#""auto""#),
            Restart,
            "The log format; auto finds it out for each partition.",
        ),
        setting(
            "kafka.topics[].messages",
            Kind::Choice(&["auto", "line", "lines", "array", "records", "otlp"]),
            Value(r#""auto""#),
            Restart,
            "What one message holds: one line, many lines, a JSON array of them, an object that carries records (CloudWatch Logs, Event Hubs, OpenTelemetry), OpenTelemetry's protobuf (otlp), or whatever it looks like.",
        ),
        setting(
            "kafka.topics[].gateway",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""edge-1""#),
            Restart,
            "The gateway whose log it is. Without it, the topic's name.",
        ),
        setting(
            "kafka.topics[].gateway_header",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""gateway""#),
            Restart,
            "The record header that names the gateway, where one topic holds the logs of several. A name for people, in \
             metrics and dead letters; nothing is trusted for it.",
        ),
        setting(
            "kafka.topics[].identity",
            IDENTITY,
            Absent(r#"["consumer", "api_key", "certificate", "session", "address"]"#),
            Restart,
            IDENTITY_ABOUT,
        ),
        setting(
            "kafka.topics[].claims",
            Kind::Switch,
            Absent("false"),
            Restart,
            CLAIMS_ABOUT,
        ),
        setting(
            "kafka.topics[].trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""block""#),
            Restart,
            "The strongest action that this log may lead to. Whoever can write to the topic holds this much power.",
        ),
        setting(
            "kafka.topics[].acts_per_hour",
            Kind::Integer(1, 1_000_000),
            Value("10000"),
            Restart,
            "Clients that are blocked or slowed down by the word of this topic within an hour at most. Past it \
             more are only shown, and the reason is said.",
        ),
        setting(
            "kafka.topics[].lateness_secs",
            Kind::Integer(60, 86_400),
            Absent("3600"),
            Restart,
            "As detector.lateness_secs, for this topic: a cloud delivers its logs minutes late, and not in their order.",
        ),
    ],
};

pub(super) const TLS: Section = Section {
    path: "kafka.tls",
    is_optional: true,
    about: "Encryption. Without this section the connection is plain text.",
    settings: &[
        setting(
            "kafka.tls.ca",
            Kind::File,
            Absent(r#""/etc/portcullis/kafka-ca.pem""#),
            Restart,
            "The authorities that sign the brokers' certificates, as PEM. Without it, the system's.",
        ),
        setting(
            "kafka.tls.certificate",
            Kind::File,
            Absent(r#""/etc/portcullis/kafka-client.pem""#),
            Restart,
            "Our certificate, as PEM, where brokers ask for one.",
        ),
        setting(
            "kafka.tls.key",
            Kind::File,
            Absent(r#""/etc/portcullis/kafka-client.key""#),
            Restart,
            "The key of our certificate, as PEM.",
        ),
        setting(
            "kafka.tls.key_password",
            Kind::Secret,
            Absent(r#"{ env = "KAFKA_KEY_PASSWORD" }"#),
            Restart,
            "The password of that key.",
        ),
        setting(
            "kafka.tls.verify",
            Kind::Switch,
            Value("true"),
            Restart,
            "Whether the brokers' certificates and names are checked. Off, anyone on the way can read and write.",
        ),
    ],
};

pub(super) const SASL: Section = Section {
    path: "kafka.sasl",
    is_optional: true,
    about: "Authentication. Without this section there is none.",
    settings: &[
        setting(
            "kafka.sasl.mechanism",
            Kind::Choice(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]),
            Required(r#""SCRAM-SHA-512""#),
            Restart,
            "How we prove who we are: by a password (PLAIN, SCRAM) or by tokens that somebody signs (OAUTHBEARER).",
        ),
        setting(
            "kafka.sasl.username",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""portcullis""#),
            Restart,
            "Our name, with PLAIN and SCRAM.",
        ),
        setting(
            "kafka.sasl.password",
            Kind::Secret,
            Absent(r#"{ env = "KAFKA_PASSWORD" }"#),
            Restart,
            "Our password, with PLAIN and SCRAM. Every secret can be given as text, { file = \"…\" } or { env = \"…\" }.",
        ),
        setting(
            "kafka.sasl.token_file",
            Kind::File,
            Absent(r#""/var/run/secrets/tokens/kafka""#),
            Restart,
            "With OAUTHBEARER: the file of our token, such as a projected token of Kubernetes. It is read again every \
             few minutes, and before its token expires.",
        ),
        setting(
            "kafka.sasl.token_url",
            Kind::Url(&["https://", "http://"]),
            Absent(r#""https://id.example/oauth2/token""#),
            Restart,
            "With OAUTHBEARER and no file: where tokens are given for a client's id and secret (OAuth 2.0 client \
             credentials).",
        ),
        setting(
            "kafka.sasl.client_id",
            Kind::Text(NAME_BYTES_MAX),
            Absent(r#""portcullis-id""#),
            Restart,
            "Our id there.",
        ),
        setting(
            "kafka.sasl.client_secret",
            Kind::Secret,
            Absent(r#"{ env = "KAFKA_CLIENT_SECRET" }"#),
            Restart,
            "Our secret there.",
        ),
        setting(
            "kafka.sasl.scope",
            Kind::Text(SCOPE_BYTES_MAX),
            Absent(r#""kafka""#),
            Restart,
            "What the token is asked for, where the endpoint wants it said.",
        ),
        setting(
            "kafka.sasl.token_ca",
            Kind::File,
            Absent(r#""/etc/portcullis/id-ca.pem""#),
            Restart,
            "The authorities that sign the endpoint's certificate, as PEM. Without it, those that browsers know.",
        ),
        setting(
            "kafka.sasl.insecure_plaintext",
            Kind::Switch,
            Value("false"),
            Restart,
            "Sends the password itself (PLAIN) or the token (OAUTHBEARER) over a connection without TLS.",
        ),
    ],
};
