//! Keyed hashing: identifiers that an attacker cannot predict or collide on purpose.

use crate::{Client, DecisionId, ThreatKind, Timestamp};
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};

/// A secret 128-bit key. The same key gives the same hashes, so a replay gives the same identifiers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey([u8; 16]);

impl std::fmt::Debug for HashKey {
    /// Never shows the key.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HashKey(..)")
    }
}

impl HashKey {
    /// Makes a key from 16 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Hashes anything hashable to 64 bits with SipHash-1-3.
    #[must_use]
    pub fn hash<T: Hash + ?Sized>(&self, value: &T) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        value.hash(&mut hasher);
        hasher.finish()
    }

    /// Hashes a secret (an API key, a session cookie) to 32 hexadecimal digits, the only form in which it is kept.
    #[must_use]
    pub fn hash_secret(&self, secret: &[u8]) -> String {
        let mut key = [0u8; 32];
        key[..16].copy_from_slice(&self.0);
        let hash = blake3::keyed_hash(&key, secret);
        hash.to_hex()[..32].to_owned()
    }

    /// The identity of a decision: a keyed hash of (client, threat, start of the episode), so that replaying
    /// the same log repeats no decision whatever model scored it.
    #[must_use]
    pub fn decision_id(&self, client: &Client, threat: ThreatKind, episode_start: Timestamp) -> DecisionId {
        let mut key = [0u8; 32];
        key[..16].copy_from_slice(&self.0);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(client.scope().as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(client.value().as_bytes());
        hasher.update(&[0]);
        hasher.update(threat.as_str().as_bytes());
        hasher.update(&episode_start.as_millis().to_le_bytes());
        let mut id = [0u8; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        DecisionId(id)
    }
}
