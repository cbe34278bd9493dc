//! What a point holds, and what it can hold.

use domain::blocklist::Entry;
use domain::{Action, Client, Origin, Scope, Timestamp};
use std::collections::BTreeMap;

/// One client that a point is to act on. A point knows it by its client: of several decisions the strongest counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whom.
    pub client: Client,
    /// What is done.
    pub action: Action,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The decision's identity, for comments that lead back to it.
    pub decision: String,
    /// Higher goes first where there is no room for all.
    pub priority: u8,
    /// Whether a person ordered it: goes before whatever the machine decided.
    pub is_ordered: bool,
}

impl Item {
    /// The item of a decision in force.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        Self {
            client: entry.client.clone(),
            action: entry.action,
            expires_at: entry.expires_at,
            created_at: entry.created_at,
            decision: entry.id.to_string(),
            priority: entry.priority,
            is_ordered: entry.origin == Origin::Operator,
        }
    }

    /// What a point holds that was told it.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            action: self.action,
            expires_at: Some(self.expires_at),
        }
    }
}

/// An item of a range, for tests.
#[cfg(test)]
pub(crate) fn of_range(range: &str, action: Action) -> (Client, Item) {
    let client = Client::from_range(range.parse().expect(range));
    let item = Item {
        client: client.clone(),
        action,
        expires_at: Timestamp::from_secs(2_000_000_000),
        created_at: Timestamp::from_secs(1_900_000_000),
        decision: "ab".repeat(16),
        priority: 50,
        is_ordered: false,
    };
    (client, item)
}

/// What a point holds of ours about one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What it does.
    pub action: Action,
    /// When the entry ends; `None` where entries do not end by themselves and do not say when they should.
    pub expires_at: Option<Timestamp>,
}

/// Everything of ours that a point holds.
pub type Holding = BTreeMap<Client, Held>;

/// What a point can carry out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expresses {
    /// Kinds of clients that fit.
    pub scopes: &'static [Scope],
    /// What can be done to them.
    pub actions: &'static [Action],
    /// Most clients that it holds; `None` for as many as there are.
    pub capacity: Option<usize>,
    /// Whether neighbouring addresses are to be written as one range: where room is short.
    pub is_aggregated: bool,
    /// Whether no two ranges may overlap: of ranges within each other the widest is written as long as it holds.
    pub is_disjoint: bool,
}

/// Why a decision is not sent to a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// Clients of that kind do not fit.
    Scope(Scope),
    /// That cannot be done there.
    Action(Action),
    /// Something must match as well, at which the point cannot look.
    Condition,
    /// There was no room: others are more important.
    Capacity,
    /// The point's own allowlist names it.
    Allowlist,
}

impl Obstacle {
    /// Its public name: that of the scope or of the action, `condition`, `capacity`, `allowlist`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scope(scope) => scope.as_str(),
            Self::Action(action) => action.as_str(),
            Self::Condition => "condition",
            Self::Capacity => "capacity",
            Self::Allowlist => "allowlist",
        }
    }
}

impl Expresses {
    /// Why a decision does not fit; `None` when it does.
    #[must_use]
    pub fn obstacle(&self, entry: &Entry) -> Option<Obstacle> {
        if entry.is_conditional() {
            Some(Obstacle::Condition)
        } else if !self.scopes.contains(&entry.client.scope()) {
            Some(Obstacle::Scope(entry.client.scope()))
        } else if !self.actions.contains(&entry.action) {
            Some(Obstacle::Action(entry.action))
        } else {
            None
        }
    }
}
