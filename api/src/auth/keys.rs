//! API keys, looked up in the store and remembered, so that bouncers are answered from memory.

use super::attempts::Attempts;
use super::secret::{hash_secret, is_plausible};
use domain::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use storage::{ApiKey, Store};

/// How long a remembered key is believed before the store is asked again: a key revoked by another process works
/// no longer than this. Revoking through this process takes effect at once.
pub const KEY_FRESH_MILLIS: i64 = 10_000;
/// Most keys that are remembered. An installation has hundreds; above it the memory starts anew.
const KEYS_MAX: usize = 10_000;
/// A key's last use is written down at most this often.
const TOUCH_MILLIS: i64 = 60_000;
/// A bouncer's last pull is written down at most this often: bouncers pull every ten seconds, an impatient one
/// must not turn into a stream of writes.
const NOTE_MILLIS: i64 = 5_000;

/// Why a secret opened nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// No such key.
    #[error("no such key")]
    Unknown,
    /// Too many failures from that address.
    #[error("too many failed attempts from this address")]
    TooMany,
    /// The store cannot be asked.
    #[error(transparent)]
    Store(#[from] storage::Error),
}

/// A key that was found, and when its use and its bouncer's last pull were last written down.
#[derive(Debug)]
pub(crate) struct KnownKey {
    pub(crate) key: ApiKey,
    touched_millis: AtomicI64,
    noted_millis: AtomicI64,
}

impl KnownKey {
    fn new(key: ApiKey, before: Option<&Self>) -> Self {
        let carry = |part: fn(&Self) -> &AtomicI64| {
            AtomicI64::new(before.map_or(0, |known| part(known).load(Ordering::Relaxed)))
        };
        Self {
            key,
            touched_millis: carry(|known| &known.touched_millis),
            noted_millis: carry(|known| &known.noted_millis),
        }
    }

    /// Whether the use of the key is to be written down now, by the one caller that is told so.
    pub(crate) fn claim_touch(&self, now: Timestamp) -> bool {
        claim(&self.touched_millis, TOUCH_MILLIS, now)
    }

    /// Whether the bouncer's last pull is to be written down now, by the one caller that is told so.
    pub(crate) fn claim_note(&self, now: Timestamp) -> bool {
        claim(&self.noted_millis, NOTE_MILLIS, now)
    }
}

/// Moves `last` to `now` if it is older than the period; of several callers one succeeds.
fn claim(last: &AtomicI64, period_millis: i64, now: Timestamp) -> bool {
    let before = last.load(Ordering::Relaxed);
    now.as_millis().saturating_sub(before) >= period_millis
        && last
            .compare_exchange(before, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
}

struct Known {
    key: Arc<KnownKey>,
    checked_at: Timestamp,
}

/// The keys that may open something.
pub(crate) struct Keys {
    store: Arc<dyn Store>,
    known: RwLock<HashMap<String, Known>>,
    attempts: Attempts,
}

impl Keys {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: RwLock::default(),
            attempts: Attempts::default(),
        }
    }

    /// The key of a presented secret.
    ///
    /// A key that was checked before stays good while the store does not answer: gateways keep their blocklist
    /// when the database is gone.
    pub(crate) async fn find(
        &self,
        secret: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<KnownKey>, KeyError> {
        if !is_plausible(secret) {
            self.attempts.note_failure(from, now);
            return Err(KeyError::Unknown);
        }
        self.find_by_hash(&hash_secret(secret), from, now).await
    }

    /// The key of a secret's hash, as [`Self::find`] finds it.
    pub(crate) async fn find_by_hash(
        &self,
        hash: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Arc<KnownKey>, KeyError> {
        let known = self.recall(hash);
        if let Some((key, checked_at)) = &known
            && now.millis_since(*checked_at) < KEY_FRESH_MILLIS
        {
            return Ok(Arc::clone(key));
        }
        if known.is_none() && self.attempts.is_exhausted(from, now) {
            return Err(KeyError::TooMany);
        }
        match (self.store.api_key_by_hash(hash).await, known) {
            (Ok(Some(key)), _) => Ok(self.remember(hash.to_owned(), key, now)),
            (Ok(None), _) => {
                self.forget(hash);
                self.attempts.note_failure(from, now);
                Err(KeyError::Unknown)
            }
            (Err(error), Some((key, _))) if error.is_retryable() => Ok(key),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Forgets a key that was revoked, whatever its secret is.
    pub(crate) fn forget_name(&self, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, known| known.key.key.name != name);
    }

    fn recall(&self, hash: &str) -> Option<(Arc<KnownKey>, Timestamp)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .get(hash)
            .map(|known| (Arc::clone(&known.key), known.checked_at))
    }

    fn remember(&self, hash: String, key: ApiKey, now: Timestamp) -> Arc<KnownKey> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEYS_MAX {
            known.clear();
        }
        let before = known.get(&hash).map(|known| Arc::clone(&known.key));
        let key = Arc::new(KnownKey::new(key, before.as_deref()));
        let entry = Known {
            key: Arc::clone(&key),
            checked_at: now,
        };
        known.insert(hash, entry);
        key
    }

    fn forget(&self, hash: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(hash);
    }
}
