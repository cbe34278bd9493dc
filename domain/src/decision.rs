//! What is to be done about a client, with a reason and an expiry.

use crate::{Action, AlertId, Client, Completeness, ThreatKind, Timestamp};
use std::fmt;

/// A keyed 128-bit hash, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionId(pub [u8; 16]);

impl fmt::Display for DecisionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DecisionId({self})")
    }
}

impl DecisionId {
    /// Reads 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        let mut id = [0u8; 16];
        for (place, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).ok()?;
        }
        Some(Self(id))
    }
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The model's score, with evidence.
    Model,
    /// A deterministic rule.
    Rule,
    /// The policy itself (escalation).
    Policy,
    /// A person's order.
    Operator,
    /// An imported list.
    Import,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 5] = [
        Self::Model,
        Self::Rule,
        Self::Policy,
        Self::Operator,
        Self::Import,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Operator => "operator",
            Self::Import => "import",
        }
    }

    /// The origin of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.as_str() == name)
    }
}

/// Whether gateways are to carry a decision out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Carried out.
    Enforced,
    /// Recorded only, to see whom it would have hit.
    Shadow,
    /// Its time had passed when it was made (a replay, a lagging reader): stored, never carried out.
    Replayed,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Enforced, Self::Shadow, Self::Replayed];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Shadow => "shadow",
            Self::Replayed => "replayed",
        }
    }

    /// The mode of that public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Whom a decision would hit besides its target: what it costs if it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Price {
    /// Other established clients that it covers.
    pub clients: u64,
    /// Their and the target's successful requests within the last window.
    pub successful_requests: u64,
    /// Upper bound of the relative error of those counts.
    pub error: f32,
}

/// What is to be done, as the pure core emits it: event time and a time to live, no wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Keyed hash of (client, threat, start of the episode): replaying repeats no decision.
    pub id: DecisionId,
    /// Whom it names.
    pub client: Client,
    /// What must match as well; empty for an unconditional decision.
    pub conditions: Vec<Client>,
    /// Names of the gateways it holds for; empty for all.
    pub gateways: Vec<String>,
    /// What to do.
    pub action: Action,
    /// Higher goes first where a gateway has no room for all.
    pub priority: u8,
    /// Who decided.
    pub origin: Origin,
    /// What it costs if it is wrong.
    pub price: Price,
    /// Against which threat.
    pub threat: ThreatKind,
    /// The alert it came from; `None` for an operator's order or an import.
    pub alert_id: Option<AlertId>,
    /// One sentence for a person.
    pub reason: String,
    /// Event time of the request that tipped it.
    pub event_at: Timestamp,
    /// How long it holds, in seconds; never zero.
    pub ttl_secs: u32,
    /// Whether it is carried out.
    pub mode: Mode,
    /// Version name of the model that scored it; empty for a person's order.
    pub model: String,
    /// How complete the evidence is that it rests on; `None` when everything was done, and for a person's order.
    pub completeness: Option<Completeness>,
}

/// A decision with its wall-clock life, as the edge stamps and stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct StampedDecision {
    /// Position in the decision log: grows by at least one with every stored decision.
    pub seq: u64,
    /// What was decided.
    pub decision: Decision,
    /// When it was stored, by the wall clock.
    pub created_at: Timestamp,
    /// `created_at` + `ttl_secs`.
    pub expires_at: Timestamp,
    /// When it was lifted, if it was.
    pub revoked_at: Option<Timestamp>,
    /// By whom it was lifted.
    pub revoked_by: Option<String>,
}

/// Where a stored decision stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionState {
    /// In force, or recorded as shadow.
    Active,
    /// Its time is over.
    Expired,
    /// Lifted before its time.
    Revoked,
}

impl StampedDecision {
    /// Stamps a decision at `now`. One whose event is older than its own life becomes `replayed`.
    #[must_use]
    pub fn stamp(mut decision: Decision, seq: u64, now: Timestamp) -> Self {
        let life_millis = i64::from(decision.ttl_secs) * 1000;
        if now.millis_since(decision.event_at) > life_millis && decision.mode == Mode::Enforced {
            decision.mode = Mode::Replayed;
        }
        let expires_at = now.plus_millis(life_millis);
        Self {
            seq,
            decision,
            created_at: now,
            expires_at,
            revoked_at: None,
            revoked_by: None,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> DecisionState {
        if self.revoked_at.is_some_and(|at| at <= now) {
            DecisionState::Revoked
        } else if self.expires_at <= now {
            DecisionState::Expired
        } else {
            DecisionState::Active
        }
    }
}
