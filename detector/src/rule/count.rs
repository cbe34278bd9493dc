//! How many requests each rule has counted by each key.

use super::{Hit, Limit, Pace, Rule, RuleSet};
use crate::limits::{
    RULE_DISTINCT_MAX, RULE_KEYS_IN_ALL_MAX, RULE_KEYS_MAX, RULE_SAMPLES_MAX, RULE_SWEEP_MILLIS,
    RULE_VALUES_IN_ALL_MAX,
};
use domain::{Evidence, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Parts of a sliding window.
const SLICES: usize = 8;

/// What one rule counted by one key.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Meter {
    /// Number of the newest slice; for a bucket, the time of its latest drop in milliseconds.
    pub(crate) newest: i64,
    /// Requests in each slice, by its number.
    pub(crate) slices: [u32; SLICES],
    /// Level of the bucket.
    pub(crate) level: f64,
    /// Requests that fell into the bucket since it was empty.
    pub(crate) dropped: u32,
    /// Different values and the latest slice of each.
    pub(crate) values: Vec<(u64, i64)>,
    /// Requests that show it.
    pub(crate) samples: Vec<Evidence>,
    /// The first of the requests that were counted.
    pub(crate) since: Option<Timestamp>,
    /// The latest.
    pub(crate) last: Timestamp,
    /// Until when the rule is silent about the key.
    pub(crate) quiet_until: Option<Timestamp>,
    /// Whether any of the clients was established.
    pub(crate) is_established: bool,
}

/// A rule that fires.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fired {
    /// The request that tipped it.
    pub(crate) hit: Hit,
    /// How many were counted.
    pub(crate) count: u32,
    /// The first of them.
    pub(crate) since: Timestamp,
    /// Some of them.
    pub(crate) samples: Vec<Evidence>,
}

/// What the rules have counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    tables: BTreeMap<u64, HashMap<u64, Meter, FixedState>>,
    keys: usize,
    values: usize,
    /// When what counts no more was last cleared away.
    pub(crate) swept_at: Timestamp,
    /// Keys forgotten because there were too many.
    pub(crate) forgotten: u64,
}

impl Counts {
    /// Counts a request; says so when its rule fires.
    pub(crate) fn count(&mut self, rule: &Rule, hit: &Hit) -> Option<Fired> {
        let table = self.tables.entry(hit.rule).or_default();
        if !table.contains_key(&hit.key) {
            let is_full = table.len() >= RULE_KEYS_MAX;
            if is_full {
                self.forget(Some(hit.rule));
            } else if self.keys >= RULE_KEYS_IN_ALL_MAX || self.values >= RULE_VALUES_IN_ALL_MAX {
                self.forget(None);
            }
            self.keys += 1;
        }
        let table = self.tables.entry(hit.rule).or_default();
        let meter = table.entry(hit.key).or_default();
        let before = meter.values.len();
        let fired = meter.take(rule, hit);
        self.values = self.values + meter.values.len() - before;
        fired
    }

    /// Clears away what counts no more, once in a while.
    pub(crate) fn sweep(&mut self, rules: &RuleSet, now: Timestamp) {
        if now.millis_since(self.swept_at).abs() < RULE_SWEEP_MILLIS {
            return;
        }
        self.swept_at = now;
        self.tables.retain(|number, table| {
            let Some(rule) = rules.get(*number) else {
                return false;
            };
            table.retain(|_, meter| meter.is_alive(rule.limit, now));
            !table.is_empty()
        });
        self.recount();
    }

    /// Forgets the half of the keys, of one rule or of all, that was silent longest.
    fn forget(&mut self, only: Option<u64>) {
        let tables = self.tables.iter();
        let mut ranked: Vec<(Timestamp, u64, u64)> = tables
            .filter(|(number, _)| only.is_none_or(|only| only == **number))
            .flat_map(|(number, table)| table.iter().map(|(key, meter)| (meter.last, *number, *key)))
            .collect();
        ranked.sort_unstable();
        let surplus = ranked.len().div_ceil(2);
        for (_, number, key) in &ranked[..surplus] {
            if let Some(table) = self.tables.get_mut(number) {
                table.remove(key);
            }
        }
        self.forgotten += surplus as u64;
        self.recount();
    }

    fn recount(&mut self) {
        self.keys = self.tables.values().map(HashMap::len).sum();
        let meters = self.tables.values().flat_map(HashMap::values);
        self.values = meters.map(|meter| meter.values.len()).sum();
    }

    /// Everything, by rule and key, in the order of both.
    pub(crate) fn sorted(&self) -> Vec<(u64, Vec<(u64, &Meter)>)> {
        let tables = self.tables.iter().map(|(number, table)| {
            let mut meters: Vec<(u64, &Meter)> = table.iter().map(|(key, meter)| (*key, meter)).collect();
            meters.sort_unstable_by_key(|(key, _)| *key);
            (*number, meters)
        });
        tables.collect()
    }

    /// Puts back what a checkpoint holds. Rules that there are no more are cleared away at the next sweep.
    pub(crate) fn restore(all: Vec<(u64, Vec<(u64, Meter)>)>, swept_at: Timestamp, forgotten: u64) -> Self {
        let tables = all
            .into_iter()
            .map(|(number, meters)| (number, meters.into_iter().collect()));
        let mut counts = Self {
            tables: tables.collect(),
            swept_at,
            forgotten,
            ..Self::default()
        };
        counts.recount();
        counts
    }
}

impl Meter {
    fn take(&mut self, rule: &Rule, hit: &Hit) -> Option<Fired> {
        if self.quiet_until.is_some_and(|until| hit.at < until) {
            return None;
        }
        self.since.get_or_insert(hit.at);
        self.last = self.last.max(hit.at);
        self.is_established |= hit.is_established;
        let limit = rule.limit;
        let count = match limit.pace {
            Pace::Within { secs } => self.slide(slice(secs, hit.at), limit, hit.value),
            Pace::Leak { millis } => self.drip(f64::from(millis), limit, hit),
        };
        let is_enough = match limit.pace {
            Pace::Within { .. } => count >= limit.count,
            // What drains between two requests of a burst must not save it: the last drop need not fit whole.
            Pace::Leak { .. } => self.level > f64::from(limit.count) - 1.0,
        };
        // The first requests of the many that count little are not kept: a flood of keys would fill the memory.
        if is_enough || u64::from(count) * 4 >= u64::from(limit.count) {
            if self.samples.len() == RULE_SAMPLES_MAX {
                self.samples.pop();
            }
            self.samples.push(hit.evidence.clone());
        }
        if !is_enough {
            return None;
        }
        let fired = std::mem::take(self);
        self.quiet_until = Some(hit.at.plus_secs(i64::from(rule.for_secs)));
        self.last = hit.at;
        Some(Fired {
            hit: Hit {
                is_established: fired.is_established,
                ..hit.clone()
            },
            count,
            since: fired.since.unwrap_or(hit.at),
            samples: fired.samples,
        })
    }

    /// Counts in a window that slides, and gives how many it holds. What comes too late for it does not count.
    fn slide(&mut self, slice: i64, limit: Limit, value: u64) -> u32 {
        const WIDTH: i64 = SLICES as i64;
        let place = |slice: i64| slice.rem_euclid(WIDTH) as usize;
        if slice > self.newest {
            for step in 1..=(slice - self.newest).min(WIDTH) {
                self.slices[place(self.newest + step)] = 0;
            }
            self.newest = slice;
        }
        let oldest = self.newest - WIDTH + 1;
        let is_late = slice < oldest;
        if limit.distinct.is_none() {
            if !is_late {
                let count = &mut self.slices[place(slice)];
                *count = count.saturating_add(1);
            }
            return self
                .slices
                .iter()
                .fold(0, |sum: u32, count| sum.saturating_add(*count));
        }
        self.values.retain(|(_, latest)| *latest >= oldest);
        match self.values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, latest)) => *latest = slice.max(*latest),
            None if !is_late => self.values.push((value, slice)),
            None => {}
        }
        self.values.len() as u32
    }

    /// Counts in a bucket that leaks, and gives how many fell into it since it was empty.
    fn drip(&mut self, leak_millis: f64, limit: Limit, hit: &Hit) -> u32 {
        let passed = (hit.at.as_millis() - self.newest) as f64 / leak_millis;
        let mut drop = 1.0;
        if passed >= 0.0 {
            self.level = (self.level - passed).max(0.0);
            self.newest = hit.at.as_millis();
        } else {
            drop = (1.0 + passed).max(0.0);
        }
        if self.level == 0.0 {
            self.values.clear();
            self.samples.clear();
            (self.dropped, self.since) = (0, Some(hit.at));
        }
        if limit.distinct.is_some() {
            if self.values.iter().any(|(known, _)| *known == hit.value) {
                return self.dropped;
            }
            if self.values.len() == RULE_DISTINCT_MAX as usize {
                self.values.remove(0);
            }
            self.values.push((hit.value, 0));
        }
        self.level += drop;
        self.dropped = self.dropped.saturating_add(1);
        self.dropped
    }

    fn is_alive(&self, limit: Limit, now: Timestamp) -> bool {
        let counts_until = match limit.pace {
            Pace::Within { secs } => self.last.plus_secs(i64::from(secs)),
            Pace::Leak { millis } => self.last.plus_millis((self.level * f64::from(millis)) as i64),
        };
        counts_until >= now || self.quiet_until.is_some_and(|until| until > now)
    }
}

/// The slice of a window of so many seconds in which a moment lies.
fn slice(secs: u32, at: Timestamp) -> i64 {
    at.as_millis()
        .div_euclid((i64::from(secs) * 1000 / SLICES as i64).max(1))
}
