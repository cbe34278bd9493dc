//! The client stage: one owner per client, no locks. Windows move, features are scored, evidence is kept.

mod arrival;
mod candidate;
mod changes;
mod chunks;
mod company;
mod evidence;
mod hint;
mod passed;
mod roles;
mod site;
mod slots;
mod told;
mod treatment;

pub use arrival::{Arrival, StandIn};
pub use candidate::{ByScore, Candidate};
pub use changes::Changes;
use evidence::keep_evidence;
pub use evidence::{Suspect, Suspects};
pub use hint::{Hint, SMALL_REQUESTS_MAX};
use roles::{assign_role, on_learned_route};
use site::{came_from, note_foreign};
pub use slots::{Shows, Slot, Slots};
use told::Told;
use treatment::Treatment;

use crate::detector::Describe;
use crate::effect::Effects;
use crate::effort::evidence_max;
use crate::feature;
use crate::limits::{SHARDS, SUSPECTS_MIN, SUSPECTS_PER_HUNDRED};
use crate::population::{Established, Population};
use crate::rule::{Facts, Hit, Roles, RuleSet, Seen, catch};
use crate::score::Score;
use crate::signal::{self, MethodClass, Outcome, RouteRole, Signals};
use crate::stage::kin::{Kin, KinNames, short_hash, text_hash};
use crate::threat;
use crate::window::decay::VISIT;
use crate::window::{Change, Hashes};
use domain::{Action, Effort, Evidence, HashKey, RequestRecord, Timestamp};

/// What the shards read but never change during a tick.
#[derive(Clone, Copy)]
pub struct Epoch<'a> {
    /// What all clients together showed up to the last tick.
    pub population: &'a Population,
    /// What people wrote.
    pub rules: &'a RuleSet,
    /// What they say that routes are for.
    pub roles: &'a Roles,
    /// Key of hashes.
    pub hash_key: &'a HashKey,
    /// Writes a request as evidence, secrets masked.
    pub describe: Describe,
    /// Whether a block counts as in force as soon as it is decided (a finished log has no gateway to ask).
    pub assumes_enforcement: bool,
    /// Whether the machine's own blocks are only recorded.
    pub is_shadow: bool,
    /// How much is done for each request.
    pub effort: Effort,
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
    /// What the open tick changed.
    pub changes: Changes,
    /// Requests that we stopped.
    pub stopped: u64,
    /// Requests answered with success while a block of the client had been in force for a while.
    pub leaks: u64,
    /// What the logs show of our blocks.
    pub(crate) effects: Effects,
    /// Requests that were not searched for payloads, because the client's work for the tick was spent.
    pub unsearched: u64,
}

/// A window's evidence is weighed at these counts of requests, and at every eighth after: early for the loud, seldom
/// for the rest.
const WEIGHED_AT: [u64; 4] = [3, 5, 8, 12];
/// Then at every multiple of this.
const WEIGHED_EVERY: u64 = 8;
/// Then at every multiple of this, while more come than can be handled with everything on.
const WEIGHED_SELDOM: u64 = 32;

/// A window without evidence is scored first at this count of requests: fewer look alike.
const SCORED_FIRST: u64 = 5;
/// Then at this count, and whenever it has doubled: 12, 24, 48, 96.
const SCORED_DOUBLING: u64 = 12;
/// And at every multiple of this. A quarter of all time went into scoring busy clients anew that had hardly changed.
const SCORED_EVERY: u64 = 96;

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
            changes: Changes::default(),
            stopped: 0,
            leaks: 0,
            effects: Effects::default(),
            unsearched: 0,
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
        let place = self.place(arrival);
        let slot = self.slots.get_mut(place);
        let record = arrival.record;
        let treatment = slot.treatment(record, arrival.at, epoch);
        if treatment == Treatment::Leaks {
            self.leaks += 1;
            self.effects.leak(record.position.source);
        }
        if treatment == Treatment::Stopped {
            if !epoch.assumes_enforcement {
                self.effects
                    .refuse(record.position.source, slot.first_refused_after(arrival.at));
            }
            slot.window.stopped = slot.window.stopped.saturating_add(1);
            self.stopped += 1;
            return;
        }
        let standing = epoch.population.routes.standing(record.route.template);
        let hashes = hashes(record);
        let is_new_agent = hashes.agent != 0 && !slot.window.agents.contains(hashes.agent);
        let is_first = slot.window.requests == 0;
        if is_first {
            slot.note_kin(record);
        }
        let kin = slot.kin(record, hashes.agent);
        let work_left = self.changes.work_left(arrival.key);
        let mut signals = signal::read(record, standing.is_known(), is_new_agent, work_left);
        self.changes.spend(arrival.key, signals.work);
        self.unsearched += u64::from(signals.is_unsearched);
        note_foreign(&mut signals, record, epoch);
        let is_unnamed = assign_role(&mut signals, record, epoch);
        let change = slot
            .window
            .observe(record, arrival.at, &signals, standing, hashes);
        slot.is_claimed |= record.address_source == domain::AddressSource::Claimed;
        slot.note_stand_in(arrival);
        let rank = slot.window.suspicion.rank();
        let surge = epoch
            .population
            .baselines
            .running(slot.window.suspicion.sign_in_route);
        // Whoever is trusted less than a block tells nothing about the others.
        if arrival.most == Action::Block {
            let told = Told {
                change,
                is_first,
                is_unnamed,
                standing,
                kin,
                surge,
            };
            slot.tell_all(arrival, (&signals, told), epoch, &mut self.changes);
        }
        let is_telling = is_telling(&signals, change);
        slot.note_company(
            arrival,
            (is_new_agent && !is_first, is_telling),
            epoch,
            &mut self.changes.uses,
        );
        if is_telling && slot.window.suspicion.is_any() {
            let kept = (rank, evidence_max(epoch.effort), Some(signals.role));
            let latest = || evidence(record, arrival.at, epoch.describe);
            self.suspects.keep(arrival.key, kept, record.position, latest);
        }
        slot.hint(arrival, kin, epoch.describe, &mut self.changes);
        slot.witness(arrival, surge, epoch.describe, &mut self.changes);
        slot.meet_rules(arrival, (&signals, hashes.agent), epoch, &mut self.changes.hits);
        let is_in_vain = change.is_novel_miss || signals.probe.weight > 0.0;
        if slot.is_due(rank, &signals, is_in_vain, epoch.effort) {
            slot.last_rank = slot.last_rank.max(rank);
            self.prepare(place, (arrival, signals.role), epoch);
        }
    }

    /// Finds the window, or makes one and forgets another when there is no room.
    fn place(&mut self, arrival: &Arrival<'_, '_>) -> usize {
        let client = arrival.client();
        let placed = self.slots.place(arrival.key, &client, arrival.most, arrival.at);
        if placed.is_new {
            self.changes.arrived.push((arrival.key, arrival.owner));
            self.changes.newcomers += u32::from(arrival.most == Action::Block);
        }
        if let Some(forgotten) = placed.forgotten {
            self.suspects.forget(forgotten.key);
            if let Some((window, gateway)) = forgotten.established {
                let changed = self.changes.established.at(gateway);
                changed.turn(&window, false, arrival.at);
            }
        }
        placed.place
    }

    /// Writes down the window as it stands and what its evidence names; the score comes later, together with others.
    fn prepare(&mut self, place: usize, (arrival, role): (&Arrival<'_, '_>, RouteRole), epoch: Epoch<'_>) {
        let slot = self.slots.get_mut(place);
        let kin = slot.kin(arrival.record, text_hash(arrival.record.user_agent.as_deref()));
        let claims = threat::assess(&slot.window);
        let claim_max = claims.first().map_or(0.0, |(_, claim)| claim.confidence);
        slot.grow_up(arrival, claim_max, epoch.hash_key, &mut self.changes);
        let window = &slot.window;
        if claims.is_empty() && !is_scored_at(window.requests, epoch.effort) {
            return;
        }
        let sentences = claims
            .iter()
            .map(|(place, _)| {
                let threat = &threat::THREATS[*place];
                let where_to = on_learned_route(*place, window, arrival.record, epoch.population);
                ((threat.value)(window), (threat.sentence)(window) + &where_to)
            })
            .collect();
        let mut row = Vec::with_capacity(feature::COUNT);
        feature::extract(window, &mut row);
        let (copy, names) = if claims.is_empty() {
            (None, KinNames::default())
        } else {
            let names = KinNames::of(arrival.record, kin, epoch.describe.name);
            (Some(Box::new(window.clone())), names)
        };
        let (evidence, roles) = keep_evidence(&mut self.suspects, window, &claims, (arrival, role), epoch);
        self.changes.candidates.push(Candidate {
            seq: arrival.seq,
            key: arrival.key,
            owner: arrival.owner,
            source: arrival.record.position.source,
            most: arrival.most,
            is_ambiguous: arrival.record.is_ambiguous,
            client: arrival.client().into_owned(),
            at: arrival.at,
            first_seen: Timestamp::from_millis(window.first_millis),
            requests: window.requests,
            claims,
            sentences,
            score: Score::default(),
            by_score: None,
            row,
            window: copy,
            evidence,
            is_established: slot.is_established,
            successes: window.habit.successes,
            route: arrival.record.route.template,
            address: arrival.record.address,
            load: window.rate[VISIT],
            kin,
            names,
            agents: window.agents.estimate(),
            is_claimed: slot.is_claimed,
            may_be_planted: window.suspicion.may_be_planted(),
            roles,
            is_declared_crawler: window.suspicion.is_declared_crawler,
            is_shared: false,
            is_reported: false,
            used_shared: slot.shows.has_used_shared(),
        });
    }
}

impl Slot {
    /// Notes whether it counts among the established clients from now on, or no more.
    fn grow_up(
        &mut self,
        arrival: &Arrival<'_, '_>,
        claim_max: f32,
        hash_key: &HashKey,
        changes: &mut Changes,
    ) {
        let is_established = arrival.most == Action::Block
            && Established::is_established(&self.window, self.is_established, claim_max);
        if is_established == self.is_established {
            return;
        }
        let at = Timestamp::from_millis(self.window.last_millis);
        if is_established {
            self.gateway = arrival.gateway;
        }
        let changed = changes.established.at(self.gateway);
        changed.turn(&self.window, is_established, at);
        self.is_established = is_established;
        if is_established {
            changes.grown_up.push((arrival.key, self.window.requests));
            changes.came_from.extend(came_from(arrival.record, hash_key));
        }
    }

    /// Notes which rules count a request.
    fn meet_rules(
        &self,
        arrival: &Arrival<'_, '_>,
        (signals, agent): (&Signals, u64),
        epoch: Epoch<'_>,
        hits: &mut Vec<Hit>,
    ) {
        if epoch.rules.is_empty() {
            return;
        }
        let facts = Facts::new(arrival.record, signals, &self.window);
        let seen = Seen {
            arrival,
            slot: self,
            hash_key: epoch.hash_key,
            agent,
        };
        catch(epoch.rules, &facts, seen, epoch.describe, hits);
    }

    /// Notes what the first request of a client shares with others for good.
    fn note_kin(&mut self, record: &RequestRecord<'_>) {
        self.fingerprint = short_hash(text_hash(record.fingerprint.as_deref()));
        self.host = short_hash(text_hash(record.host.as_deref()));
    }

    /// Notes that it used a name that is many's, or is a name of which nobody knows whose it is.
    fn note_stand_in(&mut self, arrival: &Arrival<'_, '_>) {
        if let Some(stand_in) = arrival.stand_in {
            self.is_claimed |= arrival.record.address.is_none();
            if stand_in.is_shared {
                self.shows.set_used_shared();
            }
        }
    }

    /// What the client of a request shares with others.
    fn kin(&self, record: &RequestRecord<'_>, agent: u64) -> Kin {
        Kin {
            agent: short_hash(agent),
            fingerprint: self.fingerprint,
            host: self.host,
            system: record.network.unwrap_or(0),
        }
    }

    /// Whether the window's evidence is to be weighed at this request.
    fn is_due(&self, rank: f32, signals: &Signals, is_in_vain: bool, effort: Effort) -> bool {
        let requests = self.window.requests;
        let every = if effort == Effort::Whole {
            WEIGHED_EVERY
        } else {
            WEIGHED_SELDOM
        };
        let is_scheduled = WEIGHED_AT.contains(&requests) || (requests > 0 && requests.is_multiple_of(every));
        is_scheduled
            || (is_in_vain && self.may_leave_soon())
            || rank >= self.last_rank + SUSPICION_STEP
            || (signals.payload.weight >= 1.0 && requests <= 64)
    }

    /// Whether it is small, and may be a scanner that leaves before the next look is due: then every path in vain asks for
    /// one. Crawlers that say so begin with dead links and go on.
    fn may_leave_soon(&self) -> bool {
        let suspicion = &self.window.suspicion;
        (WEIGHED_AT[0]..=SMALL_REQUESTS_MAX).contains(&self.window.requests)
            && !suspicion.is_declared_crawler
            && !suspicion.is_robot
    }
}

/// Whether a window without evidence is scored at that count of requests: with less effort only when it has doubled.
fn is_scored_at(requests: u64, effort: Effort) -> bool {
    let has_doubled =
        requests.is_multiple_of(SCORED_DOUBLING) && (requests / SCORED_DOUBLING).is_power_of_two();
    requests == SCORED_FIRST
        || has_doubled
        || (effort == Effort::Whole && requests.is_multiple_of(SCORED_EVERY))
}

/// Whether a request shows what its client is about.
fn is_telling(signals: &Signals, change: Change) -> bool {
    signals.probe.weight > 0.0
        || signals.payload.weight > 0.0
        || change.is_novel_miss
        || signals.outcome == Outcome::Refused
        || (signals.role.is_sign_in() && signals.method == MethodClass::Write)
}

fn hashes(record: &RequestRecord<'_>) -> Hashes {
    Hashes {
        query: text_hash(record.query.as_deref()),
        query_name: text_hash(record.query.as_deref().map(first_name)),
        agent: text_hash(record.user_agent.as_deref()),
    }
}

/// The name of a query's first parameter: programs name theirs alike whatever the values.
fn first_name(query: &str) -> &str {
    let end = memchr::memchr2(b'=', b'&', query.as_bytes());
    &query[..end.unwrap_or(query.len())]
}

fn evidence(record: &RequestRecord<'_>, at: Timestamp, describe: Describe) -> Evidence {
    Evidence {
        position: record.position,
        at,
        request: (describe.request)(record),
        status: record.status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Client;

    #[test]
    fn every_path_in_vain_of_a_small_client_is_looked_at_unless_it_says_that_it_is_a_crawler() {
        let mut slots = Slots::new(16);
        let client = Client::Ip([203, 0, 113, 9].into());
        let placed = slots.place(1, &client, Action::Block, Timestamp::from_secs(1));
        let slot = slots.get_mut(placed.place);
        let mut is_due = |requests, is_robot, is_in_vain| {
            slot.window.requests = requests;
            slot.window.suspicion.is_robot = is_robot;
            slot.is_due(0.3, &Signals::default(), is_in_vain, Effort::Whole)
        };
        assert!(is_due(6, false, true) && is_due(7, false, true));
        assert!(!is_due(7, false, false), "nothing new");
        assert!(!is_due(7, true, true), "a crawler goes on, and is looked at then");
        assert!(!is_due(2, false, true), "two paths are no more than a mistake");
        assert!(!is_due(17, false, true), "it did not leave");
        assert!(
            is_due(8, true, false) && is_due(24, true, false),
            "when it is time"
        );
    }
}
