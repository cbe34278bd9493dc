//! What a client has in common with others, beside its range.

use domain::RequestRecord;
use serde::{Deserialize, Serialize};

/// What a client shares, as hashes; 0 for none. They tell clients' programs apart and need no key: whoever finds a collision joins
/// the clients of another program, as he would by sending its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kin {
    /// Of the user agent.
    pub agent: u32,
    /// Of the TLS fingerprint of its first request.
    pub fingerprint: u32,
    /// Of the virtual host of its first request.
    pub host: u32,
    /// Number of the autonomous system that announces its address.
    pub system: u32,
}

/// The same as people read it, secrets masked; empty for none, and where it is not known here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KinNames {
    /// The user agent.
    pub agent: Box<str>,
    /// The TLS fingerprint.
    pub fingerprint: Box<str>,
    /// The virtual host.
    pub host: Box<str>,
}

impl KinNames {
    /// What a request says of what its client shares, where it still is that.
    pub(crate) fn of(record: &RequestRecord<'_>, kin: Kin, write: fn(&str) -> String) -> Self {
        let named = |text: Option<&str>, hash: u32| -> Box<str> {
            let text = text.filter(|text| hash != 0 && short_hash(text_hash(Some(text))) == hash);
            text.map_or_else(Box::default, |text| write(text).into())
        };
        Self {
            agent: named(record.user_agent.as_deref(), kin.agent),
            fingerprint: named(record.fingerprint.as_deref(), kin.fingerprint),
            host: named(record.host.as_deref(), kin.host),
        }
    }
}

/// Hash of a text for the small sketches, 0 for none. Only counts different ones: no key needed, an attacker who
/// finds collisions makes himself look duller than he is in two of the features and gains nothing.
pub(crate) fn text_hash(text: Option<&str>) -> u64 {
    use std::hash::BuildHasher;
    text.map_or(0, |text| {
        foldhash::fast::FixedState::with_seed(0x5eed).hash_one(text) | 1
    })
}

/// The upper half of such a hash, 0 for none alone: a window has no room for more.
pub(crate) fn short_hash(hash: u64) -> u32 {
    if hash == 0 { 0 } else { (hash >> 32) as u32 | 1 }
}
