//! `[[files]]`, `[stdin]`, `[push]`, `[[syslog]]`: where access logs are read from beside Kafka.

use super::read::{from_text, own_identities, ranges};
use super::{Identity, ListenerTls};
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// One `[[files]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// A path, or a pattern of paths.
    pub(crate) path: String,
    /// `auto`, a format's name, or one written down.
    pub(crate) format: String,
    /// The gateway's name; `None` for the path.
    pub(crate) gateway: Option<String>,
    start: String,
    #[serde(default, deserialize_with = "own_identities")]
    identity: Option<Vec<ingest::NamedIdentity>>,
    claims: Option<bool>,
    /// The strongest action that it may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// Clients acted on by its word within an hour at most.
    pub(crate) acts_per_hour: u32,
}

impl Files {
    /// Who its clients are, where that is another than elsewhere.
    pub(crate) fn own_identity(&self) -> Identity {
        Identity {
            identity: self.identity.clone(),
            claims: self.claims,
        }
    }

    /// Whether a log that was never read before begins at its end.
    pub(crate) fn begins_at_end(&self) -> bool {
        self.start == "end"
    }
}

/// `[stdin]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stdin {
    /// `auto`, a format's name, or one written down.
    pub(crate) format: String,
    /// The gateway's name; `None` for the name of the source.
    pub(crate) gateway: Option<String>,
    #[serde(default, deserialize_with = "own_identities")]
    identity: Option<Vec<ingest::NamedIdentity>>,
    claims: Option<bool>,
    /// The strongest action that it may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// Clients acted on by its word within an hour at most.
    pub(crate) acts_per_hour: u32,
}

impl Stdin {
    /// Who its clients are, where that is another than elsewhere.
    pub(crate) fn own_identity(&self) -> Identity {
        Identity {
            identity: self.identity.clone(),
            claims: self.claims,
        }
    }
}

/// `[push]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Push {
    /// `auto`, a format's name, or one written down.
    pub(crate) format: String,
    #[serde(default, deserialize_with = "own_identities")]
    identity: Option<Vec<ingest::NamedIdentity>>,
    claims: Option<bool>,
    /// The strongest action that pushed lines may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// Clients acted on by its word within an hour at most.
    pub(crate) acts_per_hour: u32,
}

impl Push {
    /// Who its clients are, where that is another than elsewhere.
    pub(crate) fn own_identity(&self) -> Identity {
        Identity {
            identity: self.identity.clone(),
            claims: self.claims,
        }
    }
}

/// One `[[syslog]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syslog {
    /// Where it listens.
    #[serde(deserialize_with = "from_text")]
    pub(crate) listen: SocketAddr,
    /// How messages come.
    pub(crate) protocol: SyslogProtocol,
    /// Who may send.
    #[serde(deserialize_with = "ranges")]
    pub(crate) allow: Vec<IpNet>,
    /// `auto`, a format's name, or one written down.
    pub(crate) format: String,
    /// The gateway's name; `None` for the name of the source.
    pub(crate) gateway: Option<String>,
    #[serde(default, deserialize_with = "own_identities")]
    identity: Option<Vec<ingest::NamedIdentity>>,
    claims: Option<bool>,
    /// The strongest action that it may lead to.
    #[serde(deserialize_with = "from_text")]
    pub(crate) trust: domain::Action,
    /// Clients acted on by its word within an hour at most.
    pub(crate) acts_per_hour: u32,
    /// Encryption; there exactly when the protocol is TLS.
    pub(crate) tls: Option<ListenerTls>,
}

/// How syslog's messages come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SyslogProtocol {
    /// A message a datagram.
    Udp,
    /// A stream of messages.
    Tcp,
    /// The same, encrypted.
    Tls,
}

impl SyslogProtocol {
    /// The public name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl Syslog {
    /// Who its clients are, where that is another than elsewhere.
    pub(crate) fn own_identity(&self) -> Identity {
        Identity {
            identity: self.identity.clone(),
            claims: self.claims,
        }
    }

    /// The name of its source.
    pub(crate) fn source(&self) -> String {
        format!("syslog:{}:{}", self.protocol.as_str(), self.listen)
    }

    /// Whether that address may send.
    pub(crate) fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|range| range.contains(&address))
    }
}
