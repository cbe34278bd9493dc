//! The client stage: one owner per client, no locks. Windows move, features are scored, evidence is kept.

mod chunks;
mod evidence;
mod slots;

pub use evidence::Suspects;
pub use slots::{Slot, Slots};

use crate::feature;
use crate::limits::{SHARDS, SUSPECTS_MIN, SUSPECTS_PER_HUNDRED};
use crate::population::{Established, Population, Vote};
use crate::score::Score;
use crate::signal::{self, Signals};
use crate::stage::cohort::CohortKey;
use crate::threat::{self, Claim};
use crate::window::Hashes;
use domain::{Client, Evidence, RequestRecord, Timestamp};

/// A client that may have to be dealt with, as it stood at one request.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The request's place in the order of arrival.
    pub seq: u64,
    /// The client's keyed hash.
    pub key: u64,
    /// Who.
    pub client: Client,
    /// When.
    pub at: Timestamp,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// The client's requests, this one included.
    pub requests: u64,
    /// What the evidence names, surest first, with indices into the list of threats.
    pub claims: Vec<(usize, Claim)>,
    /// What was seen of each claim: the quantity and the sentence.
    pub sentences: Vec<(f32, String)>,
    /// What the model says.
    pub score: Score,
    /// The features, as the model saw them.
    pub row: Vec<f32>,
    /// Requests that show it.
    pub evidence: Vec<Evidence>,
    /// Whether the client had a successful history.
    pub is_established: bool,
    /// Successful requests over the longest horizon: what a wrong block would cost.
    pub successes: f32,
    /// Hash of the present request's user agent, 0 for none.
    pub agent: u64,
    /// Different user agents: how many people may be behind the address.
    pub agents: f32,
    /// Whether the address was only claimed by somebody untrusted.
    pub is_claimed: bool,
}

/// What the shards read but never change during a tick.
#[derive(Clone, Copy)]
pub struct Epoch<'a> {
    /// What all clients together showed up to the last tick.
    pub population: &'a Population,
    /// Writes a request as evidence, secrets masked.
    pub describe: fn(&RequestRecord<'_>) -> String,
    /// Whether a block counts as in force as soon as it is decided (a finished log has no gateway to ask).
    pub assumes_enforcement: bool,
}

/// One record on its way to its shard.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'r, 'l> {
    /// Place in the order of arrival.
    pub seq: u64,
    /// The time at which it counts.
    pub at: Timestamp,
    /// The client's keyed hash.
    pub key: u64,
    /// The record.
    pub record: &'r RequestRecord<'l>,
}

/// One of the logical shards: the windows of its clients.
#[derive(Debug)]
pub struct Shard {
    /// Its number, 0 to 255.
    pub number: usize,
    /// Windows.
    pub slots: Slots,
    /// Evidence of those who stand out.
    pub suspects: Suspects,
    /// Windows of the present tick that are due for a score.
    pub candidates: Vec<Candidate>,
    /// Words on routes in the present tick.
    pub votes: Vec<Vote>,
    /// Numbers of the cohorts that clients joined in the present tick.
    pub joined: Vec<u64>,
    /// Change of the number of established clients in the present tick.
    pub established_change: i64,
}

/// A request is scored at these counts, and at every eighth after: early for the loud, seldom for the rest.
const SCORED_AT: [u64; 4] = [3, 5, 8, 12];
/// Then at every multiple of this.
const SCORED_EVERY: u64 = 8;

/// A rise of the suspicion by this much asks for a look at once.
const SUSPICION_STEP: f32 = 0.7;

impl Shard {
    /// Makes the shard of that number for so many clients.
    #[must_use]
    pub fn new(number: usize, clients_max: usize) -> Self {
        Self {
            number,
            slots: Slots::new(clients_max),
            suspects: Suspects::new((clients_max * SUSPECTS_PER_HUNDRED / 100).max(SUSPECTS_MIN)),
            candidates: Vec::new(),
            votes: Vec::new(),
            joined: Vec::new(),
            established_change: 0,
        }
    }

    /// The shard of a client.
    #[must_use]
    pub fn of(key: u64) -> usize {
        (key >> 56) as usize % SHARDS
    }

    /// Takes in its records of one slice, in order, and writes down the windows that are due for a score.
    pub fn observe(&mut self, arrivals: &[Arrival<'_, '_>], epoch: Epoch<'_>) {
        for arrival in arrivals {
            self.observe_one(arrival, epoch);
        }
    }

    fn observe_one(&mut self, arrival: &Arrival<'_, '_>, epoch: Epoch<'_>) {
        let (place, forgotten) = self.slots.place(arrival.key, &arrival.record.client, arrival.at);
        if let Some(forgotten) = forgotten {
            self.suspects.forget(forgotten.key);
            self.established_change -= i64::from(forgotten.is_established);
        }
        let slot = self.slots.get_mut(place);
        if slot.is_stopped(arrival.record, arrival.at, epoch.assumes_enforcement) {
            slot.window.stopped += 1;
            return;
        }
        let record = arrival.record;
        let standing = epoch.population.routes.standing(record.route.template);
        let hashes = hashes(record);
        let is_new_agent = hashes.agent != 0 && !slot.window.agents.contains(hashes.agent);
        let signals = signal::read(record, standing.is_known(), is_new_agent);
        if slot.window.requests == 0 {
            self.joined
                .extend(CohortKey::of_client(&record.client).map(|key| key.number()));
        }
        let change = slot
            .window
            .observe(record, arrival.at, &signals, standing, hashes);
        if change.is_new_agent {
            self.joined.push(CohortKey::Agent(hashes.agent).number());
        }
        slot.is_claimed |= record.address_source == domain::AddressSource::Claimed;
        let rank = slot.window.suspicion.rank();
        let is_clean = rank < 0.5;
        if change.is_first_use_of_route
            && is_clean
            && (record.is_success() || slot.window.habit.successes > 1.0)
        {
            self.votes.push(Vote {
                template: record.route.template,
                is_success: record.is_success(),
            });
        }
        let is_telling = signals.probe.weight > 0.0
            || signals.payload.weight > 0.0
            || change.is_novel_miss
            || signals.outcome == signal::Outcome::Refused;
        if is_telling && slot.window.suspicion.is_any() {
            self.suspects
                .keep(arrival.key, rank, || evidence(record, arrival.at, epoch.describe));
        }
        if slot.is_due(rank, &signals) {
            slot.last_rank = slot.last_rank.max(rank);
            self.prepare(place, arrival, epoch);
        }
    }

    /// Writes down the window as it stands and what its evidence names; the score comes later, together with others.
    fn prepare(&mut self, place: usize, arrival: &Arrival<'_, '_>, epoch: Epoch<'_>) {
        let slot = self.slots.get_mut(place);
        let window = &slot.window;
        let is_established = Established::is_established(window);
        if is_established != slot.is_established {
            self.established_change += if is_established { 1 } else { -1 };
            slot.is_established = is_established;
        }
        let claims = threat::assess(window);
        let sentences = claims
            .iter()
            .map(|(place, _)| {
                (
                    (threat::THREATS[*place].value)(window),
                    (threat::THREATS[*place].sentence)(window),
                )
            })
            .collect();
        let mut row = Vec::with_capacity(feature::COUNT);
        feature::extract(window, &mut row);
        let evidence = if claims.is_empty() {
            Vec::new()
        } else {
            self.suspects.with_latest(arrival.key, || {
                evidence(arrival.record, arrival.at, epoch.describe)
            })
        };
        self.candidates.push(Candidate {
            seq: arrival.seq,
            key: arrival.key,
            client: arrival.record.client.clone(),
            at: arrival.at,
            first_seen: Timestamp::from_millis(window.first_millis),
            requests: window.requests,
            claims,
            sentences,
            score: Score::default(),
            row,
            evidence,
            is_established,
            successes: window.habit.successes,
            agent: text_hash(arrival.record.user_agent.as_deref()),
            agents: window.agents.estimate(),
            is_claimed: slot.is_claimed,
        });
    }
}

impl Slot {
    /// Whether the request was, or would have been, stopped by us.
    fn is_stopped(&self, record: &RequestRecord<'_>, at: Timestamp, assumes_enforcement: bool) -> bool {
        record.is_stopped || (assumes_enforcement && self.blocked_until.is_some_and(|until| at < until))
    }

    /// Whether the window is to be scored at this request.
    fn is_due(&self, rank: f32, signals: &Signals) -> bool {
        let requests = self.window.requests;
        let is_scheduled =
            SCORED_AT.contains(&requests) || (requests > 0 && requests.is_multiple_of(SCORED_EVERY));
        is_scheduled
            || rank >= self.last_rank + SUSPICION_STEP
            || (signals.payload.weight >= 1.0 && requests <= 64)
    }
}

fn hashes(record: &RequestRecord<'_>) -> Hashes {
    Hashes {
        query: text_hash(record.query.as_deref()),
        agent: text_hash(record.user_agent.as_deref()),
    }
}

/// Hash of a text for the small sketches, 0 for none. Only counts different ones: no key needed, an attacker who
/// finds collisions makes himself look duller than he is in two of the features and gains nothing.
fn text_hash(text: Option<&str>) -> u64 {
    use std::hash::BuildHasher;
    text.map_or(0, |text| {
        foldhash::fast::FixedState::with_seed(0x5eed).hash_one(text) | 1
    })
}

fn evidence(
    record: &RequestRecord<'_>,
    at: Timestamp,
    describe: fn(&RequestRecord<'_>) -> String,
) -> Evidence {
    Evidence {
        position: record.position,
        at,
        request: describe(record),
        status: record.status,
    }
}
