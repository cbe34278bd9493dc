//! A ruling in words: the alert and the decision that a person can read and undo.

use super::measure::{Judged, marked};
use super::restrain::Restrained;
use super::{Block, Circumstances, Offender, Sequencer};
use crate::feature::FEATURES;
use crate::limits::REASONS_MAX;
use crate::policy::{Clause, Measure};
use crate::stage::client::Candidate;
use crate::threat::{self, THREATS};
use domain::{
    Action, Alert, Decision, DecisionId, Price, Reason, ThreatClaim, ThreatKind, Timestamp, WhatIf,
};

/// Claims that an alert explains: further ones hang on the same acts.
const CLAIMS_SHOWN: usize = 2;

/// What the sequencer says about one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// Key of the client's window.
    pub key: u64,
    /// The client's keyed hash.
    pub owner: u64,
    /// What is told to people.
    pub alert: Alert,
    /// What is told to gateways; `None` while the client is only observed.
    pub decision: Option<Decision>,
    /// The block from which on its requests count as stopped; `None` unless it is blocked for real.
    pub block: Option<Block>,
}

impl Sequencer {
    /// Writes the ruling down, in the offender's record and in words.
    pub(super) fn rule(
        &mut self,
        candidate: &Candidate,
        claims: Vec<ThreatClaim>,
        (restrained, judged): (&Restrained, &Judged<'_>),
        around: Circumstances<'_>,
    ) -> Ruling {
        let (measure, action) = (&judged.measure, restrained.action);
        let threat = claims[0].kind;
        let episode = self.offenders.episode(candidate, threat, around.policy);
        let ttl_secs = measure.ttl_secs(around.policy, action, episode.offences);
        let ttl_secs = around.policy.within_epoch(&candidate.client, ttl_secs);
        episode.note(candidate, (action, ttl_secs), measure);
        if let Some(behind) = around.neighbours.get(candidate.owner) {
            episode.narrowed.note(restrained.only(), action, behind);
        }
        let episode = episode.clone();
        let id = identity(candidate, episode.threat, episode.started_at, around);
        let mut reasons = reasons(candidate, around);
        let decision = action.is_enforced().then(|| {
            let claim = claims[judged.place];
            let sentence = sentence(candidate, judged.place, &reasons);
            let words = (claim.kind, claim.confidence, sentence);
            let decision = decision(candidate, id, words, (action, ttl_secs, measure), around);
            narrow(decision, candidate, restrained)
        });
        // Right behind what it did: whoever reads no further has to know that others are spared.
        let place = reasons.len().min(1);
        reasons.splice(place..place, narrowed(restrained));
        reasons.extend(by_clause(measure, episode.offences));
        let is_blocked = action == Action::Block && !around.is_shadow(measure);
        let block = episode.until.filter(|_| is_blocked).map(|until| Block {
            from: candidate.at,
            until,
            is_ordered: false,
            is_partial: !measure.gateways().is_empty(),
            only: restrained.only(),
        });
        let alert = Alert {
            id,
            client: candidate.client.clone(),
            threats: claims,
            score: candidate.score.value,
            p_value: candidate.score.p_value,
            action,
            first_seen: candidate.first_seen,
            alerted_at: episode.started_at,
            action_at: action.is_enforced().then_some(candidate.at),
            requests_before_alert: episode.requests_before_alert,
            requests_before_action: action.is_enforced().then_some(candidate.requests),
            reasons,
            what_if: what_if(candidate, around),
            evidence: candidate.evidence.clone(),
            held_back: restrained.held_back.clone(),
            model: around.scorer.version().to_owned(),
            members: Vec::new(),
            completeness: around.efforts.between(candidate.first_seen, candidate.at),
        };
        Ruling {
            key: candidate.key,
            owner: candidate.owner,
            alert,
            decision,
            block,
        }
    }
}

/// The decision as gateways hear it: what is named, how surely and in which words; what is to be done and for how long.
fn decision(
    candidate: &Candidate,
    id: DecisionId,
    (threat, confidence, reason): (ThreatKind, f32, String),
    act: (Action, u32, &Measure<'_>),
    around: Circumstances<'_>,
) -> Decision {
    Decision {
        priority: priority(confidence),
        alert_id: Some(id),
        completeness: around.efforts.between(candidate.first_seen, candidate.at),
        ..around.decided(
            around.identity(id, act.2),
            &candidate.client,
            (threat, reason),
            act,
            candidate.at,
        )
    }
}

/// The decision as far as it may reach.
fn narrow(decision: Decision, candidate: &Candidate, restrained: &Restrained) -> Decision {
    Decision {
        id: restrained.identity(decision.id),
        conditions: restrained.conditions(),
        price: restrained.price(candidate),
        ..decision
    }
}

/// That only one program of an address is dealt with; nothing where all of it is.
fn narrowed(restrained: &Restrained) -> Option<Reason> {
    Some(Reason {
        feature: "shared_address",
        value: 1.0,
        typical: 0.0,
        contribution: 0.0,
        sentence: restrained.narrowing()?,
    })
}

/// The episode's identity. One that less trusted records began is another than the one that the gateway's own began at
/// the same moment: the first must not write over the second.
fn identity(
    candidate: &Candidate,
    threat: ThreatKind,
    started_at: Timestamp,
    around: Circumstances<'_>,
) -> DecisionId {
    let id = around.hash_key.decision_id(&candidate.client, threat, started_at);
    if candidate.most < Action::Block {
        marked(id, candidate.key)
    } else {
        id
    }
}

impl Offender {
    /// Notes what is done in its episode, for so long, and by whose word.
    fn note(&mut self, candidate: &Candidate, (action, ttl_secs): (Action, u32), measure: &Measure<'_>) {
        if !self.is_alerted {
            self.requests_before_alert = candidate.requests;
        }
        let is_step = measure.clause.is_some_and(Clause::has_ladder) && action.is_enforced();
        self.is_alerted = true;
        self.last_at = candidate.at;
        self.action = action;
        self.asked = self.asked.max(measure.asked());
        self.until = action
            .is_enforced()
            .then(|| candidate.at.plus_secs(i64::from(ttl_secs)));
        self.is_offence = action == Action::Block || is_step;
        self.memory_secs = measure.clause.and_then(|clause| clause.memory_secs);
        self.is_shadow = measure.is_shadow();
    }
}

/// What is said of the claim that decided.
fn sentence(candidate: &Candidate, place: usize, reasons: &[Reason]) -> String {
    match candidate.sentences.get(place) {
        Some((_, sentence)) if place > 0 => format!("it {sentence}"),
        _ => reasons.first().map_or_else(
            || "unlike anything seen here".to_owned(),
            |reason| reason.sentence.clone(),
        ),
    }
}

/// That a clause decided; nothing where thresholds did.
fn by_clause(measure: &Measure<'_>, offences: u32) -> Option<Reason> {
    Some(Reason {
        feature: "policy",
        value: offences as f32,
        typical: 0.0,
        contribution: 0.0,
        sentence: measure.sentence()?,
    })
}

/// What less or more would have done, for the claims that the reasons name.
fn what_if(candidate: &Candidate, around: Circumstances<'_>) -> Vec<WhatIf> {
    let Some(window) = &candidate.window else {
        return Vec::new();
    };
    let claims = candidate.claims.iter().take(CLAIMS_SHOWN);
    claims
        .map(|(place, claim)| {
            let p_value = candidate.score.p_value;
            threat::what_if(window, &THREATS[*place], *claim, p_value, around.policy)
        })
        .collect()
}

/// What carried the score: first what the evidence names, then the features most unlike clean clients.
fn reasons(candidate: &Candidate, around: Circumstances<'_>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = candidate
        .claims
        .iter()
        .zip(&candidate.sentences)
        .take(CLAIMS_SHOWN)
        .map(|((place, claim), (value, sentence))| Reason {
            feature: THREATS[*place].kind.as_str(),
            value: *value,
            typical: 0.0,
            contribution: claim.confidence,
            sentence: format!("it {sentence}"),
        })
        .collect();
    if candidate.by_score.is_some() {
        let p_value = candidate.score.p_value;
        reasons.push(Reason {
            feature: "score",
            value: candidate.score.value,
            typical: 0.0,
            contribution: 1.0,
            sentence: format!(
                "it is, by its score alone, as unlike ordinary clients as one in {:.0} of them is on some day",
                1.0 / p_value.max(f64::MIN_POSITIVE)
            ),
        });
    }
    if candidate.is_reported {
        reasons.push(reported());
    }
    let left = (REASONS_MAX - usize::from(candidate.used_shared)).saturating_sub(reasons.len());
    for contribution in around.scorer.explain(&candidate.row, candidate.requests, left) {
        let feature = &FEATURES[contribution.feature];
        let value = feature.scale.unbend(candidate.row[contribution.feature]);
        let typical = feature.scale.unbend(contribution.typical);
        reasons.push(Reason {
            feature: feature.name,
            value,
            typical,
            contribution: contribution.share,
            sentence: format!("it {}", (feature.sentence)(value, typical)),
        });
    }
    if candidate.used_shared {
        reasons.push(shared_name());
    }
    reasons
}

/// That others know it, too.
fn reported() -> Reason {
    Reason {
        feature: "reported",
        value: 1.0,
        typical: 0.0,
        contribution: 0.0,
        sentence: "another machine reported it, or a list has it, which strengthens what was seen here"
            .to_owned(),
    }
}

/// Why it is the address that is judged, where a name was given.
fn shared_name() -> Reason {
    Reason {
        feature: "shared_name",
        value: 1.0,
        typical: 0.0,
        contribution: 0.0,
        sentence: "it used a key, or another name, that many use: what it did counts for its address, and for nobody else's"
            .to_owned(),
    }
}

/// Surer decisions go first where a gateway has no room for all.
pub(super) fn priority(confidence: f32) -> u8 {
    (confidence.clamp(0.0, 1.0) * 100.0) as u8
}

/// Who else may be behind the address, and what it did with success.
pub(super) fn price(candidate: &Candidate) -> Price {
    Price {
        clients: (candidate.agents.round().max(1.0) as u64).saturating_sub(1),
        successful_requests: candidate.successes.round().max(0.0) as u64,
        // Linear counting of up to 64 agents: a few percent; decayed counts: exact but for the half-life.
        error: 0.1,
    }
}
