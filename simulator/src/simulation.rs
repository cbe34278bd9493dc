//! The run itself: clients take turns in virtual time, sites answer, and clients see their answers.

use crate::actor::{Actor, Turn};
use crate::address::Addresses;
use crate::behaviour::{Behaviour, Start};
use crate::label::Label;
use crate::output::SimulatedRequest;
use crate::random::{Stream, log_normal_ms, mix, stream};
use crate::request::Request;
use crate::scenario::{Scenario, Starts};
use crate::sizing::Sizes;
use crate::truth::TruthRow;
use crate::world::{Response, World};
use domain::{Client, Timestamp};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;

/// Clients of one run: past this, no new ones come. A demo that runs for weeks stays within a few hundred megabytes.
const CLIENTS_MAX: usize = 2_000_000;
/// Size of the answer to a stopped client.
const STOPPED_BYTES: u64 = 146;

/// What a gateway sees of a request before it answers.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// When.
    pub at: Timestamp,
    /// Number of the client within the run.
    pub client: u32,
    /// The client's address.
    pub address: IpAddr,
    /// Virtual host.
    pub host: &'a str,
    /// The request.
    pub request: &'a Request,
}

/// What a gateway does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lets it through to the site.
    Pass,
    /// Refuses it with 403.
    Deny,
    /// Refuses it with 429.
    Throttle,
}

/// A run of a scenario: an endless iterator of requests in the order of their times, unless its clients all leave
/// within a round without sending anything.
pub struct Simulation {
    world: World,
    groups: Vec<(&'static Behaviour, crate::scenario::Group)>,
    span_ms: i64,
    seed: u64,
    start: Timestamp,
    round: u32,
    rounds_planned: u32,
    /// Releases that are still to come: milliseconds since 1970, the next one last.
    releases: Vec<i64>,
    releases_done: u32,
    sizes: Sizes,
    /// Requests that the run was sized for.
    sized_for: Option<u64>,
    addresses: Addresses,
    clients: Vec<ClientState>,
    queue: BinaryHeap<Reverse<(i64, u32)>>,
    sent_in_round: bool,
}

/// One client. Its actor exists from its first turn to its last.
struct ClientState {
    behaviour: &'static Behaviour,
    site: u32,
    address: IpAddr,
    rng: Stream,
    /// The stream as it was at first: a client that comes back is the same person with the same agent.
    first_rng: Stream,
    shared: Stream,
    actor: Option<Box<dyn Actor>>,
    pending: Option<Request>,
    last_status: Option<u16>,
    requests: u64,
    first_attack_at: Option<Timestamp>,
    /// The minute that the site's own limit counts in, and the count.
    limit: (i64, u32),
    returns: bool,
    group: u32,
    is_active: bool,
    /// Until when it behaves as its cover; `None` once it is itself.
    covered_until_ms: Option<i64>,
}

impl Simulation {
    /// Makes a run. The same scenario, seed, start and answers to [`Self::next_with`] give the same requests.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64, start: Timestamp) -> Self {
        let world = World::new(scenario.sites, seed);
        let groups = scenario
            .groups
            .iter()
            .map(|group| (group.behaviour(), *group))
            .collect();
        let mut simulation = Self {
            world,
            groups,
            span_ms: i64::from(scenario.span_secs) * 1000,
            seed,
            start,
            round: 0,
            rounds_planned: scenario.rounds,
            releases: releases(scenario, start),
            releases_done: 0,
            sizes: Sizes::scaled(1.0),
            sized_for: None,
            addresses: Addresses::default(),
            clients: Vec::new(),
            queue: BinaryHeap::new(),
            sent_in_round: true,
        };
        simulation.begin_at_round_start();
        simulation
    }

    /// Makes a run whose number of clients suits so many requests, so that they cover the scenario's rounds.
    /// One of several rounds ends with its last round, usually after fewer requests. Scenarios with a fixed rate are not
    /// resized.
    #[must_use]
    pub fn sized(scenario: &Scenario, seed: u64, start: Timestamp, requests: u64) -> Self {
        let mut simulation = Self::new(scenario, seed, start);
        if scenario.is_resizable {
            simulation.sized_for = Some(requests);
            simulation.fit(None);
        }
        simulation
    }

    /// Plays with that many times the scenario's clients, at least one of each group: a demo on a small machine, a
    /// test. To be called before the first request.
    #[must_use]
    pub fn with_scale(mut self, scale: f64) -> Self {
        self.sizes = Sizes::scaled(scale);
        self
    }

    /// Plays with so large a share of attackers among the clients of a round, between 0 and 1, instead of the scenario's.
    /// A scenario without attackers, or with a fixed rate, stays as it is. To be called before the first request.
    #[must_use]
    pub fn with_attackers(mut self, share: f64) -> Self {
        self.fit(Some(share.clamp(0.0, 0.999)));
        self
    }

    fn fit(&mut self, attackers: Option<f64>) {
        if let Some(requests) = self.sized_for {
            self.sizes = Sizes::fitting(&self.groups, requests, self.rounds_planned, attackers);
        }
    }

    /// The sites behind the gateway.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What the client with that number truly is; `None` for a number that was not given yet.
    #[must_use]
    pub fn label(&self, client: u32) -> Option<Label> {
        self.clients
            .get(client as usize)
            .map(|state| state.behaviour.label)
    }

    /// Name of the behaviour of the client with that number.
    #[must_use]
    pub fn behaviour_name(&self, client: u32) -> Option<&'static str> {
        self.clients
            .get(client as usize)
            .map(|state| state.behaviour.name)
    }

    /// The truth about every client that has sent something, in the order of their first planning.
    pub fn truth(&self) -> impl Iterator<Item = TruthRow> + '_ {
        self.clients
            .iter()
            .filter(|state| state.requests > 0)
            .map(|state| TruthRow {
                client: Client::from_address(state.address),
                label: state.behaviour.label,
                variant: state.behaviour.name,
                is_sleeper: self.groups[state.group as usize].1.cover.is_some(),
                requests: state.requests,
                first_attack_at: state.first_attack_at,
            })
    }

    /// The next request, answered by the site if `respond` lets it through. Clients react to what they get.
    pub fn next_with(
        &mut self,
        mut respond: impl FnMut(&Attempt<'_>) -> Verdict,
    ) -> Option<SimulatedRequest> {
        loop {
            let Reverse((at_ms, number)) = self.queue.pop()?;
            if number == u32::MAX {
                let is_over =
                    self.sized_for.is_some() && self.rounds_planned > 1 && self.round >= self.rounds_planned;
                if is_over || !std::mem::take(&mut self.sent_in_round) {
                    return None;
                }
                self.plan_round(at_ms);
                continue;
            }
            self.release_until(at_ms);
            if self.clients[number as usize]
                .covered_until_ms
                .is_some_and(|until| at_ms >= until)
            {
                self.strike(number);
            }
            let state = &mut self.clients[number as usize];
            let Some(request) = state.pending.take() else {
                // Its first turn: it has nothing to send yet.
                self.take_turn(number, at_ms, at_ms);
                continue;
            };
            let at = Timestamp::from_millis(at_ms);
            let site = &self.world.sites()[state.site as usize];
            let verdict = respond(&Attempt {
                at,
                client: number,
                address: state.address,
                host: site.host(),
                request: &request,
            });
            let response = match verdict {
                Verdict::Deny => stopped(403),
                Verdict::Throttle => stopped(429),
                Verdict::Pass if state.is_over_limit(at_ms, site.limit_per_minute) => stopped(429),
                Verdict::Pass => site.answer(&request, &mut state.rng),
            };
            state.requests += 1;
            state.last_status = Some(response.status);
            if request.intent.is_attack {
                state.first_attack_at.get_or_insert(at);
            }
            self.sent_in_round = true;
            let address = state.address;
            let host = site.host.clone();
            let answered_ms = at_ms + response.duration_ms.ceil() as i64;
            self.take_turn(number, at_ms, answered_ms);
            let is_stopped = verdict != Verdict::Pass;
            return Some(SimulatedRequest {
                at,
                client: number,
                address,
                host,
                request,
                response,
                is_stopped,
            });
        }
    }

    /// Releases the sites whose time has come.
    fn release_until(&mut self, at_ms: i64) {
        while self.releases.last().is_some_and(|release| at_ms >= *release) {
            self.releases.pop();
            self.world.release(self.seed, self.releases_done);
            self.releases_done += 1;
        }
    }

    /// Drops a client's cover: what it was about to do is forgotten, and it begins as what it truly is.
    fn strike(&mut self, number: u32) {
        let state = &mut self.clients[number as usize];
        state.covered_until_ms = None;
        (state.actor, state.pending, state.last_status) = (None, None, None);
    }

    /// Lets a client decide, and queues what it decided. Builds its actor first if this is its beginning.
    fn take_turn(&mut self, number: u32, sent_ms: i64, answered_ms: i64) {
        let state = &mut self.clients[number as usize];
        let site = &self.world.sites()[state.site as usize];
        let mut actor = state.actor.take().unwrap_or_else(|| {
            let mut start = Start {
                rng: &mut state.first_rng.clone(),
                site,
                shared: state.shared.clone(),
            };
            let cover = self.groups[state.group as usize].1.cover;
            let shown = match cover.filter(|_| state.covered_until_ms.is_some()) {
                Some(cover) => cover.behaviour(),
                None => state.behaviour,
            };
            (shown.plan)(&mut start)
        });
        let mut turn = Turn {
            rng: &mut state.rng,
            site,
            last_status: state.last_status,
        };
        let Some(step) = actor.next(&mut turn) else {
            state.last_status = None;
            let back_after_secs = self.groups[state.group as usize].1.back_after_secs;
            state.is_active = back_after_secs.is_some();
            if let Some(secs) = back_after_secs {
                // At least a second: whoever sends nothing must not hold the clock.
                let pause_ms = 1_000 + log_normal_ms(&mut state.rng, f64::from(secs) * 1000.0, 0.7);
                self.queue.push(Reverse((answered_ms + pause_ms as i64, number)));
            }
            return;
        };
        let from_ms = if step.is_parallel { sent_ms } else { answered_ms };
        state.actor = Some(actor);
        state.pending = Some(step.request);
        self.queue.push(Reverse((from_ms + step.after_ms as i64, number)));
    }

    fn begin_at_round_start(&mut self) {
        self.queue.push(Reverse((self.start.as_millis(), u32::MAX)));
    }

    /// Plans a round: clients that come back do so, the others are new people.
    fn plan_round(&mut self, at_ms: i64) {
        let (seed, round) = (self.seed, self.round);
        if round > 0 {
            self.welcome_back(at_ms);
        }
        let counts = self.sizes.clients(&self.groups);
        for (index, count) in counts.into_iter().enumerate() {
            let (behaviour, group) = self.groups[index];
            if round > 0 && group.returns {
                continue;
            }
            // Sleepers are other people than those of the same behaviour who never hide.
            let name = group.cover.map_or(behaviour.name, |cover| cover.name);
            let first = if group.cover.is_some() { 1 << 32 } else { 0 };
            for ordinal in 0..count {
                if self.clients.len() >= CLIENTS_MAX {
                    break;
                }
                let own = (first + ordinal) | (u64::from(round) << 40);
                let rng = stream(seed, name, own);
                let shared = stream(mix(seed ^ u64::from(round)), behaviour.name, u64::MAX);
                self.plan_client(index as u32, rng, shared, at_ms);
            }
        }
        self.round += 1;
        self.queue.push(Reverse((at_ms + self.span_ms, u32::MAX)));
    }

    fn plan_client(&mut self, group_index: u32, mut rng: Stream, mut shared: Stream, at_ms: i64) {
        let (behaviour, group) = self.groups[group_index as usize];
        let chooser = if behaviour.is_campaign {
            &mut shared
        } else {
            &mut rng
        };
        let needs = [
            behaviour.need,
            group.cover.map_or(behaviour.need, |cover| cover.behaviour().need),
        ];
        let Some(site) = self.world.choose(chooser, &needs) else {
            return;
        };
        let address = self.addresses.give(&mut rng, behaviour.neighbourhood);
        let starts_ms = start_within(group.starts, (at_ms, self.span_ms), &mut rng);
        let number = self.clients.len() as u32;
        self.clients.push(ClientState {
            behaviour,
            site: site as u32,
            address,
            first_rng: rng.clone(),
            rng,
            shared,
            actor: None,
            pending: None,
            last_status: None,
            requests: 0,
            first_attack_at: None,
            limit: (0, 0),
            returns: group.returns,
            group: group_index,
            is_active: starts_ms.is_some(),
            covered_until_ms: group
                .cover
                .map(|cover| self.start.plus_secs(i64::from(cover.until_secs)).as_millis()),
        });
        self.queue.extend(starts_ms.map(|at_ms| Reverse((at_ms, number))));
    }

    fn welcome_back(&mut self, at_ms: i64) {
        for number in 0..self.clients.len() {
            let state = &mut self.clients[number];
            if state.returns && !state.is_active {
                let starts = self.groups[state.group as usize].1.starts;
                let starts_ms = start_within(starts, (at_ms, self.span_ms), &mut state.rng);
                state.is_active = starts_ms.is_some();
                self.queue
                    .extend(starts_ms.map(|at_ms| Reverse((at_ms, number as u32))));
            }
        }
    }
}

impl Iterator for Simulation {
    type Item = SimulatedRequest;

    /// The next request, with nothing in front of the sites.
    fn next(&mut self) -> Option<SimulatedRequest> {
        self.next_with(|_| Verdict::Pass)
    }
}

impl ClientState {
    fn is_over_limit(&mut self, at_ms: i64, limit_per_minute: Option<u32>) -> bool {
        let Some(limit) = limit_per_minute else {
            return false;
        };
        let minute = at_ms / 60_000;
        if self.limit.0 != minute {
            self.limit = (minute, 0);
        }
        self.limit.1 += 1;
        self.limit.1 > limit
    }
}

/// When the sites are released anew, the first release last.
fn releases(scenario: &Scenario, start: Timestamp) -> Vec<i64> {
    let times = scenario.releases_at_secs.iter().rev();
    times
        .map(|secs| start.plus_secs(i64::from(*secs)).as_millis())
        .collect()
}

fn stopped(status: u16) -> Response {
    Response {
        status,
        bytes: STOPPED_BYTES,
        duration_ms: 1.0,
        upstream_ms: None,
    }
}

/// When a client begins in the round that begins at `at_ms`; `None` when it stays away.
fn start_within(starts: Starts, (at_ms, span_ms): (i64, i64), rng: &mut Stream) -> Option<i64> {
    use rand::Rng;
    let stays_away = starts == Starts::ByWorkday && is_weekend(at_ms) && rng.gen_range(0..3) > 0;
    (!stays_away).then(|| at_ms + millis_within(starts, span_ms, rng))
}

/// Whether a moment is on a Saturday or Sunday, UTC. The first day of 1970 was a Thursday.
fn is_weekend(at_ms: i64) -> bool {
    const DAY_MS: i64 = 86_400_000;
    matches!(at_ms.div_euclid(DAY_MS).rem_euclid(7), 2 | 3)
}

/// Milliseconds into a round at which a client begins.
fn millis_within(starts: Starts, span_ms: i64, rng: &mut Stream) -> i64 {
    use rand::Rng;
    match starts {
        Starts::Throughout => rng.gen_range(0..span_ms),
        Starts::ByDay | Starts::ByWorkday => loop {
            // Accept-reject against a day that is six times as busy at its height as at its lowest.
            let at = rng.r#gen::<f64>();
            let busy = 0.58 - 0.42 * (std::f64::consts::TAU * at).cos();
            if rng.r#gen::<f64>() < busy {
                return (at * span_ms as f64) as i64;
            }
        },
        Starts::Present { percent, within_secs } => {
            if rng.gen_range(0..100) < percent {
                rng.gen_range(0..i64::from(within_secs) * 1000)
            } else {
                rng.gen_range(0..span_ms)
            }
        }
        Starts::At { secs, within_secs } => {
            i64::from(secs) * 1000 + rng.gen_range(0..=i64::from(within_secs) * 1000)
        }
    }
}
