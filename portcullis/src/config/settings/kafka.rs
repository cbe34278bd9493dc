//! `[kafka]`: where access logs are read from.

use super::{Section, setting};
use crate::config::setting::Fallback::{Absent, Required, Value};
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Most brokers to name. They name each other: a few are enough to find the cluster.
const BROKERS_MAX: usize = 64;

/// Longest name, in bytes: Kafka's own limit for topics and groups.
const NAME_BYTES_MAX: usize = 249;

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
            Kind::Choice(&["earliest", "latest", "committed"]),
            Value(r#""committed""#),
            Restart,
            "Where a partition without a checkpoint begins: at its oldest record, after its newest, or at the \
             group's committed offset and without one at its oldest record.",
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
            "kafka.topics[].trust",
            Kind::Choice(&["observe", "throttle", "block"]),
            Value(r#""block""#),
            Restart,
            "The strongest action that this log may lead to. Whoever can write to the topic holds this much power.",
        ),
        setting(
            "kafka.topics[].lateness_secs",
            Kind::Integer(0, 86_400),
            Absent("300"),
            Restart,
            "How late its lines come at most, in seconds. Without it, detector.lateness_secs.",
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
            Kind::Choice(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
            Required(r#""SCRAM-SHA-512""#),
            Restart,
            "How the password is proved.",
        ),
        setting(
            "kafka.sasl.username",
            Kind::Text(NAME_BYTES_MAX),
            Required(r#""portcullis""#),
            Restart,
            "Our name.",
        ),
        setting(
            "kafka.sasl.password",
            Kind::Secret,
            Required(r#"{ env = "KAFKA_PASSWORD" }"#),
            Restart,
            "Our password. Every secret can be given as text, { file = \"…\" } or { env = \"…\" }.",
        ),
        setting(
            "kafka.sasl.insecure_plaintext",
            Kind::Switch,
            Value("false"),
            Restart,
            "Sends the password itself (mechanism PLAIN) over a connection without TLS.",
        ),
    ],
};
