//! One decision in force, without its story.

use crate::{Action, Client, DecisionId, Mode, Origin, StampedDecision, ThreatKind, Timestamp};
use std::cmp::Ordering;

/// One decision in force. Lean, because there may be a million: reason and price are looked up in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the decision log.
    pub seq: u64,
    /// The decision's identity.
    pub id: DecisionId,
    /// Whom it names.
    pub client: Client,
    /// What to do.
    pub action: Action,
    /// Higher goes first where a gateway has no room for all.
    pub priority: u8,
    /// Who decided.
    pub origin: Origin,
    /// Against which threat.
    pub threat: ThreatKind,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    narrowed: Option<Box<Narrowed>>,
}

/// What few decisions have: boxed to keep the many small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Narrowed {
    conditions: Vec<Client>,
    gateways: Vec<String>,
}

impl Entry {
    /// The lean form of a stored decision.
    #[must_use]
    pub fn new(row: &StampedDecision) -> Self {
        let decision = &row.decision;
        let is_narrowed = !decision.conditions.is_empty() || !decision.gateways.is_empty();
        Self {
            seq: row.seq,
            id: decision.id,
            client: decision.client.clone(),
            action: decision.action,
            priority: decision.priority,
            origin: decision.origin,
            threat: decision.threat,
            created_at: row.created_at,
            expires_at: row.expires_at,
            narrowed: is_narrowed.then(|| {
                Box::new(Narrowed {
                    conditions: decision.conditions.clone(),
                    gateways: decision.gateways.clone(),
                })
            }),
        }
    }

    /// What must match as well; empty for an unconditional decision.
    #[must_use]
    pub fn conditions(&self) -> &[Client] {
        self.narrowed
            .as_ref()
            .map_or(&[], |narrowed| &narrowed.conditions)
    }

    /// Whether something must match as well.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        !self.conditions().is_empty()
    }

    /// Names of the gateways it holds for; empty for all.
    #[must_use]
    pub fn gateways(&self) -> &[String] {
        self.narrowed.as_ref().map_or(&[], |narrowed| &narrowed.gateways)
    }

    /// Whether it holds at a gateway. Who does not say which gateway it is gets what holds at all of them.
    #[must_use]
    pub fn holds_at(&self, gateway: Option<&str>) -> bool {
        let gateways = self.gateways();
        gateways.is_empty() || gateway.is_some_and(|name| gateways.iter().any(|other| other == name))
    }

    /// Orders by what applies first: the strongest action, then the longest life, then the newest.
    #[must_use]
    pub fn cmp_strength(&self, other: &Self) -> Ordering {
        self.action
            .cmp(&other.action)
            .then(self.expires_at.cmp(&other.expires_at))
            .then(self.seq.cmp(&other.seq))
    }
}

/// Whether a stored decision can be in force at all: the machine and people asked for something to be done.
pub(super) fn is_candidate(row: &StampedDecision) -> bool {
    row.decision.mode == Mode::Enforced && row.decision.action.is_enforced()
}
