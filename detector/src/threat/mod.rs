//! Threats: what kind of abuse the evidence names, and how surely.
//!
//! One file per kind, listed in [`THREATS`]. Evidence adds up in points; `1 - exp(-points)` makes a confidence of
//! them, so that each further act counts less and no number of weak signs becomes certainty at once. The model's
//! score may strengthen what evidence names; alone it is only ever an `anomaly` to look at.

mod account_takeover;
mod business_flow_abuse;
mod credential_cracking;
mod denial_of_service;
mod injection;
mod lever;
mod object_enumeration;
mod privilege_probing;
mod protocol_abuse;
mod reconnaissance;
mod resource_exhaustion;
mod scraping;
mod token_abuse;

pub use lever::{Lever, least_over, most_under, what_if};

use crate::signal::ToolKind;
use crate::window::Window;
use domain::ThreatKind;

/// How surely the evidence names a threat.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// Which.
    pub kind: ThreatKind,
    /// From 0 to 1, by evidence alone.
    pub confidence: f32,
    /// Whether the acts themselves convict, whatever the model and the guard say.
    pub is_conclusive: bool,
}

/// One kind of abuse.
#[derive(Debug, Clone, Copy)]
pub struct Threat {
    /// Its kind where the evidence tells no finer one.
    pub kind: ThreatKind,
    /// Whether harmless clients do what looks like it in numbers, as partners with one program or a class.
    pub is_common: bool,
    /// Weighs the evidence in a window; `None` when there is nothing.
    assess: fn(&Window) -> Option<Claim>,
    /// The quantity that the sentence is about.
    pub value: fn(&Window) -> f32,
    /// What was seen, as the rest of a sentence that begins with the client. Holds no text from the log.
    pub sentence: fn(&Window) -> String,
    /// The one quantity that it hangs on: less of it, and there would have been nothing to say.
    pub lever: Lever,
}

impl Threat {
    /// Weighs the evidence in a window, and less of it where a page of somebody else's can have made a browser do what
    /// was done. A flood is one, whoever began it.
    #[must_use]
    pub fn claim(&self, window: &Window) -> Option<Claim> {
        let claim = (self.assess)(window)?;
        if claim.kind == ThreatKind::DenialOfService || !window.suspicion.may_be_planted() {
            return Some(claim);
        }
        Some(Claim {
            confidence: claim.confidence.min(PLANTED_CEILING),
            is_conclusive: false,
            ..claim
        })
    }
}

/// Every threat that evidence can name.
pub const THREATS: &[Threat] = &[
    injection::THREAT,
    reconnaissance::THREAT,
    credential_cracking::THREAT,
    account_takeover::THREAT,
    token_abuse::THREAT,
    object_enumeration::THREAT,
    privilege_probing::THREAT,
    scraping::THREAT,
    denial_of_service::THREAT,
    resource_exhaustion::THREAT,
    business_flow_abuse::THREAT,
    protocol_abuse::THREAT,
];

/// Claims under this confidence are not worth keeping: even the strongest score would not make them an alert.
pub const CONFIDENCE_MIN: f32 = 0.35;

/// What the evidence in a window names, with the threat's index in [`THREATS`], surest first.
#[must_use]
pub fn assess(window: &Window) -> Vec<(usize, Claim)> {
    let named = |(place, threat): (usize, &Threat)| threat.claim(window).map(|claim| (place, claim));
    let mut claims: Vec<(usize, Claim)> = THREATS
        .iter()
        .enumerate()
        .filter_map(named)
        .filter(|(_, claim)| claim.confidence >= CONFIDENCE_MIN)
        .collect();
    claims.sort_by(|left, right| {
        right
            .1
            .confidence
            .total_cmp(&left.1.confidence)
            .then(left.0.cmp(&right.0))
    });
    claims
}

/// Strengthens a claim by the score: evidence and unlikeness are two views of one client.
#[must_use]
pub fn strengthen(confidence: f32, p_value: f64) -> f32 {
    let doubt = match p_value {
        p if p <= 0.002 => 0.6,
        p if p <= 0.01 => 0.75,
        p if p <= 0.05 => 0.9,
        _ => 1.0,
    };
    1.0 - (1.0 - confidence) * doubt
}

/// Turns points into a confidence.
fn confidence(points: f32) -> f32 {
    1.0 - (-points.max(0.0)).exp()
}

/// Ceiling of what may be planted: slowed down at most, whatever the score adds, so that nobody chooses whom we block, nor
/// escapes by naming such a page.
const PLANTED_CEILING: f32 = 0.86;

/// Somebody may try out once or twice what such a name does.
const TOOL_REQUESTS_MIN: u64 = 3;

/// Points for a tool of that kind that a client names itself.
fn tool_points(window: &Window, kind: ToolKind) -> f32 {
    if window.requests < TOOL_REQUESTS_MIN {
        0.0
    } else {
        window.suspicion.tool_points(kind)
    }
}

/// A claim of a kind with that many points, held under a ceiling.
fn claim(kind: ThreatKind, points: f32, ceiling: f32) -> Option<Claim> {
    (points > 0.0).then(|| Claim {
        kind,
        confidence: confidence(points).min(ceiling),
        is_conclusive: false,
    })
}

/// Whether single requests show nothing of it, only what the client does as a whole: then the requests at which it is looked at are a
/// sample of what it does.
pub(crate) const fn is_shown_by_samples(kind: ThreatKind) -> bool {
    matches!(
        kind,
        ThreatKind::Scraping
            | ThreatKind::ObjectEnumeration
            | ThreatKind::DenialOfService
            | ThreatKind::ResourceExhaustion
            | ThreatKind::BusinessFlowAbuse
            | ThreatKind::TokenAbuse
    )
}

/// Least confidence of evidence that makes a client a member of a campaign.
const MEMBER_CONFIDENCE_MIN: f32 = 0.5;

impl Threat {
    /// Whether a claim of it makes its client a suspect of a campaign, strengthened by the score to `confidence`: of what
    /// harmless clients do in numbers, what is only ever looked at in one is no more in many.
    #[must_use]
    pub fn makes_suspect(&self, claim: &Claim, confidence: f32) -> bool {
        let is_look_alike = self.is_common && claim.confidence <= OBSERVED_ONLY;
        confidence >= MEMBER_CONFIDENCE_MIN && !is_look_alike
    }
}

/// Ceiling of what is only ever looked at: no number of such signs throttles anybody.
const OBSERVED_ONLY: f32 = 0.66;

#[cfg(test)]
mod tests;
