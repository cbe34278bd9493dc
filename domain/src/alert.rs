//! A client stood out: when, why, and with which evidence.

use crate::{Action, Client, Completeness, Position, ThreatKind, Timestamp, WhatIf};

/// The identity of an alert: the keyed hash of its first decision's (client, threat, start of the episode).
pub type AlertId = crate::DecisionId;

/// A threat that the evidence names, and how surely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThreatClaim {
    /// Which.
    pub kind: ThreatKind,
    /// From 0 to 1.
    pub confidence: f32,
}

/// One feature that carried the score, in words and numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Name of the feature or detector.
    pub feature: &'static str,
    /// Its value for this client, in the feature's unit.
    pub value: f32,
    /// The median of clean clients.
    pub typical: f32,
    /// Its share of the score, from 0 to 1.
    pub contribution: f32,
    /// One sentence for a person. Holds no text from the log.
    pub sentence: String,
}

/// One request that shows it. Text is as logged: whoever prints it neutralises control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where the line stood.
    pub position: Position,
    /// When.
    pub at: Timestamp,
    /// Method and target, secrets masked, cut to a named length.
    pub request: String,
    /// Status sent.
    pub status: u16,
}

/// One client of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Who.
    pub client: Client,
    /// Its requests so far.
    pub requests: u64,
    /// Its first request.
    pub first_seen: Timestamp,
    /// What was decided about it.
    pub action: Action,
    /// When; `None` while it is only observed.
    pub action_at: Option<Timestamp>,
    /// Its requests up to then, that one included.
    pub requests_before_action: Option<u64>,
}

/// A client stood out. Emitted anew, with the same id, whenever its action grows stronger.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Stays the same over the episode.
    pub id: AlertId,
    /// Who.
    pub client: Client,
    /// What the evidence names, surest first.
    pub threats: Vec<ThreatClaim>,
    /// How unlike clean clients, in `[0, 1]`.
    pub score: f32,
    /// Chance of such a score in a clean client; never under 1/(n+1) of the calibration set.
    pub p_value: f64,
    /// The strongest action so far.
    pub action: Action,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// When it first stood out.
    pub alerted_at: Timestamp,
    /// When `action` was decided; `None` while it is only observed.
    pub action_at: Option<Timestamp>,
    /// Requests up to `alerted_at`, that one included.
    pub requests_before_alert: u64,
    /// Requests up to `action_at`, that one included.
    pub requests_before_action: Option<u64>,
    /// What carried the score, strongest first.
    pub reasons: Vec<Reason>,
    /// What less or more would have done, for the threats that `reasons` names; empty for a campaign and for a rule.
    pub what_if: Vec<WhatIf>,
    /// Requests that show it.
    pub evidence: Vec<Evidence>,
    /// Why a stronger action was held back (allowlist, guard, shadow, price); `None` when nothing was.
    pub held_back: Option<String>,
    /// Version name of the model that scored it.
    pub model: String,
    /// For a campaign (an alert whose client is a cohort), the clients that it lists; empty otherwise.
    pub members: Vec<Member>,
    /// How complete the evidence is; `None` when everything was done.
    pub completeness: Option<Completeness>,
}
