//! Who the client is: its address, or, where the operator says so, the name that the gateway authenticated.

use crate::raw::RawRequest;
use domain::{Client, HashKey, Scope};
use std::net::IpAddr;

/// A name that a gateway may have authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedIdentity {
    /// The gateway's consumer (Kong).
    Consumer,
    /// The subject of a verified token.
    Subject,
    /// The API key, as its keyed hash.
    ApiKey,
    /// The session's cookie or token, as its keyed hash.
    Session,
    /// The subject of the client certificate that the gateway checked.
    Certificate,
}

impl NamedIdentity {
    /// Every kind of name.
    pub const ALL: [Self; 5] = [
        Self::Consumer,
        Self::Subject,
        Self::ApiKey,
        Self::Session,
        Self::Certificate,
    ];

    /// The scope of a client of that kind.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Consumer => Scope::Consumer,
            Self::Subject => Scope::Subject,
            Self::ApiKey => Scope::ApiKey,
            Self::Session => Scope::Session,
            Self::Certificate => Scope::Certificate,
        }
    }
}

/// Which names are taken for the client, first match first. Empty, as by default, means the address alone.
///
/// Only list what the gateway verified before it wrote the log: a name that anybody may send would let anybody
/// spend somebody else's reputation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityPolicy {
    /// The names to prefer over the address, in order.
    pub prefer: Vec<NamedIdentity>,
}

impl IdentityPolicy {
    /// Chooses the client of a request; `None` when nothing names one.
    #[must_use]
    pub fn choose(&self, raw: &RawRequest<'_>, address: Option<IpAddr>, key: &HashKey) -> Option<Client> {
        self.prefer
            .iter()
            .find_map(|kind| named(*kind, raw, key))
            .or_else(|| address.map(Client::from_address))
    }
}

/// The client of that kind, when the line names one of usable length.
fn named(kind: NamedIdentity, raw: &RawRequest<'_>, key: &HashKey) -> Option<Client> {
    match kind {
        NamedIdentity::Consumer => Client::parse(kind.scope(), raw.consumer.as_deref()?).ok(),
        NamedIdentity::Subject => Client::parse(kind.scope(), raw.subject.as_deref()?).ok(),
        NamedIdentity::Certificate => Client::parse(kind.scope(), raw.certificate.as_deref()?).ok(),
        NamedIdentity::ApiKey => hashed(kind, raw.api_key.as_deref()?, key),
        NamedIdentity::Session => hashed(kind, raw.session.as_deref()?, key),
    }
}

/// The client that a secret stands for: nothing that leads back to the secret.
fn hashed(kind: NamedIdentity, secret: &str, key: &HashKey) -> Option<Client> {
    Client::parse(kind.scope(), &key.hash_secret(secret.as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn raw() -> RawRequest<'static> {
        RawRequest {
            consumer: Some(Cow::Borrowed("acme")),
            api_key: Some(Cow::Borrowed("s3cret-key")),
            ..RawRequest::default()
        }
    }

    fn check(prefer: &[NamedIdentity], expected: &str) {
        let policy = IdentityPolicy {
            prefer: prefer.to_vec(),
        };
        let address = "203.0.113.9".parse().ok();
        let client = policy
            .choose(&raw(), address, &HashKey::new([7; 16]))
            .expect("a client");
        assert_eq!(client.to_string(), expected);
    }

    #[test]
    fn the_first_preferred_name_that_is_there_is_the_client() {
        check(&[], "203.0.113.9");
        check(&[NamedIdentity::Subject], "203.0.113.9");
        check(
            &[NamedIdentity::Subject, NamedIdentity::Consumer],
            "consumer:acme",
        );
    }

    #[test]
    fn an_api_key_is_never_kept_as_it_was_sent() {
        let key = HashKey::new([7; 16]);
        let client = named(NamedIdentity::ApiKey, &raw(), &key).expect("a client");
        assert_eq!(client.scope(), Scope::ApiKey);
        assert!(!client.to_string().contains("s3cret"));
        assert_eq!(client.value(), key.hash_secret(b"s3cret-key"));
    }

    #[test]
    fn an_ipv6_client_is_its_subscribers_range() {
        let address = "2001:db8:1:2:3:4:5:6".parse().ok();
        let client = IdentityPolicy::default().choose(&raw(), address, &HashKey::new([7; 16]));
        assert_eq!(client.expect("a client").to_string(), "2001:db8:1:2::/64");
    }
}
