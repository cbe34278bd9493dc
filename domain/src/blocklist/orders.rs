//! What people said, as far as it still matters.

use super::allowed::Allowed;
use crate::{Client, DecisionId, Order, OrderKind, Timestamp};
use std::collections::{HashMap, HashSet, VecDeque};

/// The newest word about one client.
#[derive(Debug, Default)]
struct Word {
    /// Decisions stored before this position are ended.
    lifted_before: u64,
    /// Position of the newest lift or block.
    hold_seq: u64,
    /// Machine decisions are held back until then.
    held_until: Option<Timestamp>,
    /// Position of the newest allow, disallow or block.
    allow_seq: u64,
    /// Whether an allow entry stands, and until when.
    allowed: Option<Option<Timestamp>>,
}

impl Word {
    /// Whether it still does anything to decisions that come after it.
    fn is_spent(&self, now: Timestamp) -> bool {
        let held = self.held_until.is_some_and(|until| until > now);
        let allowed = self
            .allowed
            .is_some_and(|until| until.is_none_or(|until| until > now));
        !held && !allowed
    }
}

/// What an order changes besides this memory: which clients are to be looked at again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Touched {
    /// Nothing: an order that is older than what is known.
    Nothing,
    /// Decisions that name exactly this client.
    Client,
    /// Decisions that overlap this client, those that name it included.
    Overlapping,
    /// One decision.
    Decision(DecisionId),
}

/// The memory of orders. Bounded: people give orders, but scripts hold keys too.
#[derive(Debug)]
pub(super) struct Words {
    by_client: HashMap<Client, Word>,
    allowed: Allowed,
    revoked: HashSet<DecisionId>,
    revoked_order: VecDeque<DecisionId>,
    clients_max: usize,
    forgotten: u64,
}

/// Revoked ids that are remembered. A row of a revoked id that comes later is stored as revoked anyway; this only
/// covers the moment in which the two logs are read one after the other.
const REVOKED_MAX: usize = 100_000;

impl Words {
    pub(super) fn new(clients_max: usize) -> Self {
        Self {
            by_client: HashMap::new(),
            allowed: Allowed::new(),
            revoked: HashSet::new(),
            revoked_order: VecDeque::new(),
            clients_max,
            forgotten: 0,
        }
    }

    /// Orders whose lasting part (grace, allow entry) could not be remembered.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Moments at which the word about a client changes by itself: its grace or its allow entry ends.
    pub(super) fn moments(&self, client: &Client) -> [Option<Timestamp>; 2] {
        let word = self.by_client.get(client);
        [
            word.and_then(|word| word.held_until),
            word.and_then(|word| word.allowed.flatten()),
        ]
    }

    /// Takes an order in and returns what to look at again.
    pub(super) fn apply(&mut self, order: &Order, now: Timestamp) -> Touched {
        if let OrderKind::Revoke { decision } = order.kind {
            self.remember_revoked(decision);
            return Touched::Decision(decision);
        }
        // Labels and reports, of which there may be many: no room is taken for them. What is about everybody is kept elsewhere.
        if let OrderKind::Verdict { .. }
        | OrderKind::Report { .. }
        | OrderKind::Suspend { .. }
        | OrderKind::Resume = order.kind
        {
            return Touched::Nothing;
        }
        if !self.by_client.contains_key(&order.client) && !self.make_room(now) {
            self.forgotten += 1;
            return Touched::Client;
        }
        let word = self.by_client.entry(order.client.clone()).or_default();
        let mut touched = Touched::Nothing;
        if let OrderKind::Lift { .. } = order.kind {
            word.lifted_before = word.lifted_before.max(order.seq);
            touched = Touched::Client;
        }
        if let OrderKind::Lift { .. } | OrderKind::Block { .. } = order.kind
            && order.seq > word.hold_seq
        {
            word.hold_seq = order.seq;
            word.held_until = match order.kind {
                OrderKind::Lift { grace_secs } => Some(order.at.plus_secs(i64::from(grace_secs))),
                _ => None,
            };
            touched = Touched::Client;
        }
        if let OrderKind::Allow { .. } | OrderKind::Disallow | OrderKind::Block { .. } = order.kind
            && order.seq > word.allow_seq
        {
            word.allow_seq = order.seq;
            word.allowed = match order.kind {
                OrderKind::Allow { until } => Some(until),
                _ => None,
            };
            touched = Touched::Overlapping;
            match word.allowed {
                Some(until) => self.allowed.set(&order.client, until),
                None => drop(self.allowed.remove(&order.client)),
            }
        }
        touched
    }

    /// Autonomous systems that a person put on the allowlist.
    pub(super) fn allowed_systems(&self, now: Timestamp) -> impl Iterator<Item = &Client> {
        self.allowed.systems(now)
    }

    /// Drops what no longer does anything when the memory is full; false when that frees nothing.
    fn make_room(&mut self, now: Timestamp) -> bool {
        if self.by_client.len() < self.clients_max {
            return true;
        }
        let allowed = &mut self.allowed;
        self.by_client.retain(|client, word| {
            let is_spent = word.is_spent(now);
            if is_spent && word.allowed.is_some() {
                allowed.remove(client);
            }
            !is_spent
        });
        self.by_client.len() < self.clients_max
    }

    fn remember_revoked(&mut self, id: DecisionId) {
        if self.revoked.insert(id) {
            self.revoked_order.push_back(id);
        }
        if self.revoked_order.len() > REVOKED_MAX
            && let Some(oldest) = self.revoked_order.pop_front()
        {
            self.revoked.remove(&oldest);
        }
    }

    /// Whether a decision is ended for good.
    pub(super) fn has_ended(&self, client: &Client, id: DecisionId, seq: u64) -> bool {
        self.revoked.contains(&id)
            || self
                .by_client
                .get(client)
                .is_some_and(|word| seq < word.lifted_before)
    }

    /// Whether machine decisions about the client are held back.
    pub(super) fn holds(&self, client: &Client, now: Timestamp) -> bool {
        self.by_client
            .get(client)
            .and_then(|word| word.held_until)
            .is_some_and(|until| until > now)
    }

    /// Whether an allow entry that a person made protects the client.
    pub(super) fn protects(&self, client: &Client, now: Timestamp) -> bool {
        self.allowed.protects(client, now)
    }
}
