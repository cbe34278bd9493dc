//! The used form: checked settings as the types that the rest of the program takes.

mod alarms;
mod doors;
mod kafka;
mod read;

pub(crate) use alarms::{AlarmCommand, Alarms, Webhook};
pub(crate) use doors::{Files, Push, Syslog, SyslogProtocol};
pub(crate) use kafka::{Kafka, KafkaSasl, Topic};

use read::{from_text, hash_key, identities, mode, moment, ranges, scope};

use detector::rule::{Glob, Roles};
use detector::signal::RouteRole;
use domain::{AllowEntry, Allowlist, Client, HashKey, Mode, Scope, Timestamp, TrustedProxies};
use ingest::mask::MaskRules;
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where access logs are read from; `None` for roles that read none.
    pub(crate) kafka: Option<Kafka>,
    /// Logs that are followed.
    pub(crate) files: Vec<Files>,
    /// Whether lines are taken that are pushed, and how they are read.
    pub(crate) push: Option<Push>,
    /// Where syslog is listened to.
    pub(crate) syslog: Vec<Syslog>,
    /// Who a client is.
    pub(crate) clients: Clients,
    /// What nobody is shown.
    masking: Masking,
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
    /// Who is told what needs a person.
    pub(crate) alarms: Alarms,
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
    /// A database of autonomous systems.
    pub(crate) networks: Option<PathBuf>,
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

/// `[masking]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Masking {
    names: Vec<String>,
    keep: Vec<String>,
    patterns: Vec<String>,
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
    /// How long a site is only observed at first.
    pub(crate) warm_up_secs: u32,
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
    /// Size of each source's spool.
    pub(crate) spool_bytes_max: u64,
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
    /// What nobody is shown.
    pub(crate) fn masking(&self) -> MaskRules {
        MaskRules {
            names: self.masking.names.clone(),
            keep: self.masking.keep.clone(),
            patterns: self.masking.patterns.clone(),
        }
    }

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

    /// Whether anything is read.
    pub(crate) fn reads(&self) -> bool {
        self.kafka.is_some() || !self.files.is_empty() || self.push.is_some() || !self.syslog.is_empty()
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
