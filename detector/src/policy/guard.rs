//! The guard: holds new blocks back when they would hit too many established clients, or too much of their traffic.
//!
//! Shares are counted over clients whose successful history is older than the present alert; whoever floods the log
//! with fresh clients moves neither side of the fraction. Conclusive acts and operators' orders pass, are counted and
//! use nothing up, so that nobody can spend the budget by getting himself blocked. A range uses up only so much of it.
//! The same share holds for each gateway's own clients, so that a small site beside a large one is not spent for it; and one threat, or
//! one route, uses up no more than a part of the whole: what a detector gone mad, or a page that broke, names alone.
//! When the budget does not suffice for a tick's clients, those stand first whose block does most good for its price.
//! Clients without a history never ask.

use domain::{ThreatKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Fewest established clients that may be blocked within the span, however small the site.
const CLIENTS_FLOOR: usize = 3;

/// Most hits of one range that count within the span: whoever owns a range and gave its clients a history must not be
/// able to spend everything. Only large sites have a budget beyond it.
const RANGE_HITS_MAX: usize = 16;

/// Longest memory of hits. Past it nothing more is admitted until the oldest has left the span.
pub(crate) const HITS_MAX: usize = 16_384;

/// When new blocks are held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardSettings {
    /// Largest share of the established clients that may be blocked within the span.
    pub clients_share: f32,
    /// Largest share of the established clients' successful requests that those may have made.
    pub requests_share: f32,
    /// Length of the span, in seconds.
    pub span_secs: u32,
    /// Largest part of that budget that one threat, or one route, may use up.
    pub part: f32,
}

impl Default for GuardSettings {
    fn default() -> Self {
        Self {
            clients_share: 0.01,
            // Traffic is spread less evenly than clients: one partner may make a few hundredths of it alone.
            requests_share: 0.05,
            span_secs: 3600,
            part: 0.5,
        }
    }
}

/// An established client that is to be blocked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    /// Key of its window.
    pub key: u64,
    /// Number of its range, 0 for a client without one.
    pub range: u64,
    /// What the block is good for: how surely it is abuse, times the requests it makes.
    pub benefit: f32,
    /// Its successful requests over the longest horizon: what a wrong block would cost.
    pub successes: f32,
    /// At which gateway it is said to attack.
    pub gateway: u16,
    /// Of what it is accused.
    pub threat: ThreatKind,
    /// Hash of the route on which that showed, 0 for none.
    pub route: u64,
}

/// An established client that was blocked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Hit {
    millis: i64,
    key: u64,
    range: u64,
    successes: f32,
    gateway: u16,
    threat: u8,
    route: u64,
}

/// A part of the budget that is not spent whole on one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    All,
    Gateway(u16),
    Threat(u8),
    Route(u64),
}

impl Part {
    /// The parts that one block would be taken from.
    fn of(ask: &Ask) -> impl Iterator<Item = Self> {
        let route = (ask.route != 0).then_some(Self::Route(ask.route));
        [
            Self::All,
            Self::Gateway(ask.gateway),
            Self::Threat(ask.threat as u8),
        ]
        .into_iter()
        .chain(route)
    }

    fn has(self, hit: &Hit) -> bool {
        match self {
            Self::All => true,
            Self::Gateway(gateway) => hit.gateway == gateway,
            Self::Threat(threat) => hit.threat == threat,
            Self::Route(route) => hit.route == route,
        }
    }

    /// What of it is meant, as people read it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "the site's",
            Self::Gateway(_) => "this gateway's",
            Self::Threat(_) => "this threat's",
            Self::Route(_) => "this route's",
        }
    }
}

/// How many established clients there are, and what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stake {
    /// Established clients.
    pub clients: u64,
    /// Their successful requests over the longest horizon.
    pub successes: f64,
}

/// What a wrong block could hit, in all and at each gateway.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stakes {
    /// In all.
    pub all: Stake,
    /// By gateway; of one that is not among them nothing is known.
    pub by_gateway: BTreeMap<u16, Stake>,
}

/// What the guard remembers: which established clients were blocked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    hits: VecDeque<Hit>,
    /// Clients held back so far, once for each tick in which they were.
    pub held_back: u64,
    /// Established clients blocked for conclusive acts.
    pub passed: u64,
    /// Established clients blocked by a person's order.
    pub ordered: u64,
}

/// What is left of the budget.
struct Room {
    /// Clients that may be blocked whatever they did.
    floor: usize,
    clients: usize,
    successes: f64,
}

impl Guard {
    /// Says which of a tick's clients are held back, and whose budget is spent. Each client asks once; the order does not matter.
    pub fn hold_back(
        &mut self,
        settings: &GuardSettings,
        stakes: &Stakes,
        asks: &[Ask],
        at: Timestamp,
    ) -> Vec<(u64, &'static str)> {
        self.forget(settings, at);
        let mut asks: Vec<Ask> = asks.iter().filter(|ask| !self.is_paid(ask)).copied().collect();
        asks.sort_by(|left, right| {
            let worth = |ask: &Ask| ask.benefit / (1.0 + ask.successes.max(0.0));
            worth(right)
                .total_cmp(&worth(left))
                .then(left.key.cmp(&right.key))
        });
        let mut rooms: BTreeMap<Part, Room> = BTreeMap::new();
        let mut held = Vec::new();
        for ask in &asks {
            let parts = || Part::of(ask);
            for part in parts() {
                rooms
                    .entry(part)
                    .or_insert_with(|| self.room(settings, stakes, part));
            }
            let spent = parts().find(|part| rooms.get(part).is_some_and(|room| !room.has(ask)));
            match spent {
                Some(part) => held.push((ask.key, part.as_str())),
                None => parts().for_each(|part| {
                    if let Some(room) = rooms.get_mut(&part) {
                        room.take(ask);
                    }
                }),
            }
        }
        self.held_back += held.len() as u64;
        held
    }

    /// Notes that an established client was blocked.
    pub fn note(&mut self, ask: &Ask, at: Timestamp) {
        if self.is_paid(ask) || self.hits.len() == HITS_MAX {
            return;
        }
        self.hits.push_back(Hit {
            millis: at.as_millis(),
            key: ask.key,
            range: ask.range,
            successes: ask.successes,
            gateway: ask.gateway,
            threat: ask.threat as u8,
            route: ask.route,
        });
    }

    /// Blocks of established clients that are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.hits.len()
    }

    /// Whether a block would use nothing up: the client was hit within the span, or its range was hit often enough.
    fn is_paid(&self, ask: &Ask) -> bool {
        let of_range = self.hits.iter().filter(|hit| hit.range == ask.range);
        self.hits.iter().any(|hit| hit.key == ask.key)
            || (ask.range != 0 && of_range.count() >= RANGE_HITS_MAX)
    }

    fn forget(&mut self, settings: &GuardSettings, at: Timestamp) {
        let span_millis = i64::from(settings.span_secs) * 1000;
        let horizon = at.as_millis().saturating_sub(span_millis);
        self.hits.retain(|hit| hit.millis >= horizon);
    }

    fn room(&self, settings: &GuardSettings, stakes: &Stakes, part: Part) -> Room {
        let (stake, share) = match part {
            Part::All => (stakes.all, 1.0),
            Part::Gateway(gateway) => (stakes.by_gateway.get(&gateway).copied().unwrap_or_default(), 1.0),
            Part::Threat(_) | Part::Route(_) => (stakes.all, f64::from(settings.part)),
        };
        let of = |whole: f64, allowed: f32| whole * f64::from(allowed) * share;
        let clients_max = (of(stake.clients as f64, settings.clients_share).round() as usize).min(HITS_MAX);
        let hits = || self.hits.iter().filter(|hit| part.has(hit));
        let used: f64 = hits().map(|hit| f64::from(hit.successes)).sum();
        let count = hits().count();
        Room {
            floor: CLIENTS_FLOOR.saturating_sub(count),
            clients: clients_max.saturating_sub(count),
            successes: of(stake.successes, settings.requests_share) - used,
        }
    }
}

impl Room {
    /// Whether a client's share can be taken out.
    fn has(&self, ask: &Ask) -> bool {
        self.floor > 0 || (self.clients > 0 && f64::from(ask.successes) <= self.successes)
    }

    /// Takes a client's share out.
    fn take(&mut self, ask: &Ask) {
        self.floor = self.floor.saturating_sub(1);
        self.clients = self.clients.saturating_sub(1);
        self.successes -= f64::from(ask.successes);
    }
}

#[cfg(test)]
#[path = "guard_property.rs"]
mod property;

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks one after the other, a second apart, and gives how many were admitted.
    fn admitted(guard: &mut Guard, stakes: Stakes, asks: &[Ask]) -> usize {
        let settings = GuardSettings::default();
        let mut admitted = 0;
        for (second, ask) in asks.iter().enumerate() {
            let at = Timestamp::from_secs(second as i64);
            if guard.hold_back(&settings, &stakes, &[*ask], at).is_empty() {
                guard.note(ask, at);
                admitted += 1;
            }
        }
        admitted
    }

    fn asks(count: u64, range: impl Fn(u64) -> u64) -> Vec<Ask> {
        let ask = |key| Ask {
            key,
            range: range(key),
            benefit: 1.0,
            successes: 10.0,
            gateway: 0,
            threat: THREATS[key as usize % 4],
            route: key,
        };
        (1..=count).map(ask).collect()
    }

    const THREATS: [ThreatKind; 4] = [
        ThreatKind::Scraping,
        ThreatKind::Injection,
        ThreatKind::CredentialCracking,
        ThreatKind::Reconnaissance,
    ];

    /// So many established clients, all of the first gateway.
    fn stake(clients: u64) -> Stakes {
        let all = Stake {
            clients,
            successes: clients as f64 * 10.0,
        };
        Stakes {
            all,
            by_gateway: BTreeMap::from([(0, all)]),
        }
    }

    #[test]
    fn three_established_clients_may_be_blocked_on_any_site_and_then_the_share_counts() {
        let each_its_own = asks(10, |key| key);
        let mut guard = Guard::default();
        assert_eq!(admitted(&mut guard, stake(50), &each_its_own), 3);
        assert_eq!(guard.held_back, 7);
        assert_eq!(admitted(&mut Guard::default(), stake(600), &each_its_own), 6);
    }

    #[test]
    fn a_few_clients_with_much_of_the_traffic_are_held_back_past_the_floor() {
        let mut heavy = asks(10, |key| key);
        heavy.iter_mut().for_each(|ask| ask.successes = 1000.0);
        assert_eq!(admitted(&mut Guard::default(), stake(10_000), &heavy), 5);
    }

    #[test]
    fn the_same_client_pays_once_within_the_span() {
        let mut same = asks(4, |key| key);
        same.iter_mut().skip(1).for_each(|ask| ask.key = 2);
        assert_eq!(admitted(&mut Guard::default(), stake(0), &same), 4);
    }

    #[test]
    fn one_range_cannot_spend_the_budget_of_a_large_site() {
        let mut guard = Guard::default();
        assert_eq!(admitted(&mut guard, stake(5000), &asks(200, |_| 77)), 200);
        let others: Vec<Ask> = asks(500, |key| key).split_off(300);
        assert_eq!(admitted(&mut guard, stake(5000), &others), 50 - RANGE_HITS_MAX);
    }

    #[test]
    fn one_range_on_a_small_site_is_protected_like_any_client() {
        assert_eq!(admitted(&mut Guard::default(), stake(100), &asks(100, |_| 77)), 3);
    }

    #[test]
    fn what_does_most_good_for_its_price_fits_first() {
        let mut together = asks(6, |key| key);
        for (place, ask) in together.iter_mut().enumerate() {
            ask.benefit = place as f32;
        }
        let mut guard = Guard::default();
        let at = Timestamp::from_secs(0);
        let held = guard.hold_back(&GuardSettings::default(), &stake(50), &together, at);
        let held: Vec<u64> = held.into_iter().map(|(key, _)| key).collect();
        assert_eq!(held, [3, 2, 1]);
    }

    #[test]
    fn the_budget_comes_back_after_the_span() {
        let settings = GuardSettings::default();
        let mut guard = Guard::default();
        for ask in asks(4, |key| key) {
            guard.note(&ask, Timestamp::from_secs(0));
        }
        let late = Ask {
            key: 9,
            ..asks(1, |key| key)[0]
        };
        let held = |guard: &mut Guard, secs| {
            guard.hold_back(&settings, &stake(0), &[late], Timestamp::from_secs(secs))
        };
        assert_eq!(held(&mut guard, 3600), [(9, "the site's")]);
        assert!(held(&mut guard, 3601).is_empty());
    }

    #[test]
    fn one_threat_and_one_route_use_up_half_of_the_budget() {
        let all_of = |change: fn(&mut Ask)| {
            let mut all = asks(40, |key| key);
            all.iter_mut().for_each(change);
            admitted(&mut Guard::default(), stake(2000), &all)
        };
        assert_eq!(all_of(|_| {}), 20);
        assert_eq!(all_of(|ask| ask.threat = ThreatKind::Scraping), 10);
        assert_eq!(all_of(|ask| ask.route = 7), 10);
        assert_eq!(all_of(|ask| ask.route = 0), 20, "what is no route's");
    }

    #[test]
    fn a_small_gateway_beside_a_large_one_keeps_its_clients() {
        let mut stakes = stake(10_000);
        let small = Stake {
            clients: 50,
            successes: 500.0,
        };
        stakes.by_gateway.insert(1, small);
        let at = Timestamp::from_secs(0);
        let mut all = asks(20, |key| key);
        all.iter_mut().for_each(|ask| ask.gateway = 1);
        let held = Guard::default().hold_back(&GuardSettings::default(), &stakes, &all, at);
        assert_eq!(held.len(), 17);
        assert!(held.iter().all(|(_, whose)| *whose == "this gateway's"));
    }
}
