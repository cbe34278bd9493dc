//! Windows that wait for a score: those with evidence are scored at once, the rest together, since a forest is several
//! times faster on many rows than on one. Waiting delays nothing but the look at a mere anomaly.

use crate::feature;
use crate::population::ScoreSpread;
use crate::score::{Score, Scorer, Windows};
use crate::stage::client::Candidate;
use domain::{Action, Timestamp};

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
        scorer: &dyn Scorer,
        spread: &mut ScoreSpread,
        now: Timestamp,
    ) -> Vec<Candidate> {
        let (mut named, unnamed): (Vec<Candidate>, Vec<Candidate>) = due
            .into_iter()
            .partition(|candidate| !candidate.claims.is_empty());
        fill(&mut named, scorer, spread);
        self.candidates.extend(unnamed);
        let is_old = self
            .candidates
            .first()
            .is_some_and(|first| now.millis_since(first.at) >= WAIT_MILLIS_MAX);
        if self.candidates.len() >= TOGETHER || is_old {
            let mut together = std::mem::take(&mut self.candidates);
            fill(&mut together, scorer, spread);
            together
                .iter()
                .filter(|candidate| candidate.most == Action::Block)
                .for_each(|candidate| spread.add(candidate.score.value));
            named.extend(
                together
                    .into_iter()
                    .filter(|candidate| candidate.score.p_value <= ORDINARY_P),
            );
            named.sort_by_key(|candidate| candidate.seq);
        }
        named
    }
}

/// Writes the scores of candidates, as the less unusual of what the model and this site's own spread say.
fn fill(candidates: &mut [Candidate], scorer: &dyn Scorer, spread: &ScoreSpread) {
    if candidates.is_empty() {
        return;
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
    let mut scores = vec![Score::default(); candidates.len()];
    scorer.score(
        Windows {
            rows: &rows,
            requests: &requests,
            clients: &clients,
        },
        &mut scores,
    );
    for (candidate, score) in candidates.iter_mut().zip(scores) {
        candidate.score = score;
        if let Some(local) = spread.p_value(score.value) {
            candidate.score.p_value = score.p_value.max(local);
        }
    }
}
