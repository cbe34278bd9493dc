//! The fold against its specification, over random histories.

use super::tests::{START, at, block, client, empty, order};
use super::{Blocklist, Delta, Entry, effective};
use crate::{
    Action, AllowEntry, Allowlist, Client, DecisionId, Judgement, Mode, Order, OrderKind, Origin,
    StampedDecision, Timestamp,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLIENTS: [&str; 9] = [
    "203.0.113.1",
    "203.0.113.2",
    "203.0.113.0/30",
    "203.0.113.0/24",
    "10.1.2.3",
    "2001:db8:1:1::/64",
    "2001:db8:1::/48",
    "alice",
    "bob",
];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Decision(StampedDecision),
    Order(Order),
    Wait(i64),
}

prop_compose! {
    fn any_decision()(
        whom in 0..CLIENTS.len(), episode in 0..2u8, action in prop::sample::select(Action::ALL.to_vec()),
        origin in prop::sample::select(Origin::ALL.to_vec()),
        mode in prop::sample::select(vec![Mode::Enforced, Mode::Enforced, Mode::Enforced, Mode::Shadow]),
        ttl_secs in 1..40u32, is_revoked in prop::bool::weighted(0.1), is_conditional in prop::bool::weighted(0.2),
    ) -> StampedDecision {
        let mut row = block(0, CLIENTS[whom], ttl_secs, START);
        row.decision.id = DecisionId([whom as u8 * 2 + episode; 16]);
        (row.decision.action, row.decision.origin, row.decision.mode) = (action, origin, mode);
        row.revoked_at = is_revoked.then_some(START);
        if is_conditional {
            row.decision.conditions = vec![client("t13d")];
        }
        row
    }
}

fn any_order() -> impl Strategy<Value = Order> {
    let kind = prop_oneof![
        Just(OrderKind::Block { ttl_secs: 9 }),
        (0..30u32).prop_map(|grace_secs| OrderKind::Lift { grace_secs }),
        (0..18u8).prop_map(|id| OrderKind::Revoke {
            decision: DecisionId([id; 16])
        }),
        prop::option::of(0..60i64).prop_map(|secs| OrderKind::Allow { until: secs.map(at) }),
        Just(OrderKind::Disallow),
        prop::option::of(0..60i64).prop_map(|secs| OrderKind::Suspend { until: secs.map(at) }),
        Just(OrderKind::Resume),
        (0..18u8).prop_map(|id| OrderKind::Verdict {
            alert: DecisionId([id; 16]),
            alerted_at: START,
            judgement: Judgement::FalsePositive,
        }),
    ];
    (0..CLIENTS.len(), kind).prop_map(|(whom, kind)| order(0, CLIENTS[whom], kind, START))
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any_decision().prop_map(Step::Decision),
        2 => any_order().prop_map(Step::Order),
        2 => (0..20i64).prop_map(Step::Wait),
    ]
}

fn any_allowlist() -> impl Strategy<Value = Allowlist> {
    let entry = (0..CLIENTS.len(), prop::option::of(0..60i64)).prop_map(|(whom, secs)| AllowEntry {
        client: client(CLIENTS[whom]),
        reason: "partner".to_owned(),
        until: secs.map(at),
    });
    (prop::collection::vec(entry, 0..2), any::<bool>()).prop_map(|(entries, allow_private)| {
        Allowlist::new(vec!["203.0.113.2/32".parse().unwrap()], entries, allow_private)
    })
}

/// Numbers and dates the steps as a store would.
fn date(steps: Vec<Step>) -> Vec<(Timestamp, Step)> {
    let mut now = START;
    let mut dated = Vec::new();
    for (seq, mut step) in (1..).zip(steps) {
        match &mut step {
            Step::Decision(row) => {
                let revoked_at = row.revoked_at.map(|_| now);
                *row = StampedDecision::stamp(row.decision.clone(), seq, now);
                row.revoked_at = revoked_at;
            }
            Step::Order(order) => (order.seq, order.at) = (seq, now),
            Step::Wait(secs) => now = now.plus_secs(*secs),
        }
        dated.push((now, step));
    }
    dated
}

/// A gateway that does what deltas say.
fn follow(known: &mut BTreeMap<(Client, Action), u64>, delta: &Delta<'_>) {
    for removed in &delta.removed {
        known.remove(&(removed.entry.client.clone(), removed.entry.action));
    }
    for added in &delta.added {
        known.insert((added.entry.client.clone(), added.entry.action), added.entry.seq);
    }
}

proptest! {
    #[test]
    fn the_fold_equals_its_specification_after_every_step(
        steps in prop::collection::vec(any_step(), 1..60),
        configured in any_allowlist(),
        batch in 1..6usize,
    ) {
        let mut list = Blocklist::new(&configured, START);
        let first = list.generation();
        let (mut decisions, mut orders) = (Vec::new(), Vec::new());
        let mut known = BTreeMap::new();
        for steps in date(steps).chunks(batch) {
            // As a reader of two logs does: a batch of one, then a batch of the other.
            for (_, step) in steps {
                if let Step::Order(order) = step {
                    list.apply_order(order);
                    orders.push(order.clone());
                }
            }
            for (_, step) in steps {
                if let Step::Decision(row) = step {
                    list.apply_decision(row);
                    decisions.push(row.clone());
                }
            }
            let before = list.generation();
            let now = steps.last().map_or(START, |(now, _)| *now);
            list.advance(now);
            let mut entries: Vec<Entry> = list.iter().cloned().collect();
            entries.sort_by_key(|entry| entry.seq);
            prop_assert_eq!(&entries, &effective(&decisions, &orders, &configured, now));
            prop_assert_eq!(list.len(), entries.len());
            prop_assert!(list.generation() >= before);
        }
        // Every address and name is answered as the list says.
        for text in CLIENTS {
            let whom = client(text);
            let wanted = list
                .iter()
                .filter(|entry| !entry.is_conditional())
                .filter(|entry| match (entry.client.range(), whom.range()) {
                    (Some(entry), Some(whom)) => entry.contains(&whom),
                    _ => entry.client == whom,
                })
                .max_by(|left, right| left.cmp_strength(right));
            prop_assert_eq!(list.check_client(&whom, None), wanted);
        }
        follow(&mut known, &list.delta_since(first, |_| true).unwrap());
        let keys: Vec<_> = list.strongest(|_| true).map(|entry| (entry.client.clone(), entry.action)).collect();
        prop_assert_eq!(known.len(), keys.len());
    }

    #[test]
    fn a_gateway_that_follows_the_deltas_knows_the_strongest_entry_of_every_key(
        steps in prop::collection::vec(any_step(), 1..60),
        pause in 1..9usize,
    ) {
        let mut list = empty();
        let mut known = BTreeMap::new();
        let mut generation = list.generation();
        for steps in date(steps).chunks(pause) {
            for (now, step) in steps {
                list.advance(*now);
                match step {
                    Step::Decision(row) => list.apply_decision(row),
                    Step::Order(order) => list.apply_order(order),
                    Step::Wait(_) => {}
                }
            }
            let delta = list.delta_since(generation, |_| true).unwrap();
            follow(&mut known, &delta);
            generation = delta.generation;
            let keys: BTreeMap<(Client, Action), u64> = list
                .strongest(|_| true)
                .map(|entry| ((entry.client.clone(), entry.action), entry.seq))
                .collect();
            // A gateway may know a longer entry of a key than is left; it learns the end with the last one.
            prop_assert!(known.keys().eq(keys.keys()));
        }
    }
}
