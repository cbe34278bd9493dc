//! The detector: inputs in, outputs out.
//!
//! Records are taken in slices of any size; ticks are cut by event time and by count, before sharding, so that
//! neither the slices nor the threads change a decision. During a tick the shards see the population as it stood at
//! the end of the last one; at its end their changes are merged in shard order and the candidates are decided in
//! the order in which their requests arrived.

use crate::limits::{CLIENTS_MAX_DEFAULT, SHARDS, TICK_MILLIS, TICK_RECORDS_MAX};
use crate::policy::PolicySettings;
use crate::population::Population;
use crate::score::Scorer;
use crate::stage::Executor;
use crate::stage::client::{Arrival, Candidate, Epoch, Shard};
use crate::stage::cohort::{CohortKey, Cohorts, Heat};
use crate::stage::sequencer::{Circumstances, Ruling, Sequencer};
use crate::stage::waiting::Waiting;
use crate::threat;
use crate::time::Watermarks;
use domain::{
    Action, Alert, AllowEntry, Allowlist, Client, Decision, HashKey, Order, OrderKind, RequestRecord,
    ThreatKind, Timestamp,
};

/// How the detector is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Thresholds and times.
    pub policy: PolicySettings,
    /// Who is never blocked.
    pub allowlist: Allowlist,
    /// Key of hashes and identifiers.
    pub hash_key: HashKey,
    /// Clients remembered at most, over all shards.
    pub clients_max: usize,
    /// Whether a block counts as in force as soon as it is decided: for finished logs, which no gateway heeds.
    pub assumes_enforcement: bool,
    /// Writes a request as evidence, secrets masked.
    pub describe: fn(&RequestRecord<'_>) -> String,
}

impl Settings {
    /// The usual settings with that key and that way of writing evidence.
    #[must_use]
    pub fn new(hash_key: HashKey, describe: fn(&RequestRecord<'_>) -> String) -> Self {
        Self {
            policy: PolicySettings::default(),
            allowlist: Allowlist::default(),
            hash_key,
            clients_max: CLIENTS_MAX_DEFAULT,
            assumes_enforcement: false,
            describe,
        }
    }
}

/// Something that is not a record: it takes effect at the next tick, so that a replay sees it where the live run did.
#[derive(Debug, Clone)]
pub enum Input {
    /// A person's order.
    Order(Order),
    /// New settings, after the configuration was read again. The key and the caps stay.
    Policy(Box<PolicySettings>, Allowlist),
}

/// What the detector says.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// To people.
    Alert(Alert),
    /// To gateways.
    Decision(Decision),
}

/// Fewer records than this are not worth waking threads for.
const SHARED_FROM: usize = 256;

/// How much was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records taken in.
    pub records: u64,
    /// Clients seen; one that was forgotten and came back counts again.
    pub clients: u64,
    /// Clients forgotten because a shard was full.
    pub forgotten: u64,
    /// Established clients now.
    pub established: u64,
}

/// The tick that is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) records: usize,
}

/// Windows, population, policy memory: everything that a checkpoint holds.
pub struct Detector<S> {
    pub(crate) settings: Settings,
    pub(crate) scorer: S,
    pub(crate) shards: Vec<Shard>,
    pub(crate) population: Population,
    pub(crate) cohorts: Cohorts,
    pub(crate) sequencer: Sequencer,
    pub(crate) watermarks: Watermarks,
    pub(crate) tick: Tick,
    pub(crate) seq: u64,
    pub(crate) now: Timestamp,
    pub(crate) waiting: Waiting,
    /// Shards with records in the open tick, in order.
    touched: Vec<bool>,
    inputs: Vec<Input>,
}

impl<S: Scorer> Detector<S> {
    /// Makes an empty detector.
    #[must_use]
    pub fn new(settings: Settings, scorer: S) -> Self {
        let per_shard = settings.clients_max.div_ceil(SHARDS);
        Self {
            shards: (0..SHARDS).map(|number| Shard::new(number, per_shard)).collect(),
            settings,
            scorer,
            population: Population::default(),
            cohorts: Cohorts::default(),
            sequencer: Sequencer::default(),
            watermarks: Watermarks::default(),
            tick: Tick::default(),
            seq: 0,
            now: Timestamp::default(),
            waiting: Waiting::default(),
            touched: vec![false; SHARDS],
            inputs: Vec::new(),
        }
    }

    /// Takes in records in the order of their arrival and appends what is to be said.
    pub fn observe(
        &mut self,
        records: &[RequestRecord<'_>],
        executor: &impl Executor,
        outputs: &mut Vec<Output>,
    ) {
        let mut arrivals: Vec<Arrival<'_, '_>> = Vec::with_capacity(records.len().min(TICK_RECORDS_MAX));
        for record in records {
            let time = self.watermarks.observe(record.position.source, record.at);
            if self.is_tick_over(time.watermark) {
                self.run_shards(&mut arrivals, executor);
                self.close_tick(outputs);
            }
            self.now = self.now.max(time.watermark);
            self.tick.started_at.get_or_insert(time.watermark);
            self.tick.records += 1;
            self.seq += 1;
            let key = self.settings.hash_key.hash(&record.client);
            arrivals.push(Arrival {
                seq: self.seq,
                at: time.at,
                key,
                record,
            });
        }
        self.run_shards(&mut arrivals, executor);
    }

    /// Closes the open tick: after a second of silence, before a checkpoint, at the end of a file.
    pub fn flush(&mut self, outputs: &mut Vec<Output>) {
        self.close_tick(outputs);
    }

    /// Takes in something that is not a record; it takes effect when the open tick ends.
    pub fn submit(&mut self, input: Input) {
        self.inputs.push(input);
    }

    /// The time up to which records were seen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How much was seen.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let remembered: usize = self.shards.iter().map(|shard| shard.slots.len()).sum();
        let forgotten: u64 = self.shards.iter().map(|shard| shard.slots.forgotten).sum();
        Totals {
            records: self.seq,
            clients: remembered as u64 + forgotten,
            forgotten,
            established: self.population.established.clients,
        }
    }

    /// Requests of a client that counted, and those that were stopped; `None` when it is not remembered.
    #[must_use]
    pub fn requests_of(&self, client: &Client) -> Option<(u64, u64)> {
        let key = self.settings.hash_key.hash(client);
        let window = &self.shards[Shard::of(key)].slots.find(key)?.window;
        Some((window.requests, window.stopped))
    }

    /// Gives the model back.
    #[must_use]
    pub fn into_scorer(self) -> S {
        self.scorer
    }

    /// Version name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        self.scorer.version()
    }

    fn is_tick_over(&self, watermark: Timestamp) -> bool {
        let Some(started_at) = self.tick.started_at else {
            return false;
        };
        self.tick.records >= TICK_RECORDS_MAX || watermark.millis_since(started_at).abs() >= TICK_MILLIS
    }

    /// Hands the arrivals to their shards, each shard's in order.
    fn run_shards(&mut self, arrivals: &mut Vec<Arrival<'_, '_>>, executor: &impl Executor) {
        if arrivals.is_empty() {
            return;
        }
        // Stable: the order within a shard is the order of arrival.
        arrivals.sort_by_key(|arrival| Shard::of(arrival.key));
        for arrival in arrivals.iter() {
            self.touched[Shard::of(arrival.key)] = true;
        }
        let epoch = Epoch {
            population: &self.population,
            describe: self.settings.describe,
            assumes_enforcement: self.settings.assumes_enforcement && !self.settings.policy.is_shadow,
        };
        let arrivals_by_shard = &*arrivals;
        if arrivals.len() < SHARED_FROM {
            for group in arrivals_by_shard.chunk_by(|left, right| Shard::of(left.key) == Shard::of(right.key))
            {
                self.shards[Shard::of(group[0].key)].observe(group, epoch);
            }
        } else {
            executor.for_each(&mut self.shards, &|shard| {
                let first =
                    arrivals_by_shard.partition_point(|arrival| Shard::of(arrival.key) < shard.number);
                let after =
                    arrivals_by_shard.partition_point(|arrival| Shard::of(arrival.key) <= shard.number);
                if first < after {
                    shard.observe(&arrivals_by_shard[first..after], epoch);
                }
            });
        }
        arrivals.clear();
    }

    fn close_tick(&mut self, outputs: &mut Vec<Output>) {
        self.tick = Tick::default();
        let due = self.merge();
        for candidate in self
            .waiting
            .score(due, &self.scorer, &mut self.population.scores, self.now)
        {
            self.decide(&candidate, outputs);
        }
        for input in std::mem::take(&mut self.inputs) {
            self.apply(input);
        }
        self.sequencer.forget(&self.settings.policy, self.now);
        self.cohorts.forget();
    }

    /// Merges the shards' changes into the population, in shard order, and gives the windows due for a score in order
    /// of arrival.
    fn merge(&mut self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (shard, is_touched) in self.shards.iter_mut().zip(&mut self.touched) {
            if !std::mem::take(is_touched) {
                continue;
            }
            self.population.routes.count(&shard.votes);
            shard.votes.clear();
            self.cohorts.join(&shard.joined);
            shard.joined.clear();
            let established =
                self.population.established.clients as i64 + std::mem::take(&mut shard.established_change);
            self.population.established.clients = established.max(0) as u64;
            candidates.append(&mut shard.candidates);
        }
        candidates.sort_by_key(|candidate| candidate.seq);
        candidates
    }

    fn decide(&mut self, candidate: &Candidate, outputs: &mut Vec<Output>) {
        let heat = self.weigh_cohorts(candidate);
        let floor = heat.as_ref().map(|_| Action::Block);
        let around = Circumstances {
            policy: &self.settings.policy,
            allowlist: &self.settings.allowlist,
            hash_key: &self.settings.hash_key,
            scorer: &self.scorer,
            established: self.population.established.clients,
        };
        let ruling = self.sequencer.decide(candidate, floor, around);
        if let Some(ruling) = ruling {
            self.carry_out(ruling, heat.as_ref(), outputs);
        }
    }

    /// Adds the candidate's evidence to its cohorts; tells of the hottest.
    fn weigh_cohorts(&mut self, candidate: &Candidate) -> Option<Heat> {
        let (_, claim) = candidate.claims.first()?;
        let confidence = threat::strengthen(claim.confidence, candidate.score.p_value);
        let range = CohortKey::of_client(&candidate.client)?;
        let by_range = self.cohorts.weigh(range, candidate, confidence, claim.kind);
        let by_agent = if candidate.agent == 0 {
            None
        } else {
            self.cohorts.weigh(
                CohortKey::Agent(candidate.agent),
                candidate,
                confidence,
                claim.kind,
            )
        };
        by_range.or(by_agent)
    }

    fn carry_out(&mut self, ruling: Ruling, heat: Option<&Heat>, outputs: &mut Vec<Output>) {
        if let Some(until) = ruling.blocked_until {
            let shard = &mut self.shards[Shard::of(ruling.key)];
            if let Some(slot) = shard.slots.find_mut(ruling.key) {
                slot.blocked_until = Some(until);
            }
        }
        let campaign = heat.and_then(|heat| self.campaign(heat, &ruling));
        outputs.push(Output::Alert(ruling.alert));
        outputs.extend(ruling.decision.map(Output::Decision));
        outputs.extend(campaign.map(Output::Alert));
    }

    /// Notes a member's action and writes the campaign's alert anew.
    fn campaign(&mut self, heat: &Heat, ruling: &Ruling) -> Option<Alert> {
        let cohort = self.cohorts.get_mut(heat.hash)?;
        let (_, member) = cohort.members.iter_mut().find(|(key, _)| *key == ruling.key)?;
        member.action = ruling.alert.action;
        member.action_at = ruling.alert.action_at;
        member.requests_before_action = ruling.alert.requests_before_action;
        let since = cohort.hot_since?;
        let threat = cohort.threat.unwrap_or(ThreatKind::Anomaly);
        let client = heat.key.as_client();
        let mut alert = ruling.alert.clone();
        alert.id = self.settings.hash_key.decision_id(&client, threat, since);
        alert.client = client;
        alert.alerted_at = since;
        alert.requests_before_alert = 0;
        alert.members = cohort.members.iter().map(|(_, member)| member.clone()).collect();
        Some(alert)
    }

    fn apply(&mut self, input: Input) {
        match input {
            Input::Order(order) => self.apply_order(order),
            Input::Policy(policy, allowlist) => {
                self.settings.policy = *policy;
                self.settings.allowlist = allowlist;
            }
        }
    }

    fn apply_order(&mut self, order: Order) {
        let key = self.settings.hash_key.hash(&order.client);
        match order.kind {
            OrderKind::Allow { until } => {
                self.settings.allowlist.allow(AllowEntry {
                    client: order.client,
                    reason: order.reason,
                    until,
                });
                self.release(key);
            }
            OrderKind::Disallow => self.settings.allowlist.disallow(&order.client),
            OrderKind::Lift { grace_secs } => {
                self.sequencer
                    .lift(key, self.now.plus_secs(i64::from(grace_secs)));
                self.release(key);
            }
            OrderKind::Revoke { .. } => self.release(key),
            OrderKind::Block { .. } => {}
        }
    }

    fn release(&mut self, key: u64) {
        self.sequencer.offenders.release(key);
        if let Some(slot) = self.shards[Shard::of(key)].slots.find_mut(key) {
            slot.blocked_until = None;
        }
    }
}
