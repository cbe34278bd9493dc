//! What the policy's clauses make of a candidate, and what becomes of it in the decision.

use super::{Circumstances, is_crowd};
use crate::feature::FEATURES;
use crate::policy::{Bounds, Charge, Measure};
use crate::stage::client::Candidate;
use domain::{Action, DecisionId, Origin, ThreatClaim, ThreatKind};

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

/// What the policy says about a candidate with those claims and earlier offences, where `usual` is what would be done without it.
pub(super) fn measure<'p>(
    candidate: &Candidate,
    (claims, offences): (&[ThreatClaim], u32),
    usual: Action,
    around: Circumstances<'p>,
) -> Measure<'p> {
    let sure = claims.first();
    let surest = candidate.claims.first().map(|(_, claim)| claim);
    let evidence = surest.map_or(0.0, |claim| claim.confidence);
    let most = match surest {
        Some(_) => around.policy.most(evidence, candidate.is_conclusive()),
        // A score names nothing: what it asks for by itself is what its budget allows.
        None => usual,
    };
    let feature = |place: usize| match &candidate.window {
        Some(window) => FEATURES.get(place).map(|feature| (feature.compute)(window)),
        None => candidate
            .row
            .get(place)
            .map(|bent| FEATURES[place].scale.unbend(*bent)),
    };
    let charge = Charge {
        threat: sure.map_or(ThreatKind::Anomaly, |claim| claim.kind),
        confidence: sure.map_or(0.0, |claim| claim.confidence),
        evidence,
        is_conclusive: candidate.is_conclusive(),
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
