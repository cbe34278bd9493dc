//! What the policy's clauses make of a candidate, and what becomes of it in the decision.

use super::{Circumstances, is_crowd};
use crate::feature::FEATURES;
use crate::policy::{Bounds, Charge, Measure, PolicySettings};
use crate::stage::client::Candidate;
use domain::{Action, DecisionId, Origin, ThreatClaim};

impl Circumstances<'_> {
    /// Whether what is decided is only recorded.
    pub(super) fn is_shadow(&self, measure: &Measure<'_>) -> bool {
        self.policy.is_shadow || measure.is_shadow()
    }

    /// The identity of a decision beside its alert's: what a clause only records must not stand in the place of what is carried out.
    pub(super) fn identity(&self, id: DecisionId, measure: &Measure<'_>) -> DecisionId {
        if measure.is_shadow() {
            marked(id, self.hash_key.hash(&"in shadow"))
        } else {
            id
        }
    }
}

/// The same identity with a mark that tells it from others.
pub(super) fn marked(mut id: DecisionId, mark: u64) -> DecisionId {
    let mark = mark.to_le_bytes();
    id.0.iter_mut().zip(mark).for_each(|(byte, mark)| *byte ^= mark);
    id
}

/// What is decided about a candidate, and by which of its claims.
pub(super) struct Judged<'p> {
    /// What the policy says.
    pub(super) measure: Measure<'p>,
    /// Place of the claim that decided.
    pub(super) place: usize,
}

/// What the policy says about a candidate with those claims and earlier offences; `None` when there is nothing to show.
///
/// Each claim is measured by itself and the strongest measure holds, of equals the surer claim's. A clause that makes one threat
/// milder, or only records it, so leaves the others as they are. Without clauses it is always the surest claim's. `floor` is the least
/// that the surest gets in its campaigns.
pub(super) fn judge<'p>(
    candidate: &Candidate,
    (claims, offences): (&[ThreatClaim], u32),
    floor: Option<Action>,
    around: Circumstances<'p>,
) -> Option<Judged<'p>> {
    let mut best: Option<Judged<'p>> = None;
    for (place, claim) in claims.iter().enumerate() {
        let Some(mut usual) = usual(candidate, claim, around.policy) else {
            // Claims stand in the order of their confidence: no further one is shown.
            break;
        };
        if let Some(floor) = floor.filter(|_| place == 0) {
            usual = usual.max(floor);
        }
        let measure = measure((candidate, place), (claim, offences), usual, around);
        let rank = |measure: &Measure<'_>| {
            let is_carried_out = measure.action.is_enforced() && !measure.is_shadow();
            (is_carried_out, measure.action)
        };
        if best
            .as_ref()
            .is_none_or(|best| rank(&measure) > rank(&best.measure))
        {
            best = Some(Judged { measure, place });
        }
    }
    best
}

/// What is to be done without clauses: what a claim asks for, or what the score alone does.
pub(super) fn usual(candidate: &Candidate, claim: &ThreatClaim, policy: &PolicySettings) -> Option<Action> {
    if candidate.by_score.is_some() {
        return Some(Action::Block);
    }
    policy.action(claim.confidence)
}

fn measure<'p>(
    (candidate, place): (&Candidate, usize),
    (claim, offences): (&ThreatClaim, u32),
    usual: Action,
    around: Circumstances<'p>,
) -> Measure<'p> {
    let by_evidence = candidate.claims.get(place).map(|(_, claim)| claim);
    let most = match by_evidence {
        Some(claim) => around.policy.most(claim.confidence, claim.is_conclusive),
        // A score names nothing: what it asks for by itself is what its budget allows.
        None => usual,
    };
    let feature = |place: usize| match &candidate.window {
        Some(window) => FEATURES.get(place).map(|feature| (feature.compute)(window)),
        None => {
            let bent = candidate.row.get(place)?;
            FEATURES.get(place).map(|feature| feature.scale.unbend(*bent))
        }
    };
    let charge = Charge {
        threat: claim.kind,
        confidence: claim.confidence,
        evidence: by_evidence.map_or(0.0, |claim| claim.confidence),
        is_conclusive: by_evidence.is_some_and(|claim| claim.is_conclusive),
        roles: candidate.roles,
        client: &candidate.client,
        requests: candidate.requests,
        is_established: candidate.is_established,
        is_declared_crawler: candidate.is_declared_crawler,
        is_crowd: is_crowd(candidate),
        offences,
        at: candidate.at,
        origin: Origin::Model,
        feature: &feature,
    };
    around.clauses.measure(&charge, Bounds { usual, most })
}
