//! What goes into the two logs and what is asked of them: decisions down, orders up.

use domain::{Action, Client, DecisionId, Mode, Order, OrderKind, Origin, StampedDecision, ThreatKind};

/// The right to write, held through a lease: a writer that lost its lease is refused instead of writing beside its
/// successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Name of the lease.
    pub lease: String,
    /// The token it was granted with.
    pub token: u64,
}

/// Where a decision stands, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFilter {
    /// Neither expired nor revoked nor superseded.
    Active,
    /// Its time is over, and it was not revoked.
    Expired,
    /// Ended by a person.
    Revoked,
}

/// Which decisions are wanted. Every field narrows; the default is everything but superseded rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecisionFilter {
    /// Where it stands.
    pub state: Option<StateFilter>,
    /// Whom it names.
    pub client: Option<Client>,
    /// What to do.
    pub action: Option<Action>,
    /// Who decided.
    pub origin: Option<Origin>,
    /// Whether it is carried out.
    pub mode: Option<Mode>,
    /// Against which threat.
    pub threat: Option<ThreatKind>,
    /// The alert it came from.
    pub alert: Option<DecisionId>,
    /// Also rows that a stronger decision of the same id replaced.
    pub with_superseded: bool,
}

/// A person's order, before it has a place in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// What.
    pub kind: OrderKind,
    /// About whom. For [`OrderKind::Revoke`] the store replaces it by the decision's own client, for [`OrderKind::Verdict`] by the
    /// alert's, and so is the time of the alert in it.
    pub client: Client,
    /// Why, in the person's words; at most [`REASON_BYTES_MAX`] bytes.
    pub reason: String,
    /// Name of the API key that gave it, or `bootstrap`.
    pub by: String,
    /// Address it came from, or `cli`.
    pub from: String,
}

/// Longest reason of an order, in bytes: a paragraph. The journal is kept for good.
pub const REASON_BYTES_MAX: usize = 2000;

/// Longest scenario of a report, in bytes: a name with its author's before it.
pub const SCENARIO_BYTES_MAX: usize = 256;

/// Reports that are kept at most: the latest. What people order is kept for good, what machines report comes by itself.
pub const REPORTS_KEPT: u32 = 100_000;

/// How long the machine leaves a client alone after a false positive, in seconds: a day, as after any lift. A person who was
/// wronged is not wronged again the same day, and an attacker who was let go is not let go for long.
pub const VERDICT_GRACE_SECS: u32 = 86_400;

/// What an order did.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderReceipt {
    /// The order, as the journal holds it.
    pub order: Order,
    /// The operator's decision that a block order appended to the decision log.
    pub decision: Option<StampedDecision>,
    /// How many decisions the order ended.
    pub revoked: u64,
}

/// Which orders are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// About whom.
    pub client: Option<Client>,
    /// Name of the API key that gave it.
    pub by: Option<String>,
    /// What machines report, instead of what people ordered.
    pub is_reports: bool,
}
