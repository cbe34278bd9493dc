//! Who sent requests, in the narrowest form that a gateway can act on.

use ipnet::{IpNet, Ipv6Net};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// One IPv6 subscriber holds at least a /64 and moves freely inside it, so a /64 is one client.
pub const IPV6_CLIENT_PREFIX: u8 = 64;

/// Longest name of a client, in bytes. Longer ones are refused: names come from logs and from people's orders.
const NAME_BYTES_MAX: usize = 512;

/// How whoever sends no user agent is named where user agents are.
pub const NO_USER_AGENT: &str = "(none)";

/// What kind of thing a client or a decision names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One IPv4 address.
    Ip,
    /// A range of addresses; an IPv6 client is a range of /64.
    Range,
    /// An API key, by its keyed hash.
    ApiKey,
    /// An authenticated subject (`sub` of a token).
    Subject,
    /// A gateway's consumer (Kong, APISIX).
    Consumer,
    /// A session, by the keyed hash of its cookie.
    Session,
    /// A client certificate, by its subject.
    Certificate,
    /// A TLS fingerprint.
    Ja4,
    /// A user agent.
    UserAgent,
    /// A route.
    Route,
    /// A virtual host.
    Host,
    /// A country, by its two-letter code.
    Country,
    /// An autonomous system, by its number.
    As,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 13] = [
        Self::Ip,
        Self::Range,
        Self::ApiKey,
        Self::Subject,
        Self::Consumer,
        Self::Session,
        Self::Certificate,
        Self::Ja4,
        Self::UserAgent,
        Self::Route,
        Self::Host,
        Self::Country,
        Self::As,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Range => "range",
            Self::ApiKey => "api_key",
            Self::Subject => "subject",
            Self::Consumer => "consumer",
            Self::Session => "session",
            Self::Certificate => "certificate",
            Self::Ja4 => "ja4",
            Self::UserAgent => "user_agent",
            Self::Route => "route",
            Self::Host => "host",
            Self::Country => "country",
            Self::As => "as",
        }
    }

    /// The scope of that public name, whatever its case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Who sent requests, or whom a decision or an order names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// One IPv4 address.
    Ip(Ipv4Addr),
    /// A range of addresses, its host bits zero; an IPv6 client is a /64.
    Range(IpNet),
    /// Anything else: a scope and a name.
    Named {
        /// Neither `ip` nor `range`.
        scope: Scope,
        /// At most 512 bytes, not empty.
        value: Box<str>,
    },
}

/// A text that does not name a client of the wanted scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not read {value:?} as {scope}: expected {expected}")]
pub struct ClientParseError {
    /// The wanted scope's name.
    pub scope: String,
    /// The text, cut to 64 characters.
    pub value: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl Client {
    /// Whether the two have an address in common, or are the same name.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        crate::allowlist::clients_overlap(self, other)
    }

    /// The client that an address stands for: itself for IPv4 (also when mapped into IPv6), its /64 for IPv6.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::Ip(v4),
            IpAddr::V6(v6) => {
                let net = Ipv6Net::new_assert(v6, IPV6_CLIENT_PREFIX);
                Self::Range(IpNet::V6(net.trunc()))
            }
        }
    }

    /// Whom an order names that is about nobody in particular: every address.
    #[must_use]
    pub fn everybody() -> Self {
        Self::Range(IpNet::V6(Ipv6Net::default()))
    }

    /// Reads a client. `ip` takes an address (an IPv6 one becomes its /64), `range` takes a prefix in CIDR form.
    ///
    /// # Errors
    /// When the value is not of that scope, is empty, or is longer than 512 bytes.
    pub fn parse(scope: Scope, value: &str) -> Result<Self, ClientParseError> {
        let refuse = |expected| ClientParseError {
            scope: scope.as_str().to_owned(),
            value: value.chars().take(64).collect(),
            expected,
        };
        match scope {
            Scope::Ip => value
                .parse::<IpAddr>()
                .map(Self::from_address)
                .map_err(|_| refuse("an address such as 203.0.113.9")),
            Scope::Range => {
                let net: IpNet = value
                    .parse()
                    .map_err(|_| refuse("a range such as 203.0.113.0/24"))?;
                Ok(Self::from_range(net))
            }
            _ if value.is_empty() || value.len() > NAME_BYTES_MAX => Err(refuse("a name of 1 to 512 bytes")),
            _ => Ok(Self::Named {
                scope,
                value: value.into(),
            }),
        }
    }

    /// The client of a range: a single IPv4 address (/32) is `ip`, everything else a truncated range.
    #[must_use]
    pub fn from_range(net: IpNet) -> Self {
        match net.trunc() {
            IpNet::V4(v4) if v4.prefix_len() == 32 => Self::Ip(v4.addr()),
            net => Self::Range(net),
        }
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Ip(_) => Scope::Ip,
            Self::Range(_) => Scope::Range,
            Self::Named { scope, .. } => *scope,
        }
    }

    /// Its value as text: `203.0.113.9`, `2001:db8:1:2::/64`, a name.
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        match self {
            Self::Ip(address) => Cow::Owned(address.to_string()),
            Self::Range(net) => Cow::Owned(net.to_string()),
            Self::Named { value, .. } => Cow::Borrowed(value),
        }
    }

    /// The addresses it covers; `None` for a named client.
    #[must_use]
    pub fn range(&self) -> Option<IpNet> {
        match self {
            Self::Ip(address) => Some(IpNet::from(IpAddr::V4(*address))),
            Self::Range(net) => Some(*net),
            Self::Named { .. } => None,
        }
    }

    /// Whether a request from `address` comes from this client. Always false for a named client.
    #[must_use]
    pub fn covers_address(&self, address: IpAddr) -> bool {
        self.range()
            .is_some_and(|net| net.contains(&address.to_canonical()))
    }
}

impl fmt::Display for Client {
    /// Writes the value; a named client is prefixed by its scope.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(out, "{address}"),
            Self::Range(net) => write!(out, "{net}"),
            Self::Named { scope, value } => write!(out, "{scope}:{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scope: Scope, text: &str, scope_out: Scope, value: &str) {
        let client = Client::parse(scope, text).expect(text);
        assert_eq!(
            (client.scope(), client.value().as_ref()),
            (scope_out, value),
            "{text}"
        );
    }

    #[test]
    fn an_ipv6_client_is_a_range_of_64() {
        check(
            Scope::Ip,
            "2001:db8:1:2:3:4:5:6",
            Scope::Range,
            "2001:db8:1:2::/64",
        );
        check(Scope::Ip, "::ffff:203.0.113.9", Scope::Ip, "203.0.113.9");
        check(Scope::Range, "203.0.113.77/24", Scope::Range, "203.0.113.0/24");
        check(Scope::Range, "203.0.113.77/32", Scope::Ip, "203.0.113.77");
    }

    #[test]
    fn a_text_of_another_scope_is_refused() {
        assert!(Client::parse(Scope::Ip, "203.0.113").is_err());
        assert!(Client::parse(Scope::Range, "203.0.113.9").is_err());
        assert!(Client::parse(Scope::Subject, "").is_err());
        assert!(Client::parse(Scope::Subject, &"x".repeat(513)).is_err());
    }
}
