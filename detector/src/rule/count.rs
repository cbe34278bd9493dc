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
            } else if self.keys >= RULE_KEYS_IN_ALL_MAX {
                self.forget(None);
            }
        }
        // Keys that are known already take further values, too. Those that go may have had none.
        while self.values >= RULE_VALUES_IN_ALL_MAX && self.keys > 0 {
            self.forget(None);
        }
        let table = self.tables.entry(hit.rule).or_default();
        self.keys += usize::from(!table.contains_key(&hit.key));
        let meter = table.entry(hit.key).or_default();
        let before = meter.values.len();
        let fired = meter.take(rule, hit);
        self.values = self.values + meter.values.len() - before;
        fired
    }

    /// Keys that are counted, and the values that are remembered for them.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.keys, self.values)
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

#[cfg(test)]
mod tests {
    use super::super::{By, Condition, DistinctOf, Limit, Who};
    use super::*;
    use domain::{Action, Client, Position, ThreatKind};
    use proptest::prelude::*;

    fn rule(limit: Limit) -> Rule {
        Rule {
            name: "any".to_owned(),
            description: String::new(),
            threat: ThreatKind::Scraping,
            by: By {
                who: Some(Who::Client),
                ..By::default()
            },
            when: Vec::new(),
            unless: Condition::default(),
            limit,
            action: Action::Observe,
            for_secs: 1,
        }
    }

    fn hit(millis: i64, value: u64) -> Hit {
        let at = Timestamp::from_millis(1_795_000_000_000 + millis);
        Hit {
            seq: 0,
            rule: 1,
            key: 1,
            value,
            target: Client::Ip([203, 0, 113, 9].into()),
            owner: 0,
            window: 0,
            source: 0,
            most: Action::Block,
            is_ambiguous: false,
            is_claimed: false,
            is_shared: false,
            at,
            first_seen: at,
            requests: 1,
            is_established: false,
            successes: 0.0,
            load: 0.0,
            agents: 1.0,
            evidence: Evidence {
                position: Position::default(),
                at,
                request: String::new(),
                status: 200,
            },
        }
    }

    /// The hits up to the first at which the rule fires, that one included; `None` when it does not.
    fn fires(limit: Limit, hits: &[Hit]) -> Option<usize> {
        let (rule, mut counts) = (rule(limit), Counts::default());
        let place = hits.iter().position(|hit| counts.count(&rule, hit).is_some());
        place.map(|place| place + 1)
    }

    /// Different values, or requests, among hits that lie within so many milliseconds of the last.
    fn within(hits: &[Hit], millis: i64, is_distinct: bool) -> usize {
        let last = hits.iter().map(|hit| hit.at).max().unwrap_or_default();
        let near = hits.iter().filter(|hit| last.millis_since(hit.at) < millis);
        if is_distinct {
            near.map(|hit| hit.value)
                .collect::<std::collections::BTreeSet<u64>>()
                .len()
        } else {
            near.count()
        }
    }

    #[test]
    fn keys_that_are_known_already_take_no_more_values_than_there_is_room_for() {
        let mut counts = Counts::default();
        let rule = rule(Limit {
            count: RULE_DISTINCT_MAX,
            distinct: Some(DistinctOf::Path),
            pace: Pace::Leak { millis: 60_000 },
        });
        // Twice as many as there is room for, each key a value at a time: it is known before it takes the others.
        let values = u64::from(RULE_DISTINCT_MAX / 2);
        let keys = 2 * RULE_VALUES_IN_ALL_MAX as u64 / values;
        let mut largest = 0;
        for value in 0..values {
            for key in 0..keys {
                let hit = Hit { key, ..hit(0, value) };
                assert_eq!(counts.count(&rule, &hit), None);
                largest = largest.max(counts.sizes().1);
            }
        }
        assert_eq!(largest, RULE_VALUES_IN_ALL_MAX);
        assert!(counts.forgotten > 0);
    }

    proptest! {
        #[test]
        fn a_window_never_fires_for_fewer_and_always_for_enough_within_seven_eighths(
            pauses in prop::collection::vec((0i64..4000, 0u64..6), 1..60), count in 1u32..6, is_distinct: bool,
        ) {
            let mut millis = 0;
            let hits: Vec<Hit> = pauses.iter().map(|(pause, value)| {
                millis += pause;
                hit(millis, *value)
            }).collect();
            let distinct = is_distinct.then_some(DistinctOf::Path);
            let limit = Limit { count, distinct, pace: Pace::Within { secs: 8 } };
            let enough = |millis| {
                (1..=hits.len()).find(|end| within(&hits[..*end], millis, is_distinct) >= count as usize)
            };
            let fired = fires(limit, &hits);
            prop_assert!(fired.unwrap_or(usize::MAX) >= enough(8000).unwrap_or(usize::MAX));
            prop_assert!(fired.unwrap_or(usize::MAX) <= enough(7000).unwrap_or(usize::MAX));
        }

        #[test]
        fn hits_in_any_order_never_make_a_window_fire_for_fewer(
            times in prop::collection::vec(0i64..60_000, 1..60), count in 1u32..6,
        ) {
            let hits: Vec<Hit> = times.iter().map(|millis| hit(*millis, 0)).collect();
            let limit = Limit { count, distinct: None, pace: Pace::Within { secs: 8 } };
            if let Some(fired) = fires(limit, &hits) {
                let mut sorted: Vec<i64> = times[..fired].to_vec();
                sorted.sort_unstable();
                let is_near = |span: &[i64]| span[count as usize - 1] - span[0] < 8000;
                prop_assert!(sorted.windows(count as usize).any(is_near));
            }
        }

        #[test]
        fn a_bucket_fires_when_it_holds_more_than_one_less_than_its_count(
            pauses in prop::collection::vec(0i64..3000, 1..60), count in 1u32..6,
        ) {
            let (mut millis, mut level, mut expected) = (0, 0.0f64, None);
            let mut hits = Vec::new();
            for (place, pause) in pauses.iter().enumerate() {
                millis += pause;
                level = (level - *pause as f64 / 1000.0).max(0.0) + 1.0;
                if expected.is_none() && level > f64::from(count) - 1.0 {
                    expected = Some(place + 1);
                }
                hits.push(hit(millis, 0));
            }
            let limit = Limit { count, distinct: None, pace: Pace::Leak { millis: 1000 } };
            prop_assert_eq!(fires(limit, &hits), expected);
        }
    }
}
