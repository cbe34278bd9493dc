//! Anything that listens to HTTP: each change as JSON, signed as <https://www.standardwebhooks.com> says.
//!
//! A listener cannot be read, so what it holds is what it acknowledged. It is told everything now and then, at our start, and after
//! each failure: whatever was lost or doubled is put right by that. Entries say when they end, for a listener that ends them by itself.

use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Holding, Item};
use crate::keeper::Clock;
use crate::plan::Changes;
use crate::wanted::held;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Action, Client, Scope};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Longest time for an answer, as the specification recommends.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Clients of one message: some 200 bytes each.
const CHUNK: usize = 5_000;

/// Most clients that it is told of.
const CAPACITY: usize = 100_000;

/// Least and most bytes of a secret, by the specification.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How a listener is reached.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Where messages go.
    pub url: String,
    /// The secret that signs them: `whsec_` and base64.
    pub secret: String,
}

/// See the module.
pub struct Webhook {
    url: String,
    key: Vec<u8>,
    clock: Clock,
    http: reqwest::Client,
    /// What it acknowledged.
    acknowledged: Holding,
    /// Whether it has to be told everything.
    is_due: bool,
}

impl Webhook {
    /// A way to that listener.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn new(settings: WebhookSettings, clock: Clock) -> Result<Self, PointError> {
        let text = settings.secret.strip_prefix("whsec_").unwrap_or(&settings.secret);
        let key = STANDARD
            .decode(text)
            .ok()
            .filter(|key| SECRET_BYTES.contains(&key.len()));
        let told = "a webhook's secret is whsec_ and the base64 of 24 to 64 random bytes";
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            url: settings.url,
            key: key.ok_or_else(|| PointError::Refused(told.to_owned()))?,
            clock,
            http: http
                .build()
                .map_err(|error| PointError::Refused(error.to_string()))?,
            acknowledged: Holding::new(),
            is_due: true,
        })
    }

    /// Sends a message, and waits for its acknowledgement.
    async fn send(&self, kind: &str, data: Value) -> Result<(), PointError> {
        let now = (self.clock)();
        let (id, secs) = (message_id()?, now.as_secs());
        let body = json!({ "type": kind, "timestamp": now.to_string(), "data": data }).to_string();
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", secs.to_string())
            .header("webhook-signature", signature(&self.key, &id, secs, &body)?)
            .body(body);
        // The address may hold a secret: it is not told.
        let answer = request
            .send()
            .await
            .map_err(|error| PointError::Unreachable(format!("webhook: {}", error.without_url())))?;
        if !answer.status().is_success() {
            return Err(PointError::Refused(format!(
                "webhook: the listener answered {}",
                answer.status()
            )));
        }
        Ok(())
    }

    async fn tell_all(&mut self, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let entries: Vec<Value> = wanted.values().map(entry).collect();
        let list = message_id()?;
        let parts = entries.len().div_ceil(CHUNK).max(1);
        for part in 0..parts {
            let some = entries.iter().skip(part * CHUNK).take(CHUNK).collect::<Vec<_>>();
            let data = json!({ "list": list, "part": part + 1, "parts": parts, "entries": some });
            self.send("portcullis.list", data).await?;
        }
        self.is_due = false;
        Ok(())
    }

    async fn tell_changes(&self, changes: &Changes) -> Result<(), PointError> {
        let put: Vec<Value> = changes.put().map(entry).collect();
        let remove: Vec<Value> = changes.remove.iter().map(named).collect();
        for some in put.chunks(CHUNK) {
            self.send("portcullis.changes", json!({ "put": some, "remove": [] }))
                .await?;
        }
        for some in remove.chunks(CHUNK) {
            self.send("portcullis.changes", json!({ "put": [], "remove": some }))
                .await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Connector for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &Scope::ALL,
            actions: &[Action::Challenge, Action::Throttle, Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "what the listener is sent; it checks the signature with the secret, answers 2xx when it is in effect, and keeps this",
            text: include_str!("webhook.txt").to_owned(),
        }]
    }

    fn is_due(&self) -> bool {
        self.is_due
    }

    /// What it acknowledged. In place of being read it is told everything.
    async fn read(&mut self) -> Result<Holding, PointError> {
        self.is_due = true;
        Ok(self.acknowledged.clone())
    }

    async fn apply(&mut self, changes: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let told = match self.is_due {
            true => self.tell_all(wanted).await,
            false => self.tell_changes(changes).await,
        };
        match told {
            Ok(()) => {
                self.acknowledged = held(wanted);
                Ok(())
            }
            Err(error) => {
                // Whether it took effect is not known.
                self.is_due = true;
                Err(error)
            }
        }
    }
}

fn named(client: &Client) -> Value {
    json!({ "scope": client.scope().as_str(), "client": client.value() })
}

fn entry(item: &Item) -> Value {
    let mut entry = named(&item.client);
    entry["action"] = item.action.as_str().into();
    entry["expires_at"] = item.expires_at.to_string().into();
    entry["decision"] = item.decision.as_str().into();
    entry
}

/// A name for a message that no other one has.
fn message_id() -> Result<String, PointError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| PointError::Unreachable(format!("no randomness: {error}")))?;
    Ok(bytes.iter().fold("msg_".to_owned(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    }))
}

/// The signature of a message, of version 1: an HMAC with SHA-256 over its name, its time and its body.
fn signature(key: &[u8], id: &str, secs: i64, body: &str) -> Result<String, PointError> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).map_err(|error| PointError::Refused(error.to_string()))?;
    mac.update(format!("{id}.{secs}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    /// The example that the libraries of Standard Webhooks test themselves with.
    #[test]
    fn a_message_is_signed_as_the_libraries_of_others_do() {
        let key = STANDARD
            .decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .expect("base64");
        let signed = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.expect("a key"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_has_enough_bytes() {
        let with = |secret: &str| {
            let settings = WebhookSettings {
                url: "http://127.0.0.1/".to_owned(),
                secret: secret.to_owned(),
            };
            Webhook::new(settings, std::sync::Arc::new(|| Timestamp::from_secs(1))).map(drop)
        };
        assert!(with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        assert!(with("whsec_c2hvcnQ=").is_err());
        assert!(with("no base64").is_err());
    }
}
