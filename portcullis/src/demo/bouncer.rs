//! The simulated gateway's bouncer: asks the CrowdSec-compatible stream over HTTP, as any bouncer does, and keeps the
//! gateway's own list equal to it.

use super::carried::Carried;
use crate::service::wall_clock;
use anyhow::Context as _;
use domain::{Client, Scope, Timestamp};
use serde::Deserialize;
use simulator::Verdict;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the stream is asked. Bouncers ask every ten seconds; a demo's watcher is less patient.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// A local service that takes longer than this is not going to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How the service's list of bouncers names this one.
const USER_AGENT: &str = concat!("portcullis-demo-gateway/", env!("CARGO_PKG_VERSION"));

/// Asks for changes and applies them.
pub(super) struct Bouncer {
    client: reqwest::Client,
    url: String,
    key: String,
    carried: Arc<RwLock<Carried>>,
    /// Whether the next answer must bring everything: at first, and after an answer that was lost.
    is_fresh: bool,
}

/// An answer of the stream. CrowdSec writes `null` for an empty list.
#[derive(Debug, Deserialize)]
struct Changes {
    new: Option<Vec<Entry>>,
    deleted: Option<Vec<Entry>>,
}

/// One decision, as far as a gateway needs it.
#[derive(Debug, Deserialize)]
struct Entry {
    scope: String,
    value: String,
    #[serde(rename = "type")]
    kind: String,
    duration: String,
}

impl Bouncer {
    /// A bouncer of the service at that URL (`http://127.0.0.1:8600`), with its key.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub(super) fn new(url: &str, key: String, carried: Arc<RwLock<Carried>>) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .user_agent(USER_AGENT)
            // Whatever proxy the environment names, it is not for the loopback.
            .no_proxy()
            .build()
            .context("could not make the bouncer's HTTP client")?;
        Ok(Self {
            client,
            url: format!("{url}/v1/decisions/stream"),
            key,
            carried,
            is_fresh: true,
        })
    }

    /// Follows the stream until it is dropped. While the service does not answer, the gateway goes on with what it has.
    pub(super) async fn follow(mut self) {
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.pull().await {
                Ok(changes) => {
                    let mut carried = self.carried.write().unwrap_or_else(PoisonError::into_inner);
                    apply(&mut carried, &changes, self.is_fresh, wall_clock());
                    self.is_fresh = false;
                }
                Err(error) => {
                    tracing::warn!("the demo's bouncer got no answer: {error:#}");
                    self.is_fresh = true;
                }
            }
        }
    }

    async fn pull(&self) -> anyhow::Result<Changes> {
        let answer = self
            .client
            .get(format!("{}?startup={}", self.url, self.is_fresh))
            .header("X-Api-Key", &self.key)
            .send()
            .await?
            .error_for_status()?;
        answer.json().await.context("could not read the stream's answer")
    }
}

/// Makes the gateway's list follow an answer.
fn apply(carried: &mut Carried, changes: &Changes, is_fresh: bool, now: Timestamp) {
    if is_fresh {
        carried.clear();
    }
    for entry in changes.deleted.iter().flatten() {
        if let Some((client, verdict)) = read(entry) {
            carried.release(&client, verdict);
        }
    }
    for entry in changes.new.iter().flatten() {
        let (Some((client, verdict)), Some(secs)) = (read(entry), go_secs(&entry.duration)) else {
            continue;
        };
        carried.hold(client, verdict, now.plus_secs(secs));
    }
}

/// Who, and what to do; `None` for what this gateway cannot carry out.
fn read(entry: &Entry) -> Option<(Client, Verdict)> {
    let verdict = match entry.kind.as_str() {
        "ban" => Verdict::Deny,
        "throttle" => Verdict::Throttle,
        _ => return None,
    };
    let scope = Scope::from_name(&entry.scope)?;
    let client = Client::parse(scope, &entry.value).ok()?;
    client.range().is_some().then_some((client, verdict))
}

/// Seconds of a duration in Go's form: `3h59m57s`, `59.4s`. Fractions are dropped.
fn go_secs(text: &str) -> Option<i64> {
    let mut secs = 0i64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, tail) = rest.split_at(end);
        let number: i64 = number.split('.').next()?.parse().ok()?;
        let letters = tail
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit_secs = match unit {
            "h" => 3600,
            "m" => 60,
            "s" => 1,
            "ms" | "us" | "µs" | "ns" => 0,
            _ => return None,
        };
        secs = secs.checked_add(number.checked_mul(unit_secs)?)?;
        rest = tail;
    }
    Some(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn changes(text: &str) -> Changes {
        serde_json::from_str(text).unwrap()
    }

    fn check(carried: &Carried, address: &str, expected: Verdict) {
        assert_eq!(
            carried.verdict(address.parse().unwrap(), NOW),
            expected,
            "{address}"
        );
    }

    #[test]
    fn a_duration_in_gos_form_is_read_in_whole_seconds() {
        for (text, expected) in [
            ("3h59m57s", Some(14_397)),
            ("10m0s", Some(600)),
            ("42s", Some(42)),
            ("59.4s", Some(59)),
            ("1m0.5s", Some(60)),
            ("750ms", Some(0)),
            ("-5s", None),
            ("1d", None),
            ("5", None),
        ] {
            assert_eq!(go_secs(text), expected, "{text}");
        }
    }

    #[test]
    fn the_list_follows_the_stream_and_begins_anew_after_a_lost_answer() {
        let mut carried = Carried::default();
        let first = changes(
            r#"{"new":[{"duration":"1h0m0s","scope":"Ip","type":"ban","value":"203.0.113.9"},
                {"duration":"1h0m0s","scope":"Range","type":"throttle","value":"2001:db8:1:2::/64"},
                {"duration":"1h0m0s","scope":"Country","type":"ban","value":"XX"}],"deleted":null}"#,
        );
        apply(&mut carried, &first, true, NOW);
        check(&carried, "203.0.113.9", Verdict::Deny);
        check(&carried, "2001:db8:1:2::5", Verdict::Throttle);
        let lifted =
            r#"{"new":null,"deleted":[{"duration":"-1s","scope":"Ip","type":"ban","value":"203.0.113.9"}]}"#;
        apply(&mut carried, &changes(lifted), false, NOW);
        check(&carried, "203.0.113.9", Verdict::Pass);
        check(&carried, "2001:db8:1:2::5", Verdict::Throttle);
        apply(&mut carried, &changes(r#"{"new":[],"deleted":[]}"#), true, NOW);
        check(&carried, "2001:db8:1:2::5", Verdict::Pass);
    }
}
