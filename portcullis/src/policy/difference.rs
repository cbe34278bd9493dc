//! What another policy would have decided about the same traffic: who is newly hit, and who no more.

use detector::Output;
use domain::{Action, Client, Decision, Mode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Clients that are remembered of one pass. Of further ones it is counted how many there were.
const CLIENTS_MAX: usize = 1_000_000;

/// What was done about each client, at most, and for which price.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    by_client: BTreeMap<Client, Hit>,
    /// Decisions about clients that were too many to be remembered.
    pub(crate) left_out: u64,
}

/// What was done about one client.
#[derive(Debug, Clone, PartialEq)]
struct Hit {
    action: Action,
    /// Its successful requests, and those of others at its address: what it costs when it is wrong.
    successes: u64,
    others: u64,
    reason: String,
}

/// How the decisions about a client differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Nothing was done before.
    New,
    /// A stronger action.
    Harder,
    /// A weaker one.
    Milder,
    /// Nothing is done any more.
    Spared,
}

impl Change {
    /// The public name.
    const fn as_str(self) -> &'static str {
        match self {
            Self::New => "newly hit",
            Self::Harder => "hit harder",
            Self::Milder => "hit less hard",
            Self::Spared => "hit no more",
        }
    }
}

/// The clients about whom two policies decide differently.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    rows: Vec<(Change, Client, Option<Hit>, Option<Hit>)>,
    /// Clients about whom both decide the same.
    pub(crate) same: usize,
}

impl Hits {
    /// Takes in what the detector said.
    pub(crate) fn take(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::Decision(decision) = output {
                self.note(decision);
            }
        }
    }

    fn note(&mut self, decision: &Decision) {
        if decision.mode == Mode::Shadow || !decision.action.is_enforced() {
            return;
        }
        let hit = Hit {
            action: decision.action,
            successes: decision.price.successful_requests,
            others: decision.price.clients,
            reason: decision.reason.clone(),
        };
        if self.by_client.len() >= CLIENTS_MAX && !self.by_client.contains_key(&decision.client) {
            self.left_out += 1;
            return;
        }
        let known = self
            .by_client
            .entry(decision.client.clone())
            .or_insert_with(|| hit.clone());
        if hit.action > known.action {
            *known = hit;
        }
    }

    /// Clients that were acted on.
    pub(crate) fn len(&self) -> usize {
        self.by_client.len()
    }
}

impl Difference {
    /// Between what was done before, and after.
    pub(crate) fn between(before: &Hits, after: &Hits) -> Self {
        let clients: BTreeSet<&Client> = before.by_client.keys().chain(after.by_client.keys()).collect();
        let mut difference = Self::default();
        for client in clients {
            let (old, new) = (before.by_client.get(client), after.by_client.get(client));
            let change = match (old.map(|hit| hit.action), new.map(|hit| hit.action)) {
                (None, Some(_)) => Change::New,
                (Some(_), None) => Change::Spared,
                (Some(old), Some(new)) if new > old => Change::Harder,
                (Some(old), Some(new)) if new < old => Change::Milder,
                _ => {
                    difference.same += 1;
                    continue;
                }
            };
            difference
                .rows
                .push((change, client.clone(), old.cloned(), new.cloned()));
        }
        // The costliest first: whoever succeeded most is most likely hit by mistake.
        difference.rows.sort_by_key(|(change, _, old, new)| {
            let successes = new.as_ref().or(old.as_ref()).map_or(0, |hit| hit.successes);
            (*change, std::cmp::Reverse(successes))
        });
        difference
    }

    /// Clients with that change.
    pub(crate) fn count(&self, change: Change) -> usize {
        self.rows.iter().filter(|(known, ..)| *known == change).count()
    }

    /// The rows as they are printed.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let row = |(change, client, old, new): &(Change, Client, Option<Hit>, Option<Hit>)| {
            let hit = new.as_ref().or(old.as_ref());
            json!({
                "change": change.as_str(),
                "scope": client.scope().as_str(),
                "client": client.value(),
                "before": old.as_ref().map_or("-", |hit| hit.action.as_str()),
                "after": new.as_ref().map_or("-", |hit| hit.action.as_str()),
                "successful_requests": hit.map_or(0, |hit| hit.successes),
                "others": hit.map_or(0, |hit| hit.others),
                "reason": hit.map_or("", |hit| &hit.reason),
            })
        };
        self.rows.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{DecisionId, Origin, Price, Scope, ThreatKind, Timestamp};

    fn decision(address: &str, action: Action, successes: u64) -> Output {
        Output::Decision(Decision {
            id: DecisionId([1; 16]),
            client: Client::parse(Scope::Ip, address).unwrap(),
            conditions: Vec::new(),
            gateways: Vec::new(),
            action,
            priority: 0,
            origin: Origin::Model,
            price: Price {
                clients: 0,
                successful_requests: successes,
                error: 0.0,
            },
            threat: ThreatKind::Scraping,
            alert_id: None,
            reason: "it took everything".to_owned(),
            event_at: Timestamp::default(),
            ttl_secs: 1,
            mode: Mode::Enforced,
            model: String::new(),
            completeness: None,
        })
    }

    fn hits(outputs: &[Output]) -> Hits {
        let mut hits = Hits::default();
        hits.take(outputs);
        hits
    }

    #[test]
    fn each_client_is_told_once_the_costliest_first() {
        let before = hits(&[
            decision("203.0.113.1", Action::Block, 1),
            decision("203.0.113.2", Action::Throttle, 1),
            decision("203.0.113.3", Action::Block, 1),
            decision("203.0.113.6", Action::Block, 1),
        ]);
        let after = hits(&[
            decision("203.0.113.1", Action::Block, 1),
            decision("203.0.113.2", Action::Throttle, 1),
            decision("203.0.113.2", Action::Block, 1),
            decision("203.0.113.3", Action::Throttle, 1),
            decision("203.0.113.4", Action::Throttle, 5),
            decision("203.0.113.5", Action::Block, 90),
        ]);
        let difference = Difference::between(&before, &after);
        let told: Vec<String> = difference
            .rows()
            .iter()
            .map(|row| {
                format!(
                    "{} {}",
                    row["change"].as_str().unwrap(),
                    row["client"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "newly hit 203.0.113.5",
                "newly hit 203.0.113.4",
                "hit harder 203.0.113.2",
                "hit less hard 203.0.113.3",
                "hit no more 203.0.113.6",
            ]
        );
        assert_eq!((difference.same, difference.count(Change::New)), (1, 2));
    }

    #[test]
    fn what_is_only_recorded_hits_nobody() {
        let Output::Decision(decision) = decision("203.0.113.1", Action::Block, 1) else {
            unreachable!()
        };
        let shadow = Output::Decision(Decision {
            mode: Mode::Shadow,
            ..decision
        });
        assert_eq!(hits(&[shadow]).len(), 0);
    }
}
