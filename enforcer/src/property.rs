//! Random histories of decisions, orders, allowlists, restarts and failures, with a point that forgets, takes half of what it is told, and is
//! meddled with: after each time that everything went through, it holds what the specification of the blocklist says and nothing else.

use crate::item::{Expresses, Held, Holding};
use crate::plan::plan;
use crate::wanted::Wanted;
use domain::blocklist::{Blocklist, effective};
use domain::{
    Action, AllowEntry, Allowlist, Client, Decision, DecisionId, Mode, Order, OrderKind, Origin, Price,
    Scope, StampedDecision, ThreatKind, Timestamp,
};
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

const CLIENTS: [&str; 7] = [
    "203.0.113.1/32",
    "203.0.113.2/32",
    "203.0.113.3/32",
    "203.0.113.0/30",
    "203.0.113.0/24",
    "2001:db8:1:1::/64",
    "2001:db8:1::/48",
];

/// Somebody else's entries at the point.
const FOREIGN: [&str; 2] = ["198.51.100.7/32", "203.0.113.9/32"];

const EXPRESSES: Expresses = Expresses {
    scopes: &[Scope::Ip, Scope::Range],
    actions: &[Action::Throttle, Action::Block],
    capacity: None,
    is_aggregated: false,
    is_disjoint: false,
};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Decide(usize, Action, Origin, u32),
    Order(usize, OrderKind),
    Wait(i64),
    /// The point is told; so many changes of a hundred go through before it fails.
    Tell(usize),
    /// The point starts again without what it was told.
    Restart,
    /// Somebody takes one of our entries away at the point, or puts one there that looks like ours.
    Meddle(usize, bool),
}

fn client(place: usize) -> Client {
    Client::from_range(CLIENTS[place].parse().unwrap())
}

fn any_step() -> impl Strategy<Value = Step> {
    let whom = || 0..CLIENTS.len();
    let action = prop::sample::select(Action::ALL.to_vec());
    let origin = prop::sample::select(vec![Origin::Model, Origin::Rule, Origin::Operator]);
    let order = prop_oneof![
        (0..30u32).prop_map(|grace_secs| OrderKind::Lift { grace_secs }),
        prop::option::of(0..60i64).prop_map(|secs| OrderKind::Allow {
            until: secs.map(|secs| START.plus_secs(secs))
        }),
        Just(OrderKind::Disallow),
        Just(OrderKind::Suspend { until: None }),
        Just(OrderKind::Resume),
    ];
    prop_oneof![
        4 => (whom(), action, origin, 1..60u32).prop_map(|(whom, action, origin, secs)| Step::Decide(whom, action, origin, secs)),
        2 => (whom(), order).prop_map(|(whom, order)| Step::Order(whom, order)),
        2 => (0..20i64).prop_map(Step::Wait),
        3 => prop_oneof![Just(100usize), 0..100usize].prop_map(Step::Tell),
        1 => Just(Step::Restart),
        1 => (whom(), any::<bool>()).prop_map(|(whom, is_added)| Step::Meddle(whom, is_added)),
    ]
}

/// What there is: the two logs, the list that runs, and the point.
struct World {
    now: Timestamp,
    seq: u64,
    configured: Allowlist,
    decisions: Vec<StampedDecision>,
    orders: Vec<Order>,
    list: Blocklist,
    held: Holding,
    foreign: Vec<Client>,
}

impl World {
    fn new() -> Self {
        let office = AllowEntry {
            client: client(1),
            reason: "office".to_owned(),
            until: None,
        };
        let configured = Allowlist::new(Vec::new(), vec![office], true);
        Self {
            now: START,
            seq: 0,
            list: Blocklist::new(&configured, START),
            configured,
            decisions: Vec::new(),
            orders: Vec::new(),
            held: Holding::new(),
            foreign: FOREIGN
                .iter()
                .map(|range| Client::from_range(range.parse().unwrap()))
                .collect(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Decide(whom, action, origin, secs) => self.decide(whom, action, origin, secs),
            Step::Order(whom, kind) => self.order(whom, kind),
            Step::Wait(secs) => {
                self.now = self.now.plus_secs(secs);
                self.list.advance(self.now);
                // Entries end at the point by themselves.
                let now = self.now;
                self.held
                    .retain(|_, held| held.expires_at.is_none_or(|until| until > now));
            }
            Step::Tell(share) => self.tell(share),
            Step::Restart => self.held.clear(),
            Step::Meddle(whom, is_added) => {
                let forged = Held {
                    action: Action::Block,
                    expires_at: Some(self.now.plus_secs(1000)),
                };
                if is_added {
                    self.held.insert(client(whom), forged);
                } else {
                    self.held.remove(&client(whom));
                }
            }
        }
    }

    fn decide(&mut self, whom: usize, action: Action, origin: Origin, secs: u32) {
        self.seq += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.seq.to_be_bytes());
        let decision = Decision {
            id: DecisionId(id),
            client: client(whom),
            conditions: Vec::new(),
            gateways: Vec::new(),
            action,
            priority: 50,
            origin,
            price: Price::default(),
            threat: ThreatKind::Reconnaissance,
            alert_id: None,
            reason: "it was tried".to_owned(),
            event_at: self.now,
            ttl_secs: secs,
            mode: Mode::Enforced,
            model: String::new(),
            completeness: None,
        };
        let row = StampedDecision::stamp(decision, self.seq, self.now);
        self.list.apply_decision(&row);
        self.decisions.push(row);
    }

    fn order(&mut self, whom: usize, kind: OrderKind) {
        self.seq += 1;
        let client = if kind.is_about_everybody() {
            Client::everybody()
        } else {
            client(whom)
        };
        let order = Order {
            seq: self.seq,
            kind,
            client,
            reason: String::new(),
            by: "a person".to_owned(),
            from: "cli".to_owned(),
            at: self.now,
        };
        self.list.apply_order(&order);
        self.orders.push(order);
    }

    /// Tells the point what has changed, as far as it takes it; what went through whole is held against the specification.
    fn tell(&mut self, share: usize) {
        let wanted = Wanted::of(&self.list, None, &EXPRESSES);
        let changes = plan(&wanted.items, &self.held);
        let count = changes.len() * share / 100;
        let puts = changes.put().map(|item| (item.client.clone(), Some(item.held())));
        let all = puts.chain(changes.remove.iter().map(|client| (client.clone(), None)));
        for (client, held) in all.take(if share == 100 { usize::MAX } else { count }) {
            match held {
                Some(held) => drop(self.held.insert(client, held)),
                None => drop(self.held.remove(&client)),
            }
        }
        if share == 100 {
            self.check();
        }
    }

    /// What the point holds is what the specification says, no more and no less.
    fn check(&self) {
        let entries = effective(&self.decisions, &self.orders, &self.configured, self.now);
        let fits: Vec<_> = entries
            .iter()
            .filter(|entry| EXPRESSES.obstacle(entry).is_none())
            .collect();
        for (client, held) in &self.held {
            let until = held.expires_at.expect("no block without an expiry");
            assert!(until > self.now, "{client} is over");
            let is_decided = fits
                .iter()
                .any(|entry| entry.client == *client && entry.action == held.action);
            assert!(is_decided, "{client} {} was never to be held", held.action);
            assert!(
                self.configured.protects(client, self.now).is_none(),
                "{client} is allowed"
            );
        }
        for entry in &fits {
            let covers = |(client, held): (&Client, &Held)| {
                let is_around = client
                    .range()
                    .zip(entry.client.range())
                    .is_some_and(|(outer, inner)| outer.contains(&inner));
                is_around && held.action >= entry.action
            };
            assert!(self.held.iter().any(covers), "{} is not held", entry.client);
        }
        assert!(
            self.foreign.iter().all(|client| !self.held.contains_key(client)),
            "somebody else's entry was taken for ours"
        );
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_point_that_was_told_all_holds_what_was_decided(
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.take(step));
        world.take(Step::Tell(100));
        // The kill switch, and what is over, leave nothing behind.
        world.take(Step::Order(0, OrderKind::Suspend { until: None }));
        world.take(Step::Tell(100));
        prop_assert!(world.held.is_empty());
    }
}
