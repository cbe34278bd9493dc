//! Tokens for SASL OAUTHBEARER: asked for when the client library wants one, and never shown.

use domain::Timestamp;
use rdkafka::client::OAuthToken;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A token that says who we are, for as long as it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaToken {
    /// What is sent to brokers.
    pub text: String,
    /// Whom it names, for the library's own log.
    pub principal: String,
    /// When another one is needed. The library asks for it after four fifths of the time until then.
    pub expires_at: Timestamp,
}

impl fmt::Debug for KafkaToken {
    /// Never shows the token.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KafkaToken")
            .field("principal", &self.principal)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Where tokens come from.
pub trait TokenSource: Send + Sync {
    /// A token that holds now. Called on a thread that polls Kafka: it may wait for seconds, not for minutes.
    ///
    /// # Errors
    /// Why there is none, without any part of a secret. It is shown, and asked again after ten seconds.
    fn token(&self) -> Result<KafkaToken, String>;
}

/// A shared [`TokenSource`].
#[derive(Clone)]
pub struct Tokens(Arc<dyn TokenSource>);

impl Tokens {
    /// Tokens from that source.
    #[must_use]
    pub fn new(source: impl TokenSource + 'static) -> Self {
        Self(Arc::new(source))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Tokens(..)")
    }
}

impl PartialEq for Tokens {
    /// Whether both are one source.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tokens {}

/// Answers the client library's question for a token.
pub(super) fn answer(tokens: Option<&Tokens>) -> Result<OAuthToken, Box<dyn Error>> {
    let tokens = tokens.ok_or("no source of tokens is configured")?;
    // The library takes the words as C has them.
    let token = tokens.0.token().map_err(|why| why.replace('\0', " "))?;
    Ok(OAuthToken {
        token: token.text,
        principal_name: token.principal,
        lifetime_ms: token.expires_at.as_millis(),
    })
}
