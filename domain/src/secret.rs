//! Under which key secrets are hashed at which time.

use crate::{HashKey, Timestamp};

/// The keys under which secrets (API keys, sessions) are hashed, each in its epoch.
///
/// A key that is replaced stays valid for a while: what was decided about a secret under it is still found. No machine's block of
/// a secret lives longer than that while, so that none outlives its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretKeys {
    current: HashKey,
    replaced: Option<Replaced>,
}

/// A key that was replaced, or is about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Replaced {
    key: HashKey,
    /// From then on its successor holds.
    at: Timestamp,
    /// From then on it holds no more.
    until: Timestamp,
}

/// The keys that hold at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEpoch {
    /// Under which secrets are hashed.
    pub key: HashKey,
    /// Under which they were hashed before, as long as that is still valid.
    pub earlier: Option<HashKey>,
}

impl SecretKeys {
    /// One key that always holds.
    #[must_use]
    pub const fn new(key: HashKey) -> Self {
        Self {
            current: key,
            replaced: None,
        }
    }

    /// A key that holds from `at` on; the one before it stays valid for `overlap_secs`.
    #[must_use]
    pub fn rotated(key: HashKey, before: HashKey, at: Timestamp, overlap_secs: u32) -> Self {
        Self {
            current: key,
            replaced: Some(Replaced {
                key: before,
                at,
                until: at.plus_secs(i64::from(overlap_secs)),
            }),
        }
    }

    /// The keys that hold at a time.
    #[must_use]
    pub fn epoch(&self, at: Timestamp) -> KeyEpoch {
        let current = KeyEpoch {
            key: self.current,
            earlier: None,
        };
        match self.replaced {
            Some(replaced) if at < replaced.at => KeyEpoch {
                key: replaced.key,
                ..current
            },
            Some(replaced) if at < replaced.until => KeyEpoch {
                earlier: Some(replaced.key),
                ..current
            },
            _ => current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_key_holds_alone_then_beside_its_successor_then_no_more() {
        let (new, old) = (HashKey::new([1; 16]), HashKey::new([2; 16]));
        let keys = SecretKeys::rotated(new, old, Timestamp::from_secs(100), 50);
        let check = |secs, key, earlier| {
            let epoch = keys.epoch(Timestamp::from_secs(secs));
            assert_eq!(epoch, KeyEpoch { key, earlier }, "{secs}");
        };
        check(99, old, None);
        check(100, new, Some(old));
        check(149, new, Some(old));
        check(150, new, None);
        let epoch = SecretKeys::new(new).epoch(Timestamp::from_secs(0));
        assert_eq!((epoch.key, epoch.earlier), (new, None));
    }
}
