//! Who the client is: its address, or, where the operator says so, the name that the gateway authenticated.

use crate::claim::subject_of;
use crate::raw::RawRequest;
use domain::{Client, HashKey, Scope, SecretKeys};
use std::net::IpAddr;
use std::num::NonZeroU64;

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

/// Who a client is, by what its gateway logs of it.
///
/// Only list what the gateway verified before it wrote the log, or what only its holder knows: a name that anybody may send would
/// let anybody spend somebody else's reputation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityPolicy {
    /// The names to prefer over the address, first match first. Empty, as by default, means the address alone.
    pub prefer: Vec<NamedIdentity>,
    /// Whether the subject that a token claims, which nobody checked, is shown beside requests that were accepted.
    pub shows_claims: bool,
}

/// The client of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) client: Client,
    /// The client that the same secret named under the earlier key, while that is still valid.
    pub(crate) former: Option<Client>,
}

impl IdentityPolicy {
    /// A policy that prefers those names.
    #[must_use]
    pub fn preferring(prefer: Vec<NamedIdentity>) -> Self {
        Self {
            prefer,
            shows_claims: false,
        }
    }

    /// Chooses the client of a request; `None` when nothing names one.
    pub(crate) fn choose(
        &self,
        raw: &RawRequest<'_>,
        address: Option<IpAddr>,
        keys: &SecretKeys,
    ) -> Option<Identified> {
        self.prefer
            .iter()
            .find_map(|kind| named(*kind, raw, keys))
            .or_else(|| {
                address.map(|address| Identified {
                    client: Client::from_address(address),
                    former: None,
                })
            })
    }

    /// The keyed hash of the subject that a request claims, where it may be shown. What the gateway did not accept claims nothing:
    /// it would be anybody's invention.
    #[inline]
    pub(crate) fn claim(&self, raw: &RawRequest<'_>, keys: &SecretKeys) -> Option<NonZeroU64> {
        let token = raw.token.as_deref().filter(|_| self.shows_claims)?;
        if !matches!(raw.status, 200..=299 | 304) {
            return None;
        }
        let subject = subject_of(token)?;
        let hash = keys.epoch(raw.at).key.hash_secret(subject.as_bytes());
        NonZeroU64::new(u64::from_str_radix(hash.get(..16)?, 16).ok()?)
    }
}

/// The client of that kind, when the line names one of usable length.
fn named(kind: NamedIdentity, raw: &RawRequest<'_>, keys: &SecretKeys) -> Option<Identified> {
    let (text, is_secret) = match kind {
        NamedIdentity::Consumer => (raw.consumer.as_deref()?, false),
        NamedIdentity::Subject => (raw.subject.as_deref()?, false),
        NamedIdentity::Certificate => (raw.certificate.as_deref()?, false),
        NamedIdentity::ApiKey => (raw.api_key.as_deref()?, true),
        NamedIdentity::Session => (raw.session.as_deref()?, true),
    };
    if !is_secret {
        let client = Client::parse(kind.scope(), text).ok()?;
        return Some(Identified { client, former: None });
    }
    let epoch = keys.epoch(raw.at);
    Some(Identified {
        client: hashed(kind, text, &epoch.key)?,
        former: epoch.earlier.and_then(|key| hashed(kind, text, &key)),
    })
}

/// The client that a secret stands for: nothing that leads back to the secret.
fn hashed(kind: NamedIdentity, secret: &str, key: &HashKey) -> Option<Client> {
    Client::parse(kind.scope(), &key.hash_secret(secret.as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use std::borrow::Cow;

    const KEY: HashKey = HashKey::new([7; 16]);

    fn raw() -> RawRequest<'static> {
        RawRequest {
            consumer: Some(Cow::Borrowed("acme")),
            api_key: Some(Cow::Borrowed("s3cret-key")),
            token: Some(Cow::Borrowed(r#"{"sub":"alice"}"#)),
            status: 200,
            ..RawRequest::default()
        }
    }

    fn check(prefer: &[NamedIdentity], expected: &str) {
        let policy = IdentityPolicy::preferring(prefer.to_vec());
        let address = "203.0.113.9".parse().ok();
        let found = policy.choose(&raw(), address, &SecretKeys::new(KEY));
        assert_eq!(found.expect("a client").client.to_string(), expected);
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
        let found = named(NamedIdentity::ApiKey, &raw(), &SecretKeys::new(KEY)).expect("a client");
        assert_eq!(found.client.scope(), Scope::ApiKey);
        assert!(!found.client.to_string().contains("s3cret"));
        assert_eq!(found.client.value(), KEY.hash_secret(b"s3cret-key"));
        assert_eq!(found.former, None);
    }

    #[test]
    fn while_two_keys_are_valid_a_secret_has_a_name_under_each() {
        let old = HashKey::new([8; 16]);
        let keys = SecretKeys::rotated(KEY, old, Timestamp::from_secs(100), 50);
        let at = |secs| {
            let raw = RawRequest {
                at: Timestamp::from_secs(secs),
                ..raw()
            };
            let found = named(NamedIdentity::ApiKey, &raw, &keys).expect("a client");
            (
                found.client.value().into_owned(),
                found.former.map(|former| former.value().into_owned()),
            )
        };
        let (under_new, under_old) = (KEY.hash_secret(b"s3cret-key"), old.hash_secret(b"s3cret-key"));
        assert_eq!(at(99), (under_old.clone(), None));
        assert_eq!(at(120), (under_new.clone(), Some(under_old)));
        assert_eq!(at(150), (under_new, None));
    }

    #[test]
    fn a_claim_is_shown_hashed_where_it_is_allowed_and_the_request_was_accepted() {
        let keys = SecretKeys::new(KEY);
        let mut policy = IdentityPolicy::default();
        assert_eq!(policy.claim(&raw(), &keys), None);
        policy.shows_claims = true;
        let claim = policy.claim(&raw(), &keys).expect("a claim");
        assert!(KEY.hash_secret(b"alice").starts_with(&format!("{claim:016x}")));
        for status in [0, 302, 401, 403, 404, 500] {
            let refused = RawRequest { status, ..raw() };
            assert_eq!(policy.claim(&refused, &keys), None, "{status}");
        }
        // Whatever it claims, the client is its address.
        let address = "203.0.113.9".parse().ok();
        let found = policy.choose(&raw(), address, &keys).expect("a client");
        assert_eq!(found.client.to_string(), "203.0.113.9");
    }

    #[test]
    fn an_ipv6_client_is_its_subscribers_range() {
        let address = "2001:db8:1:2:3:4:5:6".parse().ok();
        let found = IdentityPolicy::default().choose(&raw(), address, &SecretKeys::new(KEY));
        assert_eq!(found.expect("a client").client.to_string(), "2001:db8:1:2::/64");
    }
}
