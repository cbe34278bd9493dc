//! Over random histories the guard's cap is never passed: whoever asks, of whatever accused, at whichever gateway, over restarts.

use super::*;
use proptest::prelude::*;

/// A tick: so long after the one before, who is to be blocked, and whether the process starts anew before it.
#[derive(Debug, Clone)]
struct Tick {
    pause_secs: i64,
    asks: Vec<Ask>,
    restarts: bool,
}

const KINDS: [ThreatKind; 3] = [ThreatKind::Scraping, ThreatKind::Injection, ThreatKind::Anomaly];

fn any_ask() -> impl Strategy<Value = Ask> {
    // Few keys and ranges, so that many come again; a third of the clients has much of the traffic.
    (
        1..400u64,
        0..6u64,
        0.0..1.0f32,
        prop_oneof![0.0..4.0f32, 50.0..900.0f32],
        0..3u16,
        0..3usize,
        0..3u64,
    )
        .prop_map(|(key, range, benefit, successes, gateway, kind, route)| Ask {
            key,
            range,
            benefit,
            successes,
            gateway,
            threat: KINDS[kind],
            route,
        })
}

fn any_tick() -> impl Strategy<Value = Tick> {
    (
        0..900i64,
        prop::collection::vec(any_ask(), 0..40),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(pause_secs, mut asks, restarts)| {
            // Each client asks once in a tick.
            asks.sort_by_key(|ask| ask.key);
            asks.dedup_by_key(|ask| ask.key);
            Tick {
                pause_secs,
                asks,
                restarts,
            }
        })
}

fn any_stakes() -> impl Strategy<Value = Stakes> {
    prop::collection::vec((0..4000u64, 0.0..40_000.0f64), 3).prop_map(|gateways| {
        let stakes = gateways
            .iter()
            .map(|&(clients, successes)| Stake { clients, successes });
        let mut all = Stake::default();
        for stake in stakes.clone() {
            all.clients += stake.clients;
            all.successes += stake.successes;
        }
        let by_gateway = (0..).zip(stakes).collect();
        Stakes { all, by_gateway }
    })
}

/// What the cap says of itself, in numbers: clients within a span, and successful requests of theirs past the floor.
fn cap(settings: &GuardSettings, stakes: &Stakes, part: Part) -> (usize, f64) {
    let stake = match part {
        Part::Gateway(gateway) => stakes.by_gateway[&gateway],
        _ => stakes.all,
    };
    let share = match part {
        Part::Threat(_) | Part::Route(_) => f64::from(settings.part),
        _ => 1.0,
    };
    let clients = stake.clients as f64 * f64::from(settings.clients_share) * share;
    let successes = stake.successes * f64::from(settings.requests_share) * share;
    (CLIENTS_FLOOR.max(clients.round() as usize), successes)
}

/// Blocks of clients that had not been hit within a span, without those of a range that had been hit often enough.
#[derive(Default)]
struct Seen(Vec<(i64, Ask)>);

impl Seen {
    fn note(&mut self, secs: i64, ask: Ask, span: i64) {
        let within = || {
            self.0
                .iter()
                .filter(move |(at, _)| *at >= secs - span)
                .map(|(_, ask)| ask)
        };
        let of_range = within().filter(|other| other.range == ask.range).count();
        let is_old =
            within().any(|other| other.key == ask.key) || (ask.range != 0 && of_range >= RANGE_HITS_MAX);
        if !is_old {
            self.0.push((secs, ask));
        }
    }

    /// Whom the span that ends then holds, of one part of the budget.
    fn within(&self, secs: i64, span: i64, part: Part) -> Vec<Ask> {
        let within = self.0.iter().filter(|(at, _)| *at >= secs - span);
        within
            .map(|(_, ask)| *ask)
            .filter(|ask| Part::of(ask).any(|other| other == part))
            .collect()
    }
}

/// A checkpoint and back.
fn restarted(guard: &Guard) -> Guard {
    postcard::from_bytes(&postcard::to_allocvec(guard).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn the_cap_is_never_passed(stakes in any_stakes(), ticks in prop::collection::vec(any_tick(), 1..40)) {
        let settings = GuardSettings::default();
        let span = i64::from(settings.span_secs);
        let mut guard = Guard::default();
        let mut seen = Seen::default();
        let mut secs = 1_800_000_000;
        for tick in ticks {
            secs += tick.pause_secs;
            let at = Timestamp::from_secs(secs);
            if tick.restarts {
                guard = restarted(&guard);
            }
            let held = guard.hold_back(&settings, &stakes, &tick.asks, at);
            for ask in tick.asks.iter().filter(|ask| held.iter().all(|(key, _)| *key != ask.key)) {
                guard.note(ask, at);
                seen.note(secs, *ask, span);
            }
            for part in tick.asks.iter().flat_map(Part::of) {
                let hit = seen.within(secs, span, part);
                let (clients, successes) = cap(&settings, &stakes, part);
                prop_assert!(hit.len() <= clients, "{} of {clients} for {part:?}", hit.len());
                // Of the traffic three pass whatever they make.
                let mut made: Vec<f64> = hit.iter().map(|ask| f64::from(ask.successes)).collect();
                made.sort_by(f64::total_cmp);
                made.truncate(made.len().saturating_sub(CLIENTS_FLOOR));
                let made: f64 = made.iter().sum();
                prop_assert!(made <= successes.max(0.0) + 1e-3, "{made} of {successes} for {part:?}");
            }
        }
    }
}
