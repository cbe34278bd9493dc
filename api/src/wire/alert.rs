//! Alerts in JSON.

use super::{ClientName, CompletenessView, shown};
use serde::Serialize;
use storage::{StoredAlert, StoredMember, StoredVerdict, StoredWhatIf};
use utoipa::ToSchema;

/// Members of a campaign that a list of alerts shows: enough to recognise it.
const MEMBERS_IN_LIST: usize = 8;

/// A threat that the evidence names.
#[derive(Debug, Serialize, ToSchema)]
struct ThreatView {
    /// Which.
    kind: String,
    /// From 0 to 1.
    confidence: f32,
}

/// One feature that carried the score.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    /// Name of the feature or detector.
    feature: String,
    /// Its value for this client.
    value: f32,
    /// The median of clean clients.
    typical: f32,
    /// Its share of the score.
    contribution: f32,
    /// One sentence for a person.
    sentence: String,
}

/// What less or more of the quantity that a threat hangs on would have done, all else being equal.
#[derive(Debug, Serialize, ToSchema)]
struct WhatIfView {
    /// Which threat.
    threat: String,
    /// What the quantity counts.
    quantity: String,
    /// How much of it there was.
    value: f32,
    /// The most of it at which nobody would have been told.
    silent_at: Option<f32>,
    /// The most of it at which the action would have been a milder one.
    milder_at: Option<f32>,
    /// The least of it that would be enough for a block.
    blocked_at: Option<f32>,
    /// All of it for a person; empty when there is nothing to say.
    sentence: String,
}

/// One client of a campaign.
#[derive(Debug, Serialize, ToSchema)]
struct MemberView {
    /// Who.
    client: ClientName,
    /// Its requests so far.
    requests: u64,
    /// Its first request.
    first_seen: String,
    /// What was decided about it.
    action: String,
    /// When; absent while it is only observed.
    action_at: Option<String>,
}

/// One request that shows it.
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceView {
    /// Number of the source.
    source: u32,
    /// Line in a file, offset in a partition.
    line: u64,
    /// When.
    at: String,
    /// Method and target.
    request: String,
    /// Status sent.
    status: u16,
}

/// What a person said of an alert.
#[derive(Debug, Serialize, ToSchema)]
struct VerdictView {
    /// `attack` or `false_positive`.
    judgement: String,
    /// Name of the key that said it.
    by: String,
    /// When.
    at: String,
    /// Why.
    reason: String,
}

/// An alert that nobody has judged yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LikelyView {
    /// How likely people here would call it an attack, from 0 to 1; null while there are too few verdicts to say.
    pub(crate) likelihood: Option<f32>,
    /// The alert.
    pub(crate) alert: AlertView,
}

/// Alerts that nobody has judged yet, in the order of how likely people here would call them attacks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankedView {
    /// Alerts that people called attacks, of the latest 1000 judged: what the order rests on.
    pub(crate) attacks: u64,
    /// Of those, the ones that people called false positives.
    pub(crate) false_positives: u64,
    /// Verdicts that it takes before anything is said.
    pub(crate) verdicts_needed: u64,
    /// Verdicts of each kind that there must be among them.
    pub(crate) each_needed: u64,
    /// Whether the order is learnt; otherwise the latest comes first.
    pub(crate) is_ranked: bool,
    /// The alerts.
    pub(crate) items: Vec<LikelyView>,
}

/// A client stood out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertView {
    /// Stays the same over the episode.
    pub(crate) id: String,
    /// Who.
    client: ClientName,
    /// What the evidence names, surest first.
    threats: Vec<ThreatView>,
    /// How unlike clean clients.
    score: f32,
    /// Chance of such a score in a clean client.
    p_value: f64,
    /// The strongest action so far.
    action: String,
    /// The client's first request.
    first_seen: String,
    /// When it first stood out.
    alerted_at: String,
    /// When the action was decided.
    action_at: Option<String>,
    /// Requests up to `alerted_at`.
    requests_before_alert: u64,
    /// Requests up to `action_at`.
    requests_before_action: Option<u64>,
    /// What carried the score, strongest first.
    reasons: Vec<ReasonView>,
    /// What less or more would have done, for the threats that the reasons name.
    what_if: Vec<WhatIfView>,
    /// Requests that show it.
    evidence: Vec<EvidenceView>,
    /// For a campaign, its latest members: at most 8 in the list of all alerts, at most 256 elsewhere.
    members: Vec<MemberView>,
    /// For a campaign, all members that it lists.
    members_in_all: u64,
    /// What the logs that show it could not show, a sentence each.
    blind_spots: Vec<String>,
    /// Number of the autonomous system that announces the client's address; null where no database says it.
    network: Option<u32>,
    /// Two-letter code of the country of the client's address; null where no database says it. It decides nothing.
    country: Option<String>,
    /// How complete its evidence is; null when everything was done.
    completeness: Option<CompletenessView>,
    /// Why a stronger action was held back.
    held_back: Option<String>,
    /// Version name of the model that scored it.
    model: String,
    /// What a person said of it, of several the newest word; null while nobody has, and in live events.
    verdict: Option<VerdictView>,
}

impl AlertView {
    pub(crate) fn new(alert: &StoredAlert) -> Self {
        let threat = |threat: &storage::StoredThreat| ThreatView {
            kind: threat.kind.to_string(),
            confidence: threat.confidence,
        };
        let reason = |reason: &storage::StoredReason| ReasonView {
            feature: shown(&reason.feature),
            value: reason.value,
            typical: reason.typical,
            contribution: reason.contribution,
            sentence: shown(&reason.sentence),
        };
        let evidence = |evidence: &storage::StoredEvidence| EvidenceView {
            source: evidence.source,
            line: evidence.line,
            at: evidence.at.to_string(),
            request: shown(&evidence.request),
            status: evidence.status,
        };
        Self {
            id: alert.id.to_string(),
            client: ClientName::new(&alert.client),
            threats: alert.threats.iter().map(threat).collect(),
            score: alert.score,
            p_value: alert.p_value,
            action: alert.action.to_string(),
            first_seen: alert.first_seen.to_string(),
            alerted_at: alert.alerted_at.to_string(),
            action_at: alert.action_at.map(|at| at.to_string()),
            requests_before_alert: alert.requests_before_alert,
            requests_before_action: alert.requests_before_action,
            reasons: alert.reasons.iter().map(reason).collect(),
            what_if: alert.what_if.iter().map(WhatIfView::new).collect(),
            evidence: alert.evidence.iter().map(evidence).collect(),
            members: alert.members.iter().map(MemberView::new).collect(),
            members_in_all: alert.members_in_all,
            blind_spots: alert.blind_spots.iter().map(|spot| shown(spot)).collect(),
            network: alert.whereabouts.network,
            country: alert.whereabouts.country.as_deref().map(shown),
            completeness: alert.completeness.map(CompletenessView::new),
            held_back: alert.held_back.as_deref().map(shown),
            model: shown(&alert.model),
            verdict: alert.verdict.as_ref().map(VerdictView::new),
        }
    }

    /// As one of many: with the latest few members.
    pub(crate) fn in_list(alert: &StoredAlert) -> Self {
        let mut view = Self::new(alert);
        let surplus = view.members.len().saturating_sub(MEMBERS_IN_LIST);
        view.members.drain(..surplus);
        view
    }
}

impl VerdictView {
    fn new(verdict: &StoredVerdict) -> Self {
        Self {
            judgement: verdict.judgement.as_str().to_owned(),
            by: shown(&verdict.by),
            at: verdict.at.to_string(),
            reason: shown(&verdict.reason),
        }
    }
}

impl WhatIfView {
    fn new(what_if: &StoredWhatIf) -> Self {
        Self {
            threat: what_if.threat.to_string(),
            quantity: shown(&what_if.quantity),
            value: what_if.value,
            silent_at: what_if.silent_at,
            milder_at: what_if.milder_at,
            blocked_at: what_if.blocked_at,
            sentence: shown(&what_if.sentence),
        }
    }
}

impl MemberView {
    fn new(member: &StoredMember) -> Self {
        Self {
            client: ClientName::new(&member.client),
            requests: member.requests,
            first_seen: member.first_seen.to_string(),
            action: member.action.to_string(),
            action_at: member.action_at.map(|at| at.to_string()),
        }
    }
}
