//! A CrowdSec local API, told as one of its watchers: its bouncers carry out what was decided.
//!
//! Ours are decisions with our origin and our scenario. One that is to end at another time is posted anew, and the one before is taken
//! away after it: bouncers are told of no gap. What the server's allowlists name is not posted, as the server itself does not look
//! when it is given decisions.

use super::http::{Answer, Http};
use super::{Connector, Piece, PointError};
use crate::item::{Expresses, Held, Holding, Item};
use crate::keeper::Clock;
use crate::plan::Changes;
use async_trait::async_trait;
use domain::{Action, Client, Scope, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a person does at the server.
const ADVICE: &str = include_str!("crowdsec.txt");

/// Decisions of one alert, and addresses of one question: the server writes them in one transaction and lets nobody else write
/// meanwhile.
const CHUNK: usize = 1_000;

/// Most clients that are held: all are read again and again, each some 160 bytes.
const CAPACITY: usize = 50_000;

/// What a scenario begins with: by it ours are told from what others decided, also where the origin is CrowdSec's own.
const OURS: &str = "portcullis";

/// Longest origin or scenario.
const NAME_BYTES_MAX: usize = 64;

/// What is done, as bouncers know it.
const TYPES: [(Action, &str); 2] = [(Action::Block, "ban"), (Action::Challenge, "captcha")];

/// How a local API is reached.
#[derive(Clone)]
pub struct CrowdsecSettings {
    /// Where it is: `http://127.0.0.1:8080`.
    pub url: String,
    /// The machine's name there.
    pub machine: String,
    /// Its password.
    pub password: String,
    /// What decisions of ours say that they come from.
    pub origin: String,
    /// What decisions of ours say that they are for: by it they are found again.
    pub scenario: String,
}

/// See the module.
pub struct Crowdsec {
    settings: CrowdsecSettings,
    http: Http,
    clock: Clock,
    /// What proves who we are, until it has ended.
    token: Option<String>,
    /// The numbers of our decisions, when it was last read.
    numbers: BTreeMap<Client, Vec<u64>>,
    /// Clients that the server's allowlists name, and what they were to hold.
    allowed: Holding,
}

impl Crowdsec {
    /// A way to that local API.
    ///
    /// # Errors
    /// When the origin or the scenario is none.
    pub fn new(settings: CrowdsecSettings, clock: Clock) -> Result<Self, PointError> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-./".contains(one);
        for name in [&settings.origin, &settings.scenario] {
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
                let told = "an origin or a scenario is letters, digits and _-./ only";
                return Err(PointError::Refused(told.to_owned()));
            }
        }
        if !settings.scenario.starts_with(OURS) {
            let told =
                "a scenario of Portcullis' begins with portcullis: whatever has it is ours to take away";
            return Err(PointError::Refused(told.to_owned()));
        }
        Ok(Self {
            http: Http::new("CrowdSec", &settings.url, true)?,
            settings,
            clock,
            token: None,
            numbers: BTreeMap::new(),
            allowed: Holding::new(),
        })
    }

    async fn log_in(&mut self) -> Result<String, PointError> {
        let (machine, password) = (&self.settings.machine, &self.settings.password);
        let body = json!({ "machine_id": machine, "password": password, "scenarios": [] });
        let answer = self
            .http
            .ask(Method::POST, "/v1/watchers/login", None, Some(&body))
            .await?;
        match answer.body["token"].as_str() {
            Some(token) if answer.status == StatusCode::OK => Ok(format!("Bearer {token}")),
            _ => Err(self.http.refused(&answer)),
        }
    }

    /// Asks as the machine that we are: a token ends after an hour, and with the server's start.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, PointError> {
        if let Some(token) = self.token.take() {
            let header = Some(("authorization", token.as_str()));
            let answer = self.http.ask(method.clone(), path, header, body).await?;
            if answer.status != StatusCode::UNAUTHORIZED {
                self.token = Some(token);
                return Ok(answer);
            }
        }
        let token = self.log_in().await?;
        let header = Some(("authorization", token.as_str()));
        let answer = self.http.ask(method, path, header, body).await?;
        self.token = Some(token);
        Ok(answer)
    }

    /// Takes in what the server says of its alerts.
    fn take(&mut self, alerts: &Value) -> Holding {
        let now = (self.clock)();
        let (mut holding, mut numbers) = (Holding::new(), BTreeMap::<Client, Vec<u64>>::new());
        let decisions = alerts.as_array().map_or(&[][..], Vec::as_slice).iter();
        let decisions = decisions.filter_map(|alert| alert["decisions"].as_array());
        for decision in decisions.flatten() {
            let is_ours = decision["origin"] == self.settings.origin.as_str()
                && decision["scenario"] == self.settings.scenario.as_str();
            let Some((client, held, number)) = is_ours.then(|| read_decision(decision, now)).flatten() else {
                continue;
            };
            numbers.entry(client.clone()).or_default().push(number);
            // Of several the longest counts: bouncers are told of no other.
            let known = holding.entry(client).or_insert(held);
            if held.expires_at > known.expires_at {
                *known = held;
            }
        }
        self.numbers = numbers;
        holding
    }

    /// Of these whoever an allowlist of the server names.
    async fn allowed_of(
        &mut self,
        clients: impl Iterator<Item = &Client>,
    ) -> Result<BTreeSet<String>, PointError> {
        let targets: Vec<String> = clients.map(|client| client.value().into_owned()).collect();
        let body = json!({ "targets": targets });
        let answer = self
            .ask(Method::POST, "/v1/allowlists/check", Some(&body))
            .await?;
        match answer.status {
            // Servers before 1.6.6 have no allowlists.
            StatusCode::NOT_FOUND => Ok(BTreeSet::new()),
            StatusCode::OK => Ok(named_of(&answer.body)),
            _ => Err(self.http.refused(&answer)),
        }
    }

    async fn post(&mut self, items: &[Item]) -> Result<(), PointError> {
        let named = self.allowed_of(items.iter().map(|item| &item.client)).await?;
        let (allowed, items): (Vec<&Item>, Vec<&Item>) = items
            .iter()
            .partition(|item| named.contains(&*item.client.value()));
        let held = allowed.iter().map(|item| (item.client.clone(), item.held()));
        self.allowed.extend(held);
        if items.is_empty() {
            return Ok(());
        }
        let alert = self.alert(&items);
        let answer = self.ask(Method::POST, "/v1/alerts", Some(&alert)).await?;
        if answer.status != StatusCode::CREATED {
            return Err(self.http.refused(&answer));
        }
        Ok(())
    }

    /// An alert that carries decisions. The server counts their ends from `stop_at`.
    fn alert(&self, items: &[&Item]) -> Value {
        let (now, scenario) = ((self.clock)(), self.settings.scenario.as_str());
        let decisions: Vec<Value> = items
            .iter()
            .filter_map(|item| {
                let (_, kind) = TYPES.iter().find(|(action, _)| *action == item.action)?;
                let millis = item.expires_at.millis_since(Timestamp::from_secs(now.as_secs()));
                let scope = match item.client.scope() {
                    Scope::Ip => "Ip",
                    _ => "Range",
                };
                Some(json!({
                    "origin": self.settings.origin, "scenario": scenario, "type": kind, "scope": scope,
                    "value": &*item.client.value(), "duration": format!("{}ms", millis.max(1)),
                }))
            })
            .collect();
        let at = Timestamp::from_secs(now.as_secs()).to_string();
        json!([{
            "scenario": scenario, "scenario_hash": "", "scenario_version": "", "capacity": 0, "leakspeed": "0", "simulated": false,
            "message": format!("decided by Portcullis: {} clients", decisions.len()), "events_count": decisions.len(), "events": [],
            "start_at": at, "stop_at": at, "source": { "scope": "portcullis", "value": scenario },
            "remediation": true, "decisions": decisions,
        }])
    }

    /// Takes away decisions that an address names, as many as there are.
    async fn delete(&mut self, path: &str) -> Result<(), PointError> {
        let answer = self.ask(Method::DELETE, path, None).await?;
        // The server says 500 of a number that has gone meanwhile, and 404 since.
        let words = answer.body["message"].as_str().unwrap_or_default();
        let has_gone =
            answer.status == StatusCode::NOT_FOUND || words.contains("doesn't exist: unable to delete");
        if !answer.status.is_success() && !has_gone {
            return Err(self.http.refused(&answer));
        }
        Ok(())
    }

    /// What names all decisions of ours.
    fn ours(&self) -> String {
        format!(
            "origin={}&scenario={}",
            self.settings.origin, self.settings.scenario
        )
    }

    /// Asks again for whom nothing was posted: allowlists change.
    async fn look_at_allowed(&mut self) -> Result<Holding, PointError> {
        let (now, mut still) = ((self.clock)(), Holding::new());
        let known = std::mem::take(&mut self.allowed);
        let known: Vec<(Client, Held)> = known
            .into_iter()
            .filter(|(_, held)| held.expires_at.is_some_and(|at| at > now))
            .collect();
        for chunk in known.chunks(CHUNK) {
            let named = self.allowed_of(chunk.iter().map(|(client, _)| client)).await?;
            let is_named = |(client, _): &&(Client, Held)| named.contains(&*client.value());
            still.extend(chunk.iter().filter(is_named).cloned());
        }
        Ok(still)
    }
}

#[async_trait]
impl Connector for Crowdsec {
    fn kind(&self) -> &'static str {
        "crowdsec"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Challenge, Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: false,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn advice(&self) -> Vec<Piece> {
        vec![Piece {
            place: "on the machine of the local API: the machine that Portcullis is there; bouncers need nothing",
            text: ADVICE.replace("{machine}", &self.settings.machine),
        }]
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        let path = format!("/v1/alerts?{}&has_active_decision=true&limit=0", self.ours());
        let answer = self.ask(Method::GET, &path, None).await?;
        // Where there are none the server says null.
        if answer.status != StatusCode::OK {
            return Err(self.http.refused(&answer));
        }
        let mut holding = self.take(&answer.body);
        self.allowed = self.look_at_allowed().await?;
        // Taken for held, so that it is not posted again and again.
        let left_out = self
            .allowed
            .iter()
            .filter(|(client, _)| !self.numbers.contains_key(client));
        holding.extend(left_out.map(|(client, held)| (client.clone(), *held)));
        Ok(holding)
    }

    async fn apply(&mut self, changes: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let is_known =
            |item: &Item| self.numbers.contains_key(&item.client) || self.allowed.contains_key(&item.client);
        if !changes.replace.iter().all(is_known) {
            self.read().await?;
        }
        let other = changes.replace.iter().map(|item| &item.client);
        let numbers = other.clone().filter_map(|client| self.numbers.get(client));
        let numbers: Vec<u64> = numbers.flatten().copied().collect();
        for client in changes.remove.iter().chain(other) {
            self.allowed.remove(client);
        }
        let put: Vec<Item> = changes.put().cloned().collect();
        for chunk in put.chunks(CHUNK) {
            self.post(chunk).await?;
        }
        self.numbers.clear();
        for number in numbers {
            self.delete(&format!("/v1/decisions/{number}")).await?;
        }
        let ours = self.ours();
        if wanted.is_empty() {
            return self.delete(&format!("/v1/decisions?{ours}")).await;
        }
        for client in &changes.remove {
            self.delete(&format!("/v1/decisions?{ours}&value={}", client.value()))
                .await?;
        }
        Ok(())
    }

    fn left_out(&self) -> usize {
        self.allowed.len()
    }
}

/// A decision that is in force: whom it is about, what it does, and its number.
fn read_decision(decision: &Value, now: Timestamp) -> Option<(Client, Held, u64)> {
    let millis = millis_of(decision["duration"].as_str()?)?;
    let scope = match decision["scope"].as_str()?.to_ascii_lowercase().as_str() {
        "ip" => Scope::Ip,
        "range" => Scope::Range,
        _ => return None,
    };
    let (action, _) = TYPES.iter().find(|(_, kind)| decision["type"] == *kind)?;
    let held = Held {
        action: *action,
        expires_at: Some(now.plus_millis(millis)),
    };
    let client = Client::parse(scope, decision["value"].as_str()?).ok()?;
    (millis > 0).then_some((client, held, decision["id"].as_u64()?))
}

/// The targets that an answer says are on an allowlist.
fn named_of(answer: &Value) -> BTreeSet<String> {
    let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
    let named = results.iter().filter(|one| {
        let lists = one["allowlists"].as_array();
        lists.is_some_and(|lists| !lists.is_empty())
    });
    named
        .filter_map(|one| one["target"].as_str().map(str::to_owned))
        .collect()
}

/// A duration as Go writes it: `59m59.754116496s`, `-1h2m`, `314.79ms`.
fn millis_of(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let mut millis = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit() && one != '.')?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind
            .find(|one: char| one.is_ascii_digit())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let unit = match unit {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1_000.0,
            "ms" => 1.0,
            "µs" | "us" => 0.001,
            "ns" => 0.000_001,
            _ => return None,
        };
        millis += number.parse::<f64>().ok()? * unit;
        rest = behind;
    }
    Some((sign * millis) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::of_range as item;
    use std::sync::Arc;

    const NOW: i64 = 1_999_990_000;

    #[test]
    fn what_others_decided_cannot_be_taken_for_ours() {
        let refused = |scenario: &str| {
            let settings = CrowdsecSettings {
                scenario: scenario.to_owned(),
                ..settings()
            };
            Crowdsec::new(settings, Arc::new(|| Timestamp::from_secs(NOW))).is_err()
        };
        assert!(!refused("portcullis/edge-2"));
        assert!(refused("crowdsecurity/ssh-bf"));
        assert!(refused("portcullis&origin=cscli"));
        assert!(refused(""));
    }

    fn settings() -> CrowdsecSettings {
        CrowdsecSettings {
            url: "http://127.0.0.1:8080/".to_owned(),
            machine: "portcullis".to_owned(),
            password: "secret".to_owned(),
            origin: "portcullis".to_owned(),
            scenario: "portcullis/decisions".to_owned(),
        }
    }

    fn crowdsec() -> Crowdsec {
        Crowdsec::new(settings(), Arc::new(|| Timestamp::from_secs(NOW))).expect("settings")
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("59m59.754116496s", Some(3_599_754)),
            ("23h58m40.5s", Some(86_320_500)),
            ("-314.793492ms", Some(-314)),
            ("0s", Some(0)),
            ("10µs", Some(0)),
            ("10", None),
            ("1d", None),
            ("..s", None),
        ] {
            assert_eq!(millis_of(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_posted_is_found_again_and_nothing_of_others() {
        let mut crowdsec = crowdsec();
        let items = [
            item("203.0.113.9/32", Action::Block).1,
            item("2001:db8:1:2::/64", Action::Challenge).1,
        ];
        let mut alerts = crowdsec.alert(&items.iter().collect::<Vec<_>>());
        let decisions = alerts[0]["decisions"].as_array_mut().expect("decisions");
        for (at, decision) in decisions.iter_mut().enumerate() {
            decision["id"] = at.into();
        }
        let mut foreign = decisions[0].clone();
        (foreign["origin"], foreign["value"]) = ("cscli".into(), "203.0.113.10".into());
        let mut ended = decisions[0].clone();
        (ended["duration"], ended["value"]) = ("-1s".into(), "203.0.113.11".into());
        decisions.extend([foreign, ended]);
        let holding = crowdsec.take(&alerts);
        let expected: Holding = items
            .iter()
            .map(|item| (item.client.clone(), item.held()))
            .collect();
        assert_eq!(holding, expected);
        assert_eq!(crowdsec.numbers.values().flatten().count(), 2);
        assert!(crowdsec.take(&Value::Null).is_empty());
    }

    /// The answer as the server's description has it (`BulkCheckAllowlistResponse`).
    #[test]
    fn whom_an_allowlist_names_is_read() {
        let answer = json!({ "results": [
            { "target": "203.0.113.9", "allowlists": ["office"] }, { "target": "203.0.113.10", "allowlists": [] },
        ] });
        assert_eq!(named_of(&answer), BTreeSet::from(["203.0.113.9".to_owned()]));
        assert!(named_of(&Value::Null).is_empty());
    }
}
