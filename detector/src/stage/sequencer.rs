//! The sequencer: the one place where decisions are ordered. Policy, price, guard, explanation, in that order.

mod offenders;
mod ruling;

pub use offenders::{Offender, Offenders};
pub use ruling::Ruling;

use crate::policy::{Guard, PolicySettings};
use crate::score::Scorer;
use crate::stage::client::Candidate;
use crate::threat::{self, CONFIDENCE_MIN};
use domain::{Action, Allowlist, HashKey, ThreatClaim, ThreatKind, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// What the sequencer knows besides the candidates.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Thresholds and times.
    pub policy: &'a PolicySettings,
    /// Who is never blocked.
    pub allowlist: &'a Allowlist,
    /// Key of identifiers.
    pub hash_key: &'a HashKey,
    /// The model, for explanations.
    pub scorer: &'a dyn Scorer,
    /// Established clients at the end of the last tick.
    pub established: u64,
}

/// What the sequencer remembers.
#[derive(Debug, Clone, Default)]
pub struct Sequencer {
    /// Who was alerted on, and what became of it.
    pub offenders: Offenders,
    /// The guard's memory.
    pub guard: Guard,
    /// Until when the machine may not decide about a client anew, by a person's order.
    pub graces: HashMap<u64, Timestamp, FixedState>,
}

/// A single anomaly names nothing: it is shown, no more.
const ANOMALY_CONFIDENCE: f32 = 0.5;

/// From so many user agents on, an address with successful requests is probably shared by several people.
const SHARED_AGENTS: f32 = 6.0;
/// Successful requests that make such an address worth protecting.
const SHARED_SUCCESSES: f32 = 20.0;

impl Sequencer {
    /// Decides about one candidate. `None` when there is nothing new to say.
    pub fn decide(
        &mut self,
        candidate: &Candidate,
        floor: Option<Action>,
        around: Circumstances<'_>,
    ) -> Option<Ruling> {
        let claims = strengthened(candidate);
        let sure = claims.first()?;
        let mut wanted = around.policy.action(sure.confidence)?;
        if let Some(floor) = floor {
            wanted = wanted.max(floor);
        }
        let episode = self
            .offenders
            .episode(candidate, sure.kind, around.policy)
            .clone();
        if episode.is_in_force(candidate.at) && wanted <= episode.action {
            return None;
        }
        let (action, held_back) = self.restrain(candidate, wanted, around);
        if !episode.is_news(action, candidate.at) {
            return None;
        }
        Some(self.rule(candidate, claims, action, held_back, around))
    }

    /// Lowers an action where something speaks for mercy, and says what.
    fn restrain(
        &mut self,
        candidate: &Candidate,
        wanted: Action,
        around: Circumstances<'_>,
    ) -> (Action, Option<String>) {
        if wanted == Action::Observe {
            return (wanted, None);
        }
        if candidate.is_claimed {
            return (
                Action::Observe,
                Some("the address was only claimed by an untrusted hop".to_owned()),
            );
        }
        if let Some(reason) = around.allowlist.protects(&candidate.client, candidate.at) {
            return (Action::Observe, Some(format!("allowlist: {reason}")));
        }
        if self
            .graces
            .get(&candidate.key)
            .is_some_and(|until| candidate.at < *until)
        {
            return (
                Action::Observe,
                Some("lifted by a person a short while ago".to_owned()),
            );
        }
        let is_conclusive = candidate.claims.iter().any(|(_, claim)| claim.is_conclusive);
        if candidate.is_established
            && !self.guard.admit(
                &around.policy.guard,
                around.established,
                is_conclusive,
                candidate.at,
            )
        {
            return (
                Action::Observe,
                Some("guard: too many established clients would be hit".to_owned()),
            );
        }
        let is_shared = candidate.agents >= SHARED_AGENTS && candidate.successes >= SHARED_SUCCESSES;
        if wanted == Action::Block && is_shared && !is_conclusive {
            return (
                Action::Throttle,
                Some("the address is probably shared by several people".to_owned()),
            );
        }
        (wanted, None)
    }

    /// Notes a person's order to let a client be.
    pub fn lift(&mut self, key: u64, until: Timestamp) {
        self.graces.insert(key, until);
        self.offenders.release(key);
    }

    /// Forgets what can no longer matter at `now`.
    pub fn forget(&mut self, policy: &PolicySettings, now: Timestamp) {
        self.graces.retain(|_, until| *until > now);
        self.offenders.forget(policy, now);
    }
}

/// The candidate's claims, each strengthened by the score; an anomaly when there are none.
fn strengthened(candidate: &Candidate) -> Vec<ThreatClaim> {
    let mut claims: Vec<ThreatClaim> = candidate
        .claims
        .iter()
        .filter(|(_, claim)| claim.confidence >= CONFIDENCE_MIN)
        .map(|(_, claim)| ThreatClaim {
            kind: claim.kind,
            confidence: threat::strengthen(claim.confidence, candidate.score.p_value),
        })
        .collect();
    if claims.is_empty() {
        claims.push(ThreatClaim {
            kind: ThreatKind::Anomaly,
            confidence: ANOMALY_CONFIDENCE,
        });
    }
    claims
}
