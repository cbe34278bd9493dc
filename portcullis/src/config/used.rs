//! The used form: checked settings as the types that the rest of the program takes.

use detector::rule::{Glob, Roles};
use detector::signal::RouteRole;
use domain::{AllowEntry, Allowlist, Client, HashKey, Mode, Scope, Timestamp, TrustedProxies};
use ingest::source::kafka as source;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where access logs are read from; `None` for roles that read none.
    pub(crate) kafka: Option<Kafka>,
    /// Who a client is.
    pub(crate) clients: Clients,
    /// How behaviour is counted.
    pub(crate) detector: Detector,
    /// Which model scores.
    pub(crate) model: Model,
    /// What is done about a client that stands out.
    pub(crate) policy: Policy,
    /// Who is never blocked.
    pub(crate) allowlist: Vec<AllowlistEntry>,
    /// Which rules hold.
    pub(crate) rules: Rules,
    /// What routes are for.
    routes: Vec<RouteEntry>,
    /// Where things are kept.
    pub(crate) storage: Storage,
    /// Who may ask what, and where.
    pub(crate) api: Api,
    /// The CrowdSec-compatible API.
    pub(crate) lapi: Lapi,
}

/// A secret. Its text can be taken out on purpose only.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

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
    /// A format's name, or `auto`.
    pub(crate) format: String,
    #[serde(deserialize_with = "message_shape")]
    messages: source::MessageShape,
    /// The gateway's name; `None` for the topic's.
    pub(crate) gateway: Option<String>,
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
    #[serde(deserialize_with = "sasl_mechanism")]
    mechanism: source::SaslMechanism,
    username: String,
    password: Secret,
    /// Only the check asks for it.
    #[serde(rename = "insecure_plaintext")]
    _insecure_plaintext: bool,
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
        };
        let topics = self.topics.iter().map(rule).collect();
        source::KafkaSettings {
            first_start: self.start,
            lost_offset: self.lost_offset,
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
        let sasl = self.sasl.as_ref().map(|sasl| source::KafkaSasl {
            mechanism: sasl.mechanism,
            username: sasl.username.clone(),
            password: sasl.password.reveal().to_owned(),
        });
        source::KafkaConnection {
            client_id: self.client_id.clone(),
            tls,
            sasl,
            ..source::KafkaConnection::plaintext(self.brokers.clone())
        }
    }
}

/// `[clients]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clients {
    #[serde(deserialize_with = "ranges")]
    trusted_proxies: Vec<IpNet>,
    #[serde(deserialize_with = "ranges")]
    own_ranges: Vec<IpNet>,
    /// Whether private addresses are clients like others.
    pub(crate) private_clients: bool,
    #[serde(deserialize_with = "identities")]
    identity: Vec<ingest::NamedIdentity>,
    /// Clients remembered at a time.
    pub(crate) clients_max: usize,
}

impl Clients {
    /// Whose word about the next address is believed.
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.clone())
    }

    /// Which names count before the address.
    pub(crate) fn identity(&self) -> ingest::IdentityPolicy {
        ingest::IdentityPolicy {
            prefer: self.identity.clone(),
        }
    }
}

/// `[detector]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detector {
    /// The secret behind keyed hashes; `None` for the one in the store.
    #[serde(default, deserialize_with = "hash_key")]
    pub(crate) hash_key: Option<HashKey>,
    /// How late lines still count at their own time.
    pub(crate) lateness_secs: u32,
    /// Threads; 0 for one per core.
    pub(crate) threads: usize,
}

/// `[model]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// A trained model; `None` for the shipped one.
    pub(crate) file: Option<PathBuf>,
    /// A model that only scores.
    pub(crate) challenger: Option<PathBuf>,
}

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// `Enforced` or `Shadow`.
    #[serde(deserialize_with = "mode")]
    pub(crate) mode: Mode,
    /// Confidence from which a client is shown.
    pub(crate) observe_from: f32,
    /// Confidence from which a client is slowed down.
    pub(crate) throttle_from: f32,
    /// Confidence from which a client is blocked.
    pub(crate) block_from: f32,
    /// How long a client is slowed down.
    pub(crate) throttle_secs: u32,
    /// How long a client is blocked the first time.
    pub(crate) block_secs: u32,
    /// Factor for each further offence.
    pub(crate) escalation: u32,
    /// Longest block.
    pub(crate) block_secs_max: u32,
    /// When an offence is forgotten.
    pub(crate) memory_secs: u32,
    /// The pause that ends an episode.
    pub(crate) episode_secs: u32,
    /// Clients that may be wrongly blocked by score alone, per million client-days.
    pub(crate) false_positive_budget: Option<u32>,
    /// When new blocks are held back.
    pub(crate) guard: Guard,
}

/// `[policy.guard]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// Largest share of established clients blocked within the span.
    pub(crate) clients_share: f32,
    /// Largest share of established clients' traffic blocked within the span.
    pub(crate) requests_share: f32,
    /// Length of the span.
    pub(crate) span_secs: u32,
}

/// One `[[allowlist]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowlistEntry {
    #[serde(deserialize_with = "scope")]
    scope: Scope,
    value: String,
    reason: String,
    #[serde(default, deserialize_with = "moment")]
    until: Option<Timestamp>,
}

/// `[rules]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// Files of rules.
    pub(crate) files: Vec<PathBuf>,
    /// Whether the shipped ones hold.
    pub(crate) shipped: bool,
}

/// One `[[routes]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    path: String,
    role: String,
}

/// `[storage]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Storage {
    /// The database's URL; may hold a password.
    pub(crate) url: Secret,
    /// The URL of the checkpoints; may hold a secret.
    pub(crate) checkpoints: Secret,
    /// Time between checkpoints.
    pub(crate) checkpoint_secs: u32,
    /// Size of the database.
    pub(crate) bytes_max: u64,
    /// How long what is kept.
    pub(crate) retention: Retention,
}

/// `[storage.retention]`, in days.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// Decisions, from their end.
    pub(crate) decisions_days: u32,
    /// Alerts, from their last change.
    pub(crate) alerts_days: u32,
    /// Pages of clients, from their last change.
    pub(crate) clients_days: u32,
    /// Figures per minute.
    pub(crate) stats_days: u32,
    /// Rejected lines.
    pub(crate) rejected_days: u32,
}

/// `[api]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    /// Where to listen; never empty unless the file says so.
    pub(crate) listeners: Vec<Listener>,
}

/// One `[[api.listeners]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listener {
    /// Address and port.
    #[serde(deserialize_with = "from_text")]
    pub(crate) address: SocketAddr,
    /// What is answered there.
    pub(crate) kinds: Vec<ListenerKind>,
    /// Names that browsers may use.
    pub(crate) hosts: Vec<String>,
    /// What gateways must know that ask `/check`.
    pub(crate) shared_secret: Option<Secret>,
    /// Whether plain text off the loopback was asked for by name.
    pub(crate) insecure_plaintext: bool,
    /// Encryption.
    pub(crate) tls: Option<ListenerTls>,
}

/// What a listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListenerKind {
    /// Dashboard and REST API.
    Admin,
    /// Decisions for bouncers.
    Bouncer,
    /// `/check`.
    Check,
    /// `/metrics`.
    Metrics,
}

/// `[api.listeners.tls]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenerTls {
    /// Certificate and chain.
    pub(crate) certificate: PathBuf,
    /// Key.
    pub(crate) key: PathBuf,
}

/// `[lapi]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lapi {
    /// The origin that bouncers see.
    pub(crate) origin: String,
}

impl Config {
    /// Takes over what can change without a restart. The rest stays: what is being read was set up by it.
    pub(crate) fn take_live(&mut self, newer: &Self) {
        self.policy = newer.policy.clone();
        self.allowlist = newer.allowlist.clone();
        self.rules = newer.rules.clone();
        self.routes = newer.routes.clone();
        self.clients.own_ranges = newer.clients.own_ranges.clone();
        self.clients.private_clients = newer.clients.private_clients;
        self.storage.checkpoint_secs = newer.storage.checkpoint_secs;
    }

    /// What routes are for, by the file.
    pub(crate) fn roles(&self) -> Roles {
        let pattern =
            |entry: &RouteEntry| Some((Glob::new(&entry.path).ok()?, RouteRole::from_name(&entry.role)?));
        Roles::new(self.routes.iter().filter_map(pattern).collect())
    }

    /// Who is never blocked, by the file; orders add to it.
    pub(crate) fn allowlist(&self) -> Allowlist {
        let entry = |entry: &AllowlistEntry| {
            Some(AllowEntry {
                client: Client::parse(entry.scope, &entry.value).ok()?,
                reason: entry.reason.clone(),
                until: entry.until,
            })
        };
        let entries = self.allowlist.iter().filter_map(entry).collect();
        Allowlist::new(
            self.clients.own_ranges.clone(),
            entries,
            !self.clients.private_clients,
        )
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from)
}

/// Turns a checked text into a value; a failure means that check and type disagree.
fn turn<T, E: serde::de::Error>(text: &str, value: Option<T>) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format!("checked, and yet unusable: {text:?}")))
}

fn from_text<'de, D: Deserializer<'de>, T: FromStr>(from: D) -> Result<T, D::Error> {
    let text = text(from)?;
    turn(&text, text.parse().ok())
}

fn range_of(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn ranges<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| turn(text, range_of(text))).collect()
}

fn identities<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ingest::NamedIdentity>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let find = |text: &String| {
        let named = ingest::NamedIdentity::ALL.into_iter();
        turn(text, named.into_iter().find(|kind| kind.scope().as_str() == text))
    };
    texts.iter().map(find).collect()
}

fn hash_key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<HashKey>, D::Error> {
    let text = text(from)?;
    let bytes = u128::from_str_radix(&text, 16).map_err(|_| D::Error::custom("checked, and yet no key"))?;
    Ok(Some(HashKey::new(bytes.to_be_bytes())))
}

fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = text(from)?;
    turn(&text, Timestamp::parse_rfc3339(&text)).map(Some)
}

fn scope<'de, D: Deserializer<'de>>(from: D) -> Result<Scope, D::Error> {
    let text = text(from)?;
    turn(&text, Scope::from_name(&text))
}

fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Mode, D::Error> {
    let text = text(from)?;
    turn(&text, Mode::from_name(&text))
}

fn message_shape<'de, D: Deserializer<'de>>(from: D) -> Result<source::MessageShape, D::Error> {
    let text = text(from)?;
    turn(&text, source::MessageShape::from_name(&text))
}

fn sasl_mechanism<'de, D: Deserializer<'de>>(from: D) -> Result<source::SaslMechanism, D::Error> {
    let text = text(from)?;
    turn(&text, source::SaslMechanism::from_name(&text))
}

fn first_start<'de, D: Deserializer<'de>>(from: D) -> Result<source::FirstStart, D::Error> {
    let text = text(from)?;
    let value = match text.as_str() {
        "earliest" => Some(source::FirstStart::Earliest),
        "latest" => Some(source::FirstStart::Latest),
        "committed" => Some(source::FirstStart::Committed),
        _ => None,
    };
    turn(&text, value)
}

fn lost_offset<'de, D: Deserializer<'de>>(from: D) -> Result<source::LostOffset, D::Error> {
    let text = text(from)?;
    let value = match text.as_str() {
        "earliest" => Some(source::LostOffset::Earliest),
        "latest" => Some(source::LostOffset::Latest),
        _ => None,
    };
    turn(&text, value)
}
