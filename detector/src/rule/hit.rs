//! A request that counts for a rule, as a shard hands it to the end of the tick.

use super::{By, DistinctOf, Facts, RuleSet, Who};
use crate::detector::Describe;
use crate::stage::client::{Arrival, Slot};
use domain::{Action, Client, Evidence, HashKey, Scope, Timestamp};

/// Longest name of a route or host in an alert, in bytes: what a client's name may have.
const NAME_BYTES_MAX: usize = 512;

/// Statuses that say that whoever asked is not known.
const UNKNOWN: [u16; 2] = [401, 407];

/// A request that counts for a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The request's place in the order of arrival.
    pub seq: u64,
    /// Number of the rule.
    pub rule: u64,
    /// What the rule counts it by.
    pub key: u64,
    /// Of which different values are counted; 0 when requests are.
    pub value: u64,
    /// Whom the rule names when it fires.
    pub target: Client,
    /// The target's keyed hash.
    pub owner: u64,
    /// Key of the client's window.
    pub window: u64,
    /// Number of the request's source.
    pub source: u32,
    /// The strongest action that the request may lead to.
    pub most: Action,
    /// Whether its line could be read in more than one way.
    pub is_ambiguous: bool,
    /// Whether the address was only claimed by somebody untrusted.
    pub is_claimed: bool,
    /// Whether the target is a name that is many's.
    pub is_shared: bool,
    /// When.
    pub at: Timestamp,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// The client's requests, this one included.
    pub requests: u64,
    /// Whether the client had a successful history.
    pub is_established: bool,
    /// Successful requests over the longest horizon.
    pub successes: f32,
    /// Requests over the middle horizon.
    pub load: f32,
    /// Different user agents.
    pub agents: f32,
    /// The request.
    pub evidence: Evidence,
}

/// A request with its window, as rules see it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) arrival: &'a Arrival<'a, 'a>,
    pub(crate) slot: &'a Slot,
    pub(crate) hash_key: &'a HashKey,
    pub(crate) agent: u64,
}

/// Writes down for which rules a request counts.
pub(crate) fn catch(
    rules: &RuleSet,
    facts: &Facts<'_>,
    seen: Seen<'_>,
    describe: Describe,
    hits: &mut Vec<Hit>,
) {
    for (number, rule) in rules.iter() {
        if !rule.counts(facts) {
            continue;
        }
        let Some((target, owner)) = seen.target(rule.by, rules) else {
            continue;
        };
        let Some(value) = rule.limit.distinct.map_or(Some(0), |of| seen.value(of)) else {
            continue;
        };
        let Seen { arrival, slot, .. } = seen;
        let is_named = matches!(rule.by.who, Some(Who::Named(_)));
        hits.push(Hit {
            seq: arrival.seq,
            rule: number,
            key: seen.key(rule.by, owner),
            value,
            target,
            owner,
            window: arrival.key,
            source: arrival.record.position.source,
            most: arrival.most,
            is_ambiguous: arrival.record.is_ambiguous,
            is_claimed: slot.is_claimed,
            is_shared: is_named && arrival.stand_in.is_some_and(|name| name.is_shared),
            at: arrival.at,
            first_seen: Timestamp::from_millis(slot.window.first_millis),
            requests: slot.window.requests,
            is_established: slot.is_established,
            successes: slot.window.habit.successes,
            load: slot.window.rate[crate::window::decay::VISIT],
            agents: slot.window.agents.estimate(),
            evidence: Evidence {
                position: arrival.record.position,
                at: arrival.at,
                request: (describe.request)(arrival.record),
                status: arrival.record.status,
            },
        });
    }
}

impl Seen<'_> {
    /// Whom the rule would name, with its keyed hash; `None` when the request has nobody of that kind.
    fn target(self, by: By, rules: &RuleSet) -> Option<(Client, u64)> {
        let record = self.arrival.record;
        let client = match by.who {
            Some(Who::Client) => return Some((self.arrival.client().into_owned(), self.arrival.owner)),
            Some(Who::Named(scope)) => {
                // Whom the gateway did not recognise did not come under that name.
                let is_it = record.client.scope() == scope && !UNKNOWN.contains(&record.status);
                return is_it.then(|| (record.client.clone(), self.arrival.name()));
            }
            Some(Who::Address) => Client::from_address(record.address?),
            None if by.route => named(Scope::Route, &rules.route_text(&record.path))?,
            None => named(Scope::Host, record.host.as_deref()?)?,
        };
        let owner = self.hash_key.hash(&client);
        Some((client, owner))
    }

    /// Evidence never mixes across trust.
    fn key(self, by: By, owner: u64) -> u64 {
        let record = self.arrival.record;
        self.hash_key.hash(&(
            by.who.map(|_| owner),
            by.route.then_some(record.route.template),
            by.host.then_some(record.host.as_deref()),
            self.arrival.most.as_str(),
        ))
    }

    fn value(self, of: DistinctOf) -> Option<u64> {
        let record = self.arrival.record;
        match of {
            DistinctOf::Path => Some(record.route.path),
            DistinctOf::Route => Some(record.route.template),
            DistinctOf::Object => record.route.object.map(|object| object.hash),
            DistinctOf::Query => record.query.as_deref().map(|query| self.hash_key.hash(query)),
            DistinctOf::UserAgent => Some(self.agent),
            DistinctOf::Host => Some(self.hash_key.hash(&record.host.as_deref())),
            DistinctOf::Client => Some(self.arrival.owner),
        }
    }
}

fn named(scope: Scope, text: &str) -> Option<Client> {
    let mut end = text.len().min(NAME_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Client::parse(scope, &text[..end]).ok()
}
