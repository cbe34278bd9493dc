//! What the detect role counts: read by `/metrics`, by the health report and by the demo's terminal.

mod health;

use super::alarm_board::AlarmBoard;
use super::door_figures::{self, DoorFigures};
use super::effect_figures;
use super::topics::{self, Delays, Topics};
use super::watch::Watch;
use api::{Exposition, MetricKind, MetricsSource};
use detector::population::LearnedRole;
use detector::{Effect, Table};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counters and states of the detect role.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    lines: AtomicU64,
    parsed: AtomicU64,
    rejected: AtomicU64,
    clients: AtomicU64,
    alerts: AtomicU64,
    decisions: AtomicU64,
    blocks: AtomicU64,
    stopped: AtomicU64,
    client_days: AtomicU64,
    score_blocks: AtomicU64,
    score_held_out: AtomicU64,
    unsearched: AtomicU64,
    over_cap: AtomicU64,
    guard_held_back: AtomicU64,
    shared_names: AtomicU64,
    warming_up: AtomicU64,
    score_convicted: AtomicU64,
    lag: AtomicU64,
    offsets_lost: AtomicU64,
    offsets_skipped: AtomicU64,
    rewinds: AtomicU64,
    rebalances: AtomicU64,
    broker_troubles: AtomicU64,
    is_held: AtomicBool,
    topics: Topics,
    decision_delays: Mutex<Delays>,
    checkpoints: AtomicU64,
    checkpoint_millis: AtomicU64,
    dead_letters: AtomicU64,
    dead_letters_failed: AtomicU64,
    is_reading: AtomicBool,
    trouble: Mutex<Option<String>>,
    refused: Mutex<Option<String>>,
    settings_refused: AtomicU64,
    roles_learned: AtomicU64,
    roles: Mutex<Vec<LearnedRole>>,
    watch: Mutex<Watch>,
    doors: Mutex<Vec<DoorFigures>>,
    alarms: AlarmBoard,
    effects: Mutex<BTreeMap<String, Effect>>,
    tables: Mutex<Vec<Table>>,
}

/// One counter of [`Figures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Lines delivered.
    Lines,
    /// Lines that became requests.
    Parsed,
    /// Lines that did not.
    Rejected,
    /// Alerts raised or grown stronger.
    Alerts,
    /// Decisions stored anew.
    Decisions,
    /// Blocks among them.
    Blocks,
    /// Checkpoints written.
    Checkpoints,
}

impl Figures {
    /// Adds to a counter.
    pub(crate) fn add(&self, count: Count, more: u64) {
        self.counter(count).fetch_add(more, Ordering::Relaxed);
    }

    /// A counter's value.
    pub(crate) fn get(&self, count: Count) -> u64 {
        self.counter(count).load(Ordering::Relaxed)
    }

    /// Messages that wait on the brokers.
    pub(crate) fn lag(&self) -> u64 {
        self.lag.load(Ordering::Relaxed)
    }

    /// Notes what the detector has seen so far.
    pub(super) fn set_totals(&self, totals: detector::Totals) {
        self.clients.store(totals.clients, Ordering::Relaxed);
        self.stopped.store(totals.stopped, Ordering::Relaxed);
        self.client_days.store(totals.client_days, Ordering::Relaxed);
        self.unsearched.store(totals.unsearched, Ordering::Relaxed);
        self.over_cap.store(totals.over_cap, Ordering::Relaxed);
        self.guard_held_back.store(totals.held_back, Ordering::Relaxed);
        self.shared_names.store(totals.shared_names, Ordering::Relaxed);
        self.warming_up
            .store(u64::from(totals.is_warming_up), Ordering::Relaxed);
        let score_only = totals.score_only;
        self.score_blocks.store(score_only.blocks, Ordering::Relaxed);
        self.score_held_out.store(score_only.held_out, Ordering::Relaxed);
        self.score_convicted
            .store(score_only.convicted, Ordering::Relaxed);
    }

    /// Notes how full the detector's tables are.
    pub(super) fn set_tables(&self, tables: Vec<Table>) {
        *self.tables.lock().unwrap_or_else(PoisonError::into_inner) = tables;
    }

    /// Notes what the log of each gateway shows of our blocks.
    pub(super) fn set_effects(&self, effects: BTreeMap<String, Effect>) {
        *self.effects.lock().unwrap_or_else(PoisonError::into_inner) = effects;
    }

    /// Notes what was seen of the models so far.
    pub(super) fn set_watch(&self, watch: Watch) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = watch;
    }

    /// What is raised, and how much is done.
    pub(super) fn alarms(&self) -> &AlarmBoard {
        &self.alarms
    }

    /// Notes what the Kafka source has counted, and how far it is behind.
    pub(super) fn set_source(&self, counters: &ingest::source::kafka::KafkaCounters, lag: u64) {
        self.lag.store(lag, Ordering::Relaxed);
        self.offsets_lost.store(counters.offsets_lost, Ordering::Relaxed);
        self.offsets_skipped
            .store(counters.offsets_skipped, Ordering::Relaxed);
        self.rewinds.store(counters.rewinds, Ordering::Relaxed);
        self.rebalances.store(counters.rebalances, Ordering::Relaxed);
        self.broker_troubles.store(counters.troubles, Ordering::Relaxed);
    }

    /// Figures by topic.
    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Notes whether reading is held until what was decided can be stored.
    pub(super) fn set_held(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::Relaxed);
    }

    /// Notes how long after the request that led to it a decision was stored, in milliseconds.
    pub(super) fn note_decision(&self, millis: i64) {
        let mut delays = self
            .decision_delays
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        delays.note(millis);
    }

    /// What the consumer does, in a word of [`topics::STATES`].
    fn state(&self) -> &'static str {
        let has_trouble = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        if self.is_held.load(Ordering::Relaxed) {
            "held"
        } else if has_trouble {
            "troubled"
        } else if self.is_reading.load(Ordering::Relaxed) {
            "reading"
        } else {
            "waiting"
        }
    }

    /// Notes what was read from the sources beside Kafka.
    pub(super) fn set_doors(&self, doors: Vec<DoorFigures>) {
        *self.doors.lock().unwrap_or_else(PoisonError::into_inner) = doors;
    }

    /// Notes what became of dead letters.
    pub(super) fn set_dead_letters(&self, counters: ingest::source::kafka::DeadLetterCounters) {
        self.dead_letters.store(counters.delivered, Ordering::Relaxed);
        self.dead_letters_failed
            .store(counters.failed + counters.dropped, Ordering::Relaxed);
    }

    /// Notes how long the last checkpoint took.
    pub(super) fn set_checkpoint_millis(&self, millis: u64) {
        self.checkpoint_millis.store(millis, Ordering::Relaxed);
    }

    /// Notes why changed files do not hold; `None` when what holds is what they say.
    pub(super) fn set_refused(&self, why: Option<String>) {
        self.settings_refused
            .store(u64::from(why.is_some()), Ordering::Relaxed);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Notes what was learned of routes.
    pub(super) fn set_roles(&self, roles: Vec<LearnedRole>) {
        self.roles_learned.store(roles.len() as u64, Ordering::Relaxed);
        *self.roles.lock().unwrap_or_else(PoisonError::into_inner) = roles;
    }

    /// Notes whether lines are being read, and what is in the way.
    pub(super) fn set_state(&self, is_reading: bool, trouble: Option<String>) {
        self.is_reading.store(is_reading, Ordering::Relaxed);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn counter(&self, count: Count) -> &AtomicU64 {
        match count {
            Count::Lines => &self.lines,
            Count::Parsed => &self.parsed,
            Count::Rejected => &self.rejected,
            Count::Alerts => &self.alerts,
            Count::Decisions => &self.decisions,
            Count::Blocks => &self.blocks,
            Count::Checkpoints => &self.checkpoints,
        }
    }
}

/// A metric: its kind, name, what it counts, and where it is kept.
type Metric = (MetricKind, &'static str, &'static str, fn(&Figures) -> &AtomicU64);

/// Every metric of the service.
const METRICS: &[Metric] = &[
    (MetricKind::Counter, "lines_total", "Lines read.", |figures| {
        &figures.lines
    }),
    (
        MetricKind::Counter,
        "requests_total",
        "Lines that became requests.",
        |figures| &figures.parsed,
    ),
    (
        MetricKind::Counter,
        "rejected_total",
        "Lines that could not be read.",
        |figures| &figures.rejected,
    ),
    (MetricKind::Counter, "clients_total", "Clients seen.", |figures| {
        &figures.clients
    }),
    (
        MetricKind::Counter,
        "alerts_total",
        "Alerts raised or grown stronger.",
        |figures| &figures.alerts,
    ),
    (
        MetricKind::Counter,
        "decisions_total",
        "Decisions stored.",
        |figures| &figures.decisions,
    ),
    (
        MetricKind::Counter,
        "blocks_total",
        "Blocks among them.",
        |figures| &figures.blocks,
    ),
    (
        MetricKind::Counter,
        "stopped_total",
        "Requests that we stopped.",
        |figures| &figures.stopped,
    ),
    (
        MetricKind::Counter,
        "over_cap_total",
        "Times that nothing was done about a client because the cap of its source was spent.",
        |figures| &figures.over_cap,
    ),
    (
        MetricKind::Counter,
        "guard_held_back_total",
        "Established clients that were not blocked because too many would have been, once for each second in which they were not.",
        |figures| &figures.guard_held_back,
    ),
    (
        MetricKind::Gauge,
        "shared_names",
        "API keys and other names that many clients use: they are not acted on alone.",
        |figures| &figures.shared_names,
    ),
    (
        MetricKind::Gauge,
        "reservoir_client_days",
        "Client-days of this site that a budget of wrong blocks is held against.",
        |figures| &figures.client_days,
    ),
    (
        MetricKind::Counter,
        "score_blocks_total",
        "Client-days to be blocked by score alone, within the budget, those held out included.",
        |figures| &figures.score_blocks,
    ),
    (
        MetricKind::Counter,
        "score_held_out_total",
        "Of these, observed instead, by lot.",
        |figures| &figures.score_held_out,
    ),
    (
        MetricKind::Counter,
        "score_held_out_convicted_total",
        "Of those held out, convicted the same day by evidence that does not rest on the score.",
        |figures| &figures.score_convicted,
    ),
    (
        MetricKind::Gauge,
        "warming_up",
        "1 while too little of the site was seen to act on anything but conclusive acts.",
        |figures| &figures.warming_up,
    ),
    (
        MetricKind::Counter,
        "payload_unsearched_total",
        "Requests not searched for payloads, because their client had spent its share of a tick.",
        |figures| &figures.unsearched,
    ),
    (
        MetricKind::Gauge,
        "settings_refused",
        "1 while a changed file of settings or rules is wrong, and the old ones hold.",
        |figures| &figures.settings_refused,
    ),
    (
        MetricKind::Gauge,
        "learned_roles",
        "Routes whose purpose was learned from what clients do there.",
        |figures| &figures.roles_learned,
    ),
    (
        MetricKind::Gauge,
        "kafka_lag_messages",
        "Messages that wait on the brokers.",
        |figures| &figures.lag,
    ),
    (
        MetricKind::Counter,
        "kafka_offsets_lost_total",
        "Offsets deleted before they were read.",
        |figures| &figures.offsets_lost,
    ),
    (
        MetricKind::Counter,
        "kafka_offsets_skipped_total",
        "Offsets that the broker left out inside the log.",
        |figures| &figures.offsets_skipped,
    ),
    (
        MetricKind::Counter,
        "kafka_rewinds_total",
        "Times a log ended before the wanted offset.",
        |figures| &figures.rewinds,
    ),
    (
        MetricKind::Counter,
        "kafka_rebalances_total",
        "Times the group gave or took partitions.",
        |figures| &figures.rebalances,
    ),
    (
        MetricKind::Counter,
        "kafka_troubles_total",
        "Reports of trouble with brokers, failed commits included.",
        |figures| &figures.broker_troubles,
    ),
    (
        MetricKind::Counter,
        "checkpoints_total",
        "Checkpoints written.",
        |figures| &figures.checkpoints,
    ),
    (
        MetricKind::Gauge,
        "checkpoint_milliseconds",
        "Time that the last checkpoint took.",
        |figures| &figures.checkpoint_millis,
    ),
    (
        MetricKind::Counter,
        "dead_letters_total",
        "Lines in the dead-letter topic.",
        |figures| &figures.dead_letters,
    ),
    (
        MetricKind::Counter,
        "dead_letters_failed_total",
        "Lines that the dead-letter topic did not take.",
        |figures| &figures.dead_letters_failed,
    ),
];

impl MetricsSource for Figures {
    fn write(&self, out: &mut Exposition) {
        for (kind, name, help, counter) in METRICS {
            out.add_one(*kind, name, help, counter(self).load(Ordering::Relaxed) as f64);
        }
        topics::write_state(self.state(), out);
        self.topics.write(out);
        let delays = self
            .decision_delays
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let help = "Time from the request that led to a decision until the decision was stored.";
        out.add_histogram("decision_delay_seconds", help, &[delays.shown(&[])]);
        self.watch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(out);
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        door_figures::write(&doors, out);
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effect_figures::write(&effects, out);
        self.alarms.write(out);
        write_tables(&self.tables.lock().unwrap_or_else(PoisonError::into_inner), out);
    }
}

/// A metric of every table: its kind, name, what it counts, and its figure.
type TableMetric = (MetricKind, &'static str, &'static str, fn(&Table) -> u64);

/// What the detector's tables hold, may hold, and left out.
fn write_tables(tables: &[Table], out: &mut Exposition) {
    let figures: [TableMetric; 3] = [
        (
            MetricKind::Gauge,
            "table_entries",
            "What each of the detector's tables holds.",
            |table| table.held,
        ),
        (
            MetricKind::Gauge,
            "table_entries_max",
            "What each of them may hold.",
            |table| table.most,
        ),
        (
            MetricKind::Counter,
            "table_left_out_total",
            "What was forgotten, or not taken in, because a table was full.",
            |table| table.left_out,
        ),
    ];
    let labels: Vec<[(&str, &str); 1]> = tables.iter().map(|table| [("table", table.name)]).collect();
    for (kind, name, help, figure) in figures {
        let values: Vec<(&[(&str, &str)], f64)> = labels
            .iter()
            .zip(tables)
            .map(|(labels, table)| (labels.as_slice(), figure(table) as f64))
            .collect();
        out.add(kind, name, help, &values);
    }
}
