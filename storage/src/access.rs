//! Who may ask: API keys, sessions of the dashboard, bouncers. Secrets are stored as hashes only.

use domain::Timestamp;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May hand lines over only, of its own gateway.
    Ingest,
    /// May ask the bouncer API only, for its own gateway.
    Bouncer,
    /// May report what it saw only, as CrowdSec's machines do, and read what is decided.
    Watcher,
    /// May read.
    Viewer,
    /// May read and give orders.
    Operator,
    /// May do everything, keys included.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Ingest,
        Self::Bouncer,
        Self::Watcher,
        Self::Viewer,
        Self::Operator,
        Self::Admin,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Bouncer => "bouncer",
            Self::Watcher => "watcher",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A key to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Unique name; revoked keys keep theirs, because the order journal refers to it.
    pub name: String,
    /// Hash of the secret, as the API makes it. The secret itself never comes here.
    pub hash: String,
    /// What it may do.
    pub role: Role,
    /// The gateway that a bouncer's key is limited to, and that a key for pushing speaks for.
    pub gateway: Option<String>,
    /// Name of the key that made it, or `bootstrap`.
    pub created_by: String,
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Unique name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The gateway that a bouncer's key is limited to.
    pub gateway: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Name of the key that made it, or `bootstrap`.
    pub created_by: String,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

/// A dashboard's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's secret.
    pub hash: String,
    /// The key it was opened with.
    pub key_name: String,
    /// What it may do: the key's role.
    pub role: Role,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is known of a bouncer beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bouncer {
    /// Name of its key.
    pub name: String,
    /// From its user agent: `crowdsec-custom-bouncer`.
    pub kind: String,
    /// From its user agent.
    pub version: String,
    /// Where it asked from.
    pub address: String,
    /// When it last asked anything.
    pub last_seen: Timestamp,
    /// Start of its last complete pull of the stream: its cursor.
    pub last_pull: Option<Timestamp>,
}
