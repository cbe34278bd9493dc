//! The used form: checked settings as the types that the rest of the program takes.

mod alarms;
mod doors;
mod gateways;
mod kafka;
mod policy;
mod read;

pub(crate) use alarms::{AlarmCommand, Alarms, Webhook};
pub(crate) use doors::{Files, Push, Stdin, Syslog, SyslogProtocol};
pub(crate) use gateways::{AwsWafv2, Gateway, Haproxy};
pub(crate) use kafka::{Kafka, KafkaSasl, Topic};
pub(crate) use policy::{Crawlers, Lists, Policy};

use read::{from_text, hash_key, identities, moment, ranges, scope};

use detector::rule::{Glob, Roles};
use detector::signal::RouteRole;
use domain::{AllowEntry, Allowlist, Client, HashKey, Scope, SecretKeys, Timestamp, TrustedProxies};
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
    /// Whether standard input is read, and how.
    pub(crate) stdin: Option<Stdin>,
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
    /// Who is welcome, and proves who he is.
    pub(crate) crawlers: Crawlers,
    /// What others know of addresses.
    pub(crate) lists: Lists,
    /// Which rules hold.
    pub(crate) rules: Rules,
    /// What routes are for.
    routes: Vec<RouteEntry>,
    /// Which routes there are.
    pub(crate) openapi: OpenApi,
    /// Where things are kept.
    pub(crate) storage: Storage,
    /// Who may ask what, and where.
    pub(crate) api: Api,
    /// The CrowdSec-compatible API.
    pub(crate) lapi: Lapi,
    /// Gateways that are told what to carry out.
    pub(crate) gateways: Vec<Gateway>,
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
    claims: bool,
    secrets: Option<Secrets>,
    /// In which header API keys are presented to gateways that ask.
    pub(crate) key_header: Option<String>,
    consumer_header: Option<String>,
    subject_header: Option<String>,
    certificate_header: Option<String>,
    /// A database of autonomous systems.
    pub(crate) networks: Option<PathBuf>,
    /// A database of countries.
    pub(crate) countries: Option<PathBuf>,
    /// Clients remembered at a time.
    pub(crate) clients_max: usize,
}

impl Clients {
    /// In which headers gateways that ask name whom they have verified.
    pub(crate) fn named_headers(&self) -> Vec<(Scope, &str)> {
        let headers = [
            (Scope::Consumer, &self.consumer_header),
            (Scope::Subject, &self.subject_header),
            (Scope::Certificate, &self.certificate_header),
        ];
        headers
            .into_iter()
            .filter_map(|(scope, header)| Some((scope, header.as_deref()?)))
            .collect()
    }

    /// Whose word about the next address is believed.
    pub(crate) fn trusted_proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.clone())
    }

    /// Who a client is where a source says nothing of its own.
    pub(crate) fn identity(&self) -> ingest::IdentityPolicy {
        self.identity_of(&Identity::default())
    }

    /// Who a client of a source is.
    pub(crate) fn identity_of(&self, own: &Identity) -> ingest::IdentityPolicy {
        ingest::IdentityPolicy {
            prefer: own.identity.as_ref().unwrap_or(&self.identity).clone(),
            shows_claims: own.claims.unwrap_or(self.claims),
        }
    }

    /// Under which keys secrets are hashed; `hash_key` is the one of everything else.
    pub(crate) fn secret_keys(&self, hash_key: HashKey) -> SecretKeys {
        let Some(secrets) = &self.secrets else {
            return SecretKeys::new(hash_key);
        };
        let key = secrets.key.unwrap_or(hash_key);
        let Some(at) = secrets.rotated_at else {
            return SecretKeys::new(key);
        };
        let before = secrets.previous_key.unwrap_or(hash_key);
        SecretKeys::rotated(key, before, at, secrets.overlap_secs)
    }

    /// Whether secrets are hashed under a key of their own.
    pub(crate) fn has_secret_key(&self) -> bool {
        self.secrets.as_ref().is_some_and(|secrets| secrets.key.is_some())
    }

    /// How long an action about a secret may last at most.
    pub(crate) fn secret_secs_max(&self) -> u32 {
        let secrets = self.secrets.as_ref();
        secrets.map_or(SECRET_SECS_MAX_DEFAULT, |secrets| secrets.overlap_secs)
    }
}

/// How long an action about a secret may last where no overlap of keys is configured: the setting's own default.
const SECRET_SECS_MAX_DEFAULT: u32 = 7 * 24 * 3600;

/// `[clients.secrets]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    #[serde(default, deserialize_with = "hash_key")]
    key: Option<HashKey>,
    #[serde(default, deserialize_with = "hash_key")]
    previous_key: Option<HashKey>,
    #[serde(default, deserialize_with = "moment")]
    rotated_at: Option<Timestamp>,
    overlap_secs: u32,
}

/// Who a client of one source is, where that is another than elsewhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Identity {
    /// Names that count before the address; `None` for those of `[clients]`.
    pub(crate) identity: Option<Vec<ingest::NamedIdentity>>,
    /// Whether claims are shown; `None` for what `[clients]` says.
    pub(crate) claims: Option<bool>,
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
    /// How far a line may lie behind the latest of its source.
    pub(crate) lateness_secs: u32,
    /// Threads; 0 for one.
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

/// `[openapi]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenApi {
    /// Documents that name routes.
    pub(crate) files: Vec<PathBuf>,
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
    /// What machines must know that register themselves; `None` while none can.
    pub(crate) registration_token: Option<Secret>,
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
        self.lists = newer.lists.clone();
        self.crawlers.known = newer.crawlers.known.clone();
        self.rules = newer.rules.clone();
        self.routes = newer.routes.clone();
        self.clients.own_ranges = newer.clients.own_ranges.clone();
        self.clients.private_clients = newer.clients.private_clients;
        self.storage.checkpoint_secs = newer.storage.checkpoint_secs;
    }

    /// Every name that some source's clients go by.
    pub(crate) fn identities(&self) -> ingest::IdentityPolicy {
        let topics = self.kafka.iter().flat_map(|kafka| &kafka.topics);
        let own = topics.map(kafka::Topic::own_identity);
        let own = own.chain(self.files.iter().map(Files::own_identity));
        let own = own.chain(self.stdin.iter().map(Stdin::own_identity));
        let own = own.chain(self.push.iter().map(Push::own_identity));
        let own = own.chain(self.syslog.iter().map(Syslog::own_identity));
        let mut all = self.clients.identity();
        for own in own {
            let policy = self.clients.identity_of(&own);
            all.prefer.extend(policy.prefer);
            all.shows_claims |= policy.shows_claims;
        }
        all
    }

    /// Whether anything is read.
    pub(crate) fn reads(&self) -> bool {
        self.kafka.is_some()
            || !self.files.is_empty()
            || self.stdin.is_some()
            || self.push.is_some()
            || !self.syslog.is_empty()
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
        let entries = self.allowlist.iter().filter_map(entry);
        let entries = entries.chain(self.crawlers.allowed()).collect();
        Allowlist::new(
            self.clients.own_ranges.clone(),
            entries,
            !self.clients.private_clients,
        )
    }
}
