//! Alerts as they are kept for people, and one client's page.

use domain::{Action, Alert, AlertId, Client, Completeness, Judgement, ThreatKind, Timestamp};

/// Members of a campaign that are kept with its alert: what a page shows. The latest are, the others are counted; each has a
/// decision of its own.
pub const MEMBERS_KEPT_MAX: usize = 256;

/// Longest JSON of one client's features or timeline, in bytes: a week of hourly points fits many times. A longer
/// one is refused.
pub const CLIENT_JSON_BYTES_MAX: usize = 128 * 1024;

/// A threat that the evidence names, and how surely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredThreat {
    /// Which.
    pub kind: ThreatKind,
    /// From 0 to 1.
    pub confidence: f32,
}

/// One feature that carried the score. Its name is text here: a later version may no longer know the feature.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReason {
    /// Name of the feature or detector.
    pub feature: String,
    /// Its value for this client.
    pub value: f32,
    /// The median of clean clients.
    pub typical: f32,
    /// Its share of the score.
    pub contribution: f32,
    /// One sentence for a person.
    pub sentence: String,
}

/// One request that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvidence {
    /// Number of the source.
    pub source: u32,
    /// Line in a file, offset in a partition.
    pub line: u64,
    /// When.
    pub at: Timestamp,
    /// Method and target, as logged and masked: whoever prints it neutralises control characters.
    pub request: String,
    /// Status sent.
    pub status: u16,
}

/// What less or more of the quantity that a threat hangs on would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredWhatIf {
    /// Which threat.
    pub threat: ThreatKind,
    /// What the quantity counts. Text, as the name of a reason is.
    pub quantity: String,
    /// How much of it there was.
    pub value: f32,
    /// The most of it at which nobody would have been told.
    pub silent_at: Option<f32>,
    /// The most of it at which the action would have been a milder one.
    pub milder_at: Option<f32>,
    /// The least of it that would be enough for a block.
    pub blocked_at: Option<f32>,
    /// All of it for a person; empty when there is nothing to say.
    pub sentence: String,
}

/// One client of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMember {
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
}

/// What a person said that an alert was; of several, the newest word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVerdict {
    /// What it was.
    pub judgement: Judgement,
    /// Name of the API key that said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the person's words.
    pub reason: String,
}

/// An alert, as it is kept. The fields are those of [`Alert`].
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// Stays the same over the episode.
    pub id: AlertId,
    /// Who.
    pub client: Client,
    /// What the evidence names, surest first.
    pub threats: Vec<StoredThreat>,
    /// How unlike clean clients.
    pub score: f32,
    /// Chance of such a score in a clean client.
    pub p_value: f64,
    /// The strongest action so far.
    pub action: Action,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// When it first stood out.
    pub alerted_at: Timestamp,
    /// When `action` was decided.
    pub action_at: Option<Timestamp>,
    /// Requests up to `alerted_at`.
    pub requests_before_alert: u64,
    /// Requests up to `action_at`.
    pub requests_before_action: Option<u64>,
    /// What carried the score, strongest first.
    pub reasons: Vec<StoredReason>,
    /// What less or more would have done.
    pub what_if: Vec<StoredWhatIf>,
    /// Requests that show it.
    pub evidence: Vec<StoredEvidence>,
    /// For a campaign, its latest members, at most [`MEMBERS_KEPT_MAX`].
    pub members: Vec<StoredMember>,
    /// For a campaign, all members that it lists.
    pub members_in_all: u64,
    /// What the logs that show it could not show, a sentence each; the reader of the logs says it.
    pub blind_spots: Vec<String>,
    /// Where the client's address is; the reader of the logs says it.
    pub whereabouts: Whereabouts,
    /// How complete its evidence is; `None` when everything was done.
    pub completeness: Option<Completeness>,
    /// Why a stronger action was held back.
    pub held_back: Option<String>,
    /// Version name of the model that scored it.
    pub model: String,
    /// When this row was last written, by the wall clock.
    pub updated_at: Timestamp,
    /// What a person said of it. Read only: [`domain::OrderKind::Verdict`] writes it, storing the alert anew leaves it.
    pub verdict: Option<StoredVerdict>,
}

/// Where an address is, by databases: shown, and nothing is decided by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Number of the autonomous system that announces it.
    pub network: Option<u32>,
    /// Two-letter code of its country.
    pub country: Option<String>,
}

impl StoredAlert {
    /// The form in which an alert is kept, written at `now`.
    #[must_use]
    pub fn new(alert: &Alert, now: Timestamp) -> Self {
        let threat = |claim: &domain::ThreatClaim| StoredThreat {
            kind: claim.kind,
            confidence: claim.confidence,
        };
        let reason = |reason: &domain::Reason| StoredReason {
            feature: reason.feature.to_owned(),
            value: reason.value,
            typical: reason.typical,
            contribution: reason.contribution,
            sentence: reason.sentence.clone(),
        };
        let evidence = |evidence: &domain::Evidence| StoredEvidence {
            source: evidence.position.source,
            line: evidence.position.line,
            at: evidence.at,
            request: evidence.request.clone(),
            status: evidence.status,
        };
        let members = &alert.members;
        let kept = &members[members.len().saturating_sub(MEMBERS_KEPT_MAX)..];
        Self {
            id: alert.id,
            client: alert.client.clone(),
            threats: alert.threats.iter().map(threat).collect(),
            score: alert.score,
            p_value: alert.p_value,
            action: alert.action,
            first_seen: alert.first_seen,
            alerted_at: alert.alerted_at,
            action_at: alert.action_at,
            requests_before_alert: alert.requests_before_alert,
            requests_before_action: alert.requests_before_action,
            reasons: alert.reasons.iter().map(reason).collect(),
            what_if: alert.what_if.iter().map(StoredWhatIf::new).collect(),
            evidence: alert.evidence.iter().map(evidence).collect(),
            members: kept.iter().map(StoredMember::new).collect(),
            members_in_all: members.len() as u64,
            blind_spots: Vec::new(),
            whereabouts: Whereabouts::default(),
            completeness: alert.completeness,
            held_back: alert.held_back.clone(),
            model: alert.model.clone(),
            updated_at: now,
            verdict: None,
        }
    }
}

impl StoredWhatIf {
    fn new(what_if: &domain::WhatIf) -> Self {
        Self {
            threat: what_if.threat,
            quantity: what_if.quantity.to_owned(),
            value: what_if.value,
            silent_at: what_if.silent_at,
            milder_at: what_if.milder_at,
            blocked_at: what_if.blocked_at,
            sentence: what_if.sentence().unwrap_or_default(),
        }
    }
}

impl StoredMember {
    fn new(member: &domain::Member) -> Self {
        Self {
            client: member.client.clone(),
            requests: member.requests,
            first_seen: member.first_seen,
            action: member.action,
            action_at: member.action_at,
        }
    }
}

/// What was said of an alert, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictFilter {
    /// Nothing yet.
    Open,
    /// Something.
    Judged,
    /// This.
    Is(Judgement),
}

/// Which alerts are wanted. Every field narrows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertFilter {
    /// One of its threats.
    pub threat: Option<ThreatKind>,
    /// Its action.
    pub action: Option<Action>,
    /// Who.
    pub client: Option<Client>,
    /// Alerted at this moment or later.
    pub from: Option<Timestamp>,
    /// Alerted before this moment.
    pub to: Option<Timestamp>,
    /// Words found in the client, the threats, the sentences or the requests, whatever their case.
    pub text: Option<String>,
    /// What a person said of it.
    pub verdict: Option<VerdictFilter>,
}

/// What is shown of one client: its latest window and how it came there.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSummary {
    /// Who.
    pub client: Client,
    /// When this was written, by the wall clock.
    pub updated_at: Timestamp,
    /// Its first request.
    pub first_seen: Timestamp,
    /// Its latest request.
    pub last_seen: Timestamp,
    /// Its requests so far.
    pub requests: u64,
    /// Its latest score.
    pub score: f32,
    /// The action in force or observed; `None` for a client without an alert.
    pub action: Option<Action>,
    /// The latest window's features, as `[{"name", "unit", "value", "typical", "extreme"}]` in the units that a person
    /// reads (a ratio from 0 to 1, no logarithms): what the client shows, the median of clean clients, and what
    /// 99.9% of them stay under. At most [`CLIENT_JSON_BYTES_MAX`].
    pub features: serde_json::Value,
    /// Points over time, oldest first, as `[{"at", "requests", "errors", "stopped", "score"}]`: requests, those
    /// answered with 4xx or 5xx, and those that we stopped since the point before; the score at `at`, or null. At
    /// most [`CLIENT_JSON_BYTES_MAX`].
    pub timeline: serde_json::Value,
}
