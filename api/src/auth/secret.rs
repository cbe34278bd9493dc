//! Secrets: 256 random bits from the operating system, shown once, kept as a hash.
//!
//! A plain BLAKE3 hash is enough. Slow, salted hashes defend passwords, which people choose from a small set; a
//! thief of the table cannot search 2^256 keys however fast one guess is, and no two keys are alike. A fast hash
//! lets every request be checked without making the check itself a way to exhaust us.

use std::fmt;

/// Bytes of randomness in a secret.
const SECRET_BYTES: usize = 32;

/// Marks our secrets, so that scanners of source code recognise a leaked one.
const SECRET_PREFIX: &str = "portcullis_";

/// Longest text that is taken for a secret: ours has 75 characters, anything far above is not worth hashing.
const SECRET_TEXT_MAX: usize = 256;

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("could not make a secret: the operating system gave no randomness: {0}")]
pub struct RandomnessError(String);

/// A secret that was just made. Shown once; its `Debug` form hides it.
pub struct Secret(String);

impl Secret {
    /// Makes one from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system gives none.
    pub fn generate() -> Result<Self, RandomnessError> {
        let mut bytes = [0u8; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| RandomnessError(error.to_string()))?;
        let mut text = String::with_capacity(SECRET_PREFIX.len() + 2 * SECRET_BYTES);
        text.push_str(SECRET_PREFIX);
        text.push_str(blake3::Hash::from_bytes(bytes).to_hex().as_str());
        Ok(Self(text))
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The only form in which it is stored.
    #[must_use]
    pub fn hash(&self) -> String {
        hash_secret(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// The stored form of a secret that somebody presents: 64 hexadecimal digits.
#[must_use]
pub fn hash_secret(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Whether a presented text may be one of our secrets at all.
pub(crate) fn is_plausible(secret: &str) -> bool {
    !secret.is_empty() && secret.len() <= SECRET_TEXT_MAX
}

/// A configured secret, kept as a hash. Comparing takes the same time wherever two secrets differ.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSecret(blake3::Hash);

impl SharedSecret {
    /// Takes a configured secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(blake3::hash(secret.as_bytes()))
    }

    /// Whether the presented text is the secret.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        // `blake3::Hash` compares in constant time.
        is_plausible(presented) && self.0 == blake3::hash(presented.as_bytes())
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SharedSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_eq!(one.reveal().len(), SECRET_PREFIX.len() + 64);
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(one.hash().len(), 64);
        assert_eq!(one.hash(), hash_secret(one.reveal()));
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn a_shared_secret_matches_itself_only() {
        let secret = SharedSecret::new("correct horse");
        assert!(secret.matches("correct horse"));
        assert!(!secret.matches("correct horsE"));
        assert!(!secret.matches(""));
    }
}
