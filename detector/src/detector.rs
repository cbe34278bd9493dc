//! The detector: inputs in, outputs out.
//!
//! Records are taken in slices of any size; ticks are cut by event time and by count, before sharding, so that
//! neither the slices nor the threads change a decision. During a tick the shards see the population as it stood at
//! the end of the last one; at its end their changes are merged in shard order and the candidates are decided in
//! the order in which their requests arrived.

use crate::attribution::Attributed;
use crate::effort::{EffortSpan, Efforts};
use crate::limits::{CLIENTS_MAX_DEFAULT, SHARDS, TICK_MILLIS, TICK_RECORDS_MAX};
use crate::memory::Memory;
use crate::names::Names;
use crate::neighbours::{Around, Neighbours};
use crate::orders::Allowances;
use crate::policy::{ClauseSet, Listed, PolicySettings};
use crate::population::{HourView, LearnedRole};
use crate::rule::{Roles, RuleSet};
use crate::score::Scorer;
use crate::source::{AMBIGUOUS_MOST, SourceTerms, Sources, window_key, window_keys};
use crate::stage::Executor;
use crate::stage::client::{Arrival, Changes, Epoch, Shard};
use crate::stage::sequencer::Circumstances;
use crate::time::{EventTime, Watermarks};
use crate::touched::Touched;
use domain::{
    Action, Alert, Allowlist, Client, Decision, Effort, HashKey, Order, RequestRecord, Timestamp, emptied,
};
use std::net::IpAddr;

/// How the detector is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Thresholds and times.
    pub policy: PolicySettings,
    /// For whom something else is done than thresholds say.
    pub clauses: ClauseSet,
    /// Who is never blocked.
    pub allowlist: Allowlist,
    /// What people wrote: limits and other rules.
    pub rules: RuleSet,
    /// What people say that routes are for.
    pub roles: Roles,
    /// Key of hashes and identifiers.
    pub hash_key: HashKey,
    /// Clients remembered at most, over all shards.
    pub clients_max: usize,
    /// Whether a block counts as in force as soon as it is decided: for finished logs, which no gateway heeds.
    pub assumes_enforcement: bool,
    /// Whether somebody looks whether crawlers are who they say, before something is done about them.
    pub asks_for_proof: bool,
    /// Lists of addresses that others keep.
    pub listed: Listed,
    /// Writes what a log holds for people.
    pub describe: Describe,
}

/// How text from a log is written where people read it: secrets masked, cut to [`crate::limits::EVIDENCE_BYTES_MAX`].
#[derive(Debug, Clone, Copy)]
pub struct Describe {
    /// Writes a request, as evidence.
    pub request: fn(&RequestRecord<'_>) -> String,
    /// Writes what clients share as their name: a user agent, a TLS fingerprint, a virtual host.
    pub name: fn(&str) -> String,
    /// Writes the route of a request, as its name.
    pub route: fn(&RequestRecord<'_>) -> String,
}

impl Settings {
    /// The usual settings with that key and that way of writing for people.
    #[must_use]
    pub fn new(hash_key: HashKey, describe: Describe) -> Self {
        Self {
            policy: PolicySettings::default(),
            clauses: ClauseSet::default(),
            allowlist: Allowlist::default(),
            rules: RuleSet::default(),
            roles: Roles::default(),
            hash_key,
            clients_max: CLIENTS_MAX_DEFAULT,
            assumes_enforcement: false,
            asks_for_proof: false,
            listed: Listed::default(),
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
    /// Other rules and roles. Rules that count as before go on counting; the others begin at nothing. It is in no checkpoint:
    /// whoever restores one gives the present rules.
    Rules(RuleSet, Roles),
    /// Other lists of addresses. In no checkpoint, as rules.
    Listed(Listed),
    /// Other clauses of the policy. In no checkpoint, as rules: whoever restores one gives the present ones.
    Clauses(ClauseSet),
    /// How much is done for each request from now on. Whoever reads a finished log never says so.
    Effort(Effort),
}

/// What the detector says.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// To people.
    Alert(Alert),
    /// To gateways.
    Decision(Decision),
    /// To whoever can look: is the address of a client that says that it is a crawler one's? What is proven comes back as an order.
    Question(Client, IpAddr),
}

/// Fewer records than this are not worth waking threads for.
const SHARED_FROM: usize = 256;

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
    pub(crate) memory: Memory,
    pub(crate) names: Names,
    pub(crate) neighbours: Neighbours,
    pub(crate) allowances: Allowances,
    pub(crate) sources: Sources,
    pub(crate) watermarks: Watermarks,
    pub(crate) tick: Tick,
    pub(crate) seq: u64,
    pub(crate) now: Timestamp,
    /// The shards with records in the open tick.
    pub(crate) touched: Touched,
    /// What takes effect when the open tick ends.
    pub(crate) inputs: Vec<Input>,
    /// The memory of the arrivals that were handed out last: never more than the records of a tick.
    spare: Vec<Arrival<'static, 'static>>,
    /// How much is done, and was done of late.
    pub(crate) efforts: Efforts,
}

impl<S: Scorer> Detector<S> {
    /// Makes an empty detector.
    #[must_use]
    pub fn new(settings: Settings, scorer: S) -> Self {
        let per_shard = settings.clients_max.div_ceil(SHARDS);
        Self {
            shards: (0..SHARDS).map(|number| Shard::new(number, per_shard)).collect(),
            allowances: Allowances::new(settings.allowlist.clone(), Vec::new(), 0),
            settings,
            scorer,
            memory: Memory::default(),
            names: Names::default(),
            neighbours: Neighbours::default(),
            sources: Sources::default(),
            watermarks: Watermarks::default(),
            tick: Tick::default(),
            seq: 0,
            now: Timestamp::default(),
            touched: Touched::default(),
            inputs: Vec::new(),
            spare: Vec::new(),
            efforts: Efforts::default(),
        }
    }

    /// Takes in records in the order of their arrival and appends what is to be said.
    pub fn observe(
        &mut self,
        records: &[RequestRecord<'_>],
        executor: &impl Executor,
        outputs: &mut Vec<Output>,
    ) {
        let mut arrivals: Vec<Arrival<'_, '_>> = emptied(std::mem::take(&mut self.spare));
        for record in records {
            let SourceTerms {
                most,
                lateness_millis,
                ..
            } = self.sources.get(record.position.source);
            let gateway = self.sources.gateway(record.position.source);
            let time = self
                .watermarks
                .observe(record.position.source, record.at, lateness_millis);
            if self.is_tick_over(time.watermark) {
                self.run_shards(&mut arrivals, executor);
                self.close_tick(outputs);
            }
            self.move_to(time, most);
            self.tick.started_at.get_or_insert(time.watermark);
            self.tick.records += 1;
            self.seq += 1;
            // A line that could be read in more than one way is never evidence for a block.
            let most = if record.is_ambiguous {
                most.min(AMBIGUOUS_MOST)
            } else {
                most
            };
            let Attributed { owner, stand_in } = self.attribute(record, (time.at, most), outputs);
            arrivals.push(Arrival {
                seq: self.seq,
                at: time.at,
                key: window_key(&self.settings.hash_key, owner, most),
                owner,
                most,
                gateway,
                stand_in,
                record,
            });
        }
        self.run_shards(&mut arrivals, executor);
        self.spare = emptied(arrivals);
    }

    /// Closes the open tick at the end of a finished log. While a log grows, [`Self::preview`] says what is to be said
    /// early: closing a tick at a moment that the records do not name would make another run decide otherwise.
    pub fn flush(&mut self, outputs: &mut Vec<Output>) {
        self.close_tick(outputs);
    }

    /// Appends what closing the open tick now would say, and changes nothing: for the second of silence after which
    /// nobody should wait for the next record. The tick's real end says the same again, under the same ids; a record
    /// that still comes within the tick may change it. Once per silence is enough.
    pub fn preview(&self, outputs: &mut Vec<Output>) {
        let touched = self.touched.iter().map(|number| &self.shards[number].changes);
        let is_idle = |changes: &Changes| {
            changes.candidates.is_empty() && changes.hints.is_empty() && changes.hits.is_empty()
        };
        if touched.clone().all(is_idle) {
            return;
        }
        let mut changes: Vec<Changes> = touched.cloned().collect();
        let mut memory = self.memory.clone();
        let uses = || changes.iter().flat_map(|changes| &changes.uses);
        let mut fresh = self.neighbours.some(uses().map(|used| used.owner));
        fresh.take(uses().cloned());
        let around = circumstances(
            &self.settings,
            &self.allowances,
            &self.sources,
            &self.scorer,
            Around::with(&self.neighbours, &fresh),
            (&self.efforts, self.now),
        );
        let findings = memory.close(changes.iter_mut(), around);
        findings.into_iter().for_each(|finding| finding.say(outputs));
        let open = memory.sequencer.claims_to_crawl.take();
        outputs.extend(
            open.into_iter()
                .map(|(client, address)| Output::Question(client, address)),
        );
    }

    /// Says how the word of a source is taken, from its next record on. Sources are trusted fully until told otherwise.
    pub fn set_source(&mut self, source: u32, terms: SourceTerms) {
        self.sources.set(source, terms);
    }

    /// Takes in something that is not a record; it takes effect when the open tick ends.
    pub fn submit(&mut self, input: Input) {
        self.inputs.push(input);
    }

    /// The latest spans in which less than everything was done. They are in no checkpoint: whoever restores one gives them back.
    #[must_use]
    pub fn effort_spans(&self) -> Vec<EffortSpan> {
        self.efforts.spans(self.now)
    }

    /// Puts such spans back.
    pub fn restore_effort_spans(&mut self, spans: Vec<EffortSpan>) {
        self.efforts.restore(spans);
    }

    /// The time up to which records were seen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What passed on the site in the latest hours beside what is usual at that hour of the week, the present one last.
    #[must_use]
    pub fn hours(&self) -> Vec<HourView> {
        self.memory.population.baselines.hours()
    }

    /// Requests of a client that counted, and those that were stopped, over all its windows; `None` when it is not
    /// remembered.
    #[must_use]
    pub fn requests_of(&self, client: &Client) -> Option<(u64, u64)> {
        let owner = self.owner_of(client);
        window_keys(&self.settings.hash_key, owner)
            .filter_map(|key| self.shards[Shard::of(key)].slots.find(key))
            .map(|slot| (slot.window.requests, u64::from(slot.window.stopped)))
            .reduce(|sum, next| (sum.0 + next.0, sum.1 + next.1))
    }

    /// What was learned of routes whose words tell nothing, without those of which people say what they are for.
    #[must_use]
    pub fn learned_roles(&self) -> Vec<LearnedRole> {
        let mut all = self.memory.population.roles.all();
        all.retain(|learned| self.settings.roles.of(&learned.route).is_none());
        all
    }

    /// The model.
    #[must_use]
    pub const fn scorer(&self) -> &S {
        &self.scorer
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

    /// Moves the time on. Whoever is trusted less does not lead it, unless nobody else speaks. It goes back only when
    /// the source that led it is found to have been wrong.
    fn move_to(&mut self, time: EventTime, most: Action) {
        if most < Action::Block && self.sources.is_led {
            return;
        }
        let is_first_word =
            most == Action::Block && !std::mem::replace(&mut self.sources.is_led, most == Action::Block);
        self.now = if is_first_word {
            time.watermark
        } else if time.went_back {
            let as_trusted = |source| self.sources.most(source) >= most;
            self.watermarks.latest(as_trusted).unwrap_or(time.watermark)
        } else {
            self.now.max(time.watermark)
        };
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
        for arrival in arrivals.iter() {
            self.touched.insert(Shard::of(arrival.key));
        }
        let epoch = Epoch {
            population: &self.memory.population,
            rules: &self.settings.rules,
            roles: &self.settings.roles,
            hash_key: &self.settings.hash_key,
            describe: self.settings.describe,
            assumes_enforcement: self.settings.assumes_enforcement,
            is_shadow: self.settings.policy.is_shadow,
            effort: self.efforts.present,
        };
        if arrivals.len() < SHARED_FROM {
            self.warm(arrivals);
            for arrival in arrivals.iter() {
                self.shards[Shard::of(arrival.key)].observe(std::slice::from_ref(arrival), epoch);
            }
        } else {
            // Stable: the order within a shard is the order of arrival.
            arrivals.sort_by_key(|arrival| Shard::of(arrival.key));
            let arrivals_by_shard = &*arrivals;
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

    /// Reads a little of each window that is needed next. Windows lie all over the memory, and a request that waits for its own is
    /// most of what it costs; asked for together, they come together.
    fn warm(&self, arrivals: &[Arrival<'_, '_>]) {
        let read = arrivals.iter().fold(0_u64, |read, arrival| {
            let slot = self.shards[Shard::of(arrival.key)].slots.find(arrival.key);
            read ^ slot.map_or(0, |slot| slot.window.glance())
        });
        std::hint::black_box(read);
    }

    fn close_tick(&mut self, outputs: &mut Vec<Output>) {
        self.tick = Tick::default();
        let touched = std::mem::take(&mut self.touched);
        let mut arrived: Vec<(u64, u64)> = Vec::new();
        for number in touched.iter() {
            let changes = &mut self.shards[number].changes;
            arrived.append(&mut changes.arrived);
            self.neighbours.take(changes.uses.drain(..));
        }
        let around = circumstances(
            &self.settings,
            &self.allowances,
            &self.sources,
            &self.scorer,
            Around::new(&self.neighbours),
            (&self.efforts, self.now),
        );
        let changes = touched.of(&mut self.shards).map(|shard| &mut shard.changes);
        let findings = self.memory.close(changes, around);
        for finding in findings {
            for (owner, client) in finding.blocked() {
                self.refresh_blocks(owner, client);
            }
            finding.say(outputs);
        }
        let open = self.memory.sequencer.claims_to_crawl.take();
        outputs.extend(
            open.into_iter()
                .map(|(client, address)| Output::Question(client, address)),
        );
        self.block_arrived(&arrived);
        for input in std::mem::take(&mut self.inputs) {
            self.apply(input);
        }
        self.memory.sequencer.forget(&self.settings.policy, self.now);
        self.memory.cohorts.forget();
        self.neighbours.forget();
    }

    /// Tells new windows of blocks that their clients brought along: from another source, from before they were
    /// forgotten, or of the range around them.
    fn block_arrived(&mut self, arrived: &[(u64, u64)]) {
        if self.memory.sequencer.blocks.is_empty() {
            return;
        }
        for (key, owner) in arrived {
            if let Some(slot) = self.shards[Shard::of(*key)].slots.find_mut(*key) {
                slot.block_by(self.memory.sequencer.blocks.find(*owner, &slot.client));
            }
        }
    }
}

/// What the end of a tick reads.
fn circumstances<'a, S: Scorer>(
    settings: &'a Settings,
    allowances: &'a Allowances,
    sources: &'a Sources,
    scorer: &'a S,
    neighbours: Around<'a>,
    (efforts, now): (&'a Efforts, Timestamp),
) -> Circumstances<'a> {
    Circumstances {
        policy: &settings.policy,
        clauses: &settings.clauses,
        allowlist: allowances.list(),
        hash_key: &settings.hash_key,
        asks_for_proof: settings.asks_for_proof,
        listed: &settings.listed,
        rules: &settings.rules,
        sources,
        scorer,
        neighbours,
        efforts,
        now,
    }
}
