//! Who may ask: keys, sessions, roles, and the defences of a browser's session.

pub(crate) mod attempts;
pub(crate) mod browser;
pub(crate) mod caller;
pub(crate) mod keys;
mod secret;

pub use attempts::{FAILED_ATTEMPTS_MAX, FAILED_WINDOW_MILLIS};
pub(crate) use caller::{Access, Caller, SESSION_COOKIE, SESSION_MILLIS_MAX, of_key, require};
pub use keys::KEY_FRESH_MILLIS;
pub(crate) use keys::{KeyError, Keys, KnownKey};
pub use secret::{RandomnessError, Secret, SharedSecret, hash_secret};
