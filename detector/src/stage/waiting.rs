//! Windows that wait for a score: those with evidence are scored at once, the rest together, since a forest is several
//! times faster on many rows than on one. Waiting delays nothing but the look at a mere anomaly.

use crate::feature;
use crate::policy::{PolicySettings, budget};
use crate::population::{ScoreSpread, ScoreStanding, day_of};
use crate::score::{Score, Scorer, Windows};
use crate::stage::client::{ByScore, Candidate};
use crate::stage::sequencer::Circumstances;
use domain::{Action, HashKey};

/// So many windows without evidence are scored together.
const TOGETHER: usize = 256;

/// None waits longer than this for company.
const WAIT_MILLIS_MAX: i64 = 60_000;

/// A window without evidence is dropped unless so few clean clients look as odd.
const ORDINARY_P: f64 = 0.002;

/// Windows without evidence that wait for company.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// In the order of their requests.
    pub candidates: Vec<Candidate>,
}

impl Waiting {
    /// Scores what is due and gives what is to be decided, in order of arrival.
    pub fn score(
        &mut self,
        due: Vec<Candidate>,
        spread: &mut ScoreSpread,
        around: Circumstances<'_>,
    ) -> Vec<Candidate> {
        spread.move_to(around.now);
        let (mut named, unnamed): (Vec<Candidate>, Vec<Candidate>) = due
            .into_iter()
            .partition(|candidate| !candidate.claims.is_empty());
        fill(&mut named, around.scorer, spread);
        named
            .iter()
            .filter(|candidate| is_convicted(candidate, around.policy))
            .for_each(|candidate| spread.convict(candidate.key));
        // Whom a person calls harmless counts among the harmless, whatever evidence says.
        for candidate in &named {
            if candidate.most == Action::Block && spread.is_acquitted(candidate.key) {
                spread.add(candidate.key, candidate.score.value);
            }
        }
        self.candidates.extend(unnamed);
        let is_old = self
            .candidates
            .first()
            .is_some_and(|first| around.now.millis_since(first.at) >= WAIT_MILLIS_MAX);
        if self.candidates.len() >= TOGETHER || is_old {
            let mut together = std::mem::take(&mut self.candidates);
            let by_model = fill(&mut together, around.scorer, spread);
            together
                .iter()
                .filter(|candidate| candidate.most == Action::Block)
                .for_each(|candidate| spread.add(candidate.key, candidate.score.value));
            let budget = around.policy.false_positive_budget;
            let threshold = budget.and_then(|budget| Some((budget, around.scorer.threshold_for(budget)?)));
            if let Some((budget, p_max)) = threshold {
                for (candidate, p_value) in together.iter_mut().zip(by_model) {
                    if candidate.most == Action::Block && p_value <= p_max {
                        candidate.by_score = by_score(candidate, budget, spread, around.hash_key);
                    }
                }
            }
            named.extend(
                together.into_iter().filter(|candidate| {
                    candidate.by_score.is_some() || candidate.score.p_value <= ORDINARY_P
                }),
            );
            named.sort_by_key(|candidate| candidate.seq);
        }
        named
    }
}

/// Whether the evidence alone would have a client blocked, whatever its score.
fn is_convicted(candidate: &Candidate, policy: &PolicySettings) -> bool {
    candidate
        .claims
        .iter()
        .any(|(_, claim)| claim.is_conclusive || claim.confidence >= policy.block_from)
}

/// What a score alone asks for, where the model's calibration allows it: nothing, unless this site's own client-days do.
fn by_score(
    candidate: &Candidate,
    budget: f64,
    spread: &mut ScoreSpread,
    hash_key: &HashKey,
) -> Option<ByScore> {
    match spread.standing(candidate.key, candidate.score.value, budget) {
        ScoreStanding::Beyond => None,
        ScoreStanding::Unproven { seen, needed } => Some(ByScore::Unproven { seen, needed }),
        ScoreStanding::Within => {
            let is_held_out = budget::is_held_out(hash_key, candidate.owner, spread.day());
            spread.flag(candidate.key, is_held_out);
            Some(if is_held_out {
                ByScore::HeldOut
            } else {
                ByScore::Block
            })
        }
    }
}

/// Writes the scores of candidates, with the larger p-value of what the model and this site's own spread say; gives what
/// the model alone says.
fn fill(candidates: &mut [Candidate], scorer: &dyn Scorer, spread: &ScoreSpread) -> Vec<f64> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::with_capacity(candidates.len() * feature::COUNT);
    candidates
        .iter()
        .for_each(|candidate| rows.extend_from_slice(&candidate.row));
    let requests: Vec<u32> = candidates
        .iter()
        .map(|candidate| u32::try_from(candidate.requests).unwrap_or(u32::MAX))
        .collect();
    let clients: Vec<u64> = candidates.iter().map(|candidate| candidate.key).collect();
    let days: Vec<i64> = candidates.iter().map(|candidate| day_of(candidate.at)).collect();
    let mut scores = vec![Score::default(); candidates.len()];
    scorer.score(
        Windows {
            rows: &rows,
            requests: &requests,
            clients: &clients,
            days: &days,
        },
        &mut scores,
    );
    for (candidate, score) in candidates.iter_mut().zip(&scores) {
        candidate.score = *score;
        if let Some(local) = spread.p_value(score.value) {
            candidate.score.p_value = score.p_value.max(local);
        }
    }
    scores.into_iter().map(|score| score.p_value).collect()
}
