//! The sequencer: the one place where decisions are ordered. Policy, price, guard, explanation, in that order.

mod blocks;
#[cfg(test)]
mod budget_tests;
mod campaign;
#[cfg(test)]
mod campaign_tests;
mod claims_to_crawl;
#[cfg(test)]
mod clause_tests;
#[cfg(test)]
mod crawler_tests;
mod enforce;
#[cfg(test)]
mod guard_tests;
mod measure;
#[cfg(test)]
mod narrow_tests;
mod offenders;
#[cfg(test)]
mod prowl_tests;
mod reports;
mod restrain;
mod ruling;
pub(crate) mod surge;
#[cfg(test)]
mod verdict_tests;

pub use blocks::{Block, Blocks, wide_range};
pub use campaign::Joined;
pub use claims_to_crawl::ClaimsToCrawl;
pub use enforce::Enforced;
pub use offenders::{Offender, Offenders};
pub use reports::Reports;
pub use ruling::Ruling;
pub use surge::SURGE;

use measure::{judge, usual};
use reports::REPORTED_P;

use crate::effort::Efforts;
use crate::neighbours::Around;
use crate::policy::{Ask, ClauseSet, Guard, Listed, Measure, PolicySettings, SourceCaps, Stakes, WarmUp};
use crate::rule::RuleSet;
use crate::score::Scorer;
use crate::source::Sources;
use crate::stage::client::Candidate;
use crate::stage::cohort::CohortKey;
use crate::threat::{self, CONFIDENCE_MIN};
use domain::{
    Action, Allowlist, Client, Decision, DecisionId, HashKey, Mode, Origin, Price, ThreatClaim, ThreatKind,
    Timestamp,
};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// What the sequencer knows besides the candidates.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Thresholds and times.
    pub policy: &'a PolicySettings,
    /// For whom something else is done.
    pub clauses: &'a ClauseSet,
    /// Who is never blocked.
    pub allowlist: &'a Allowlist,
    /// Key of identifiers.
    pub hash_key: &'a HashKey,
    /// What people wrote.
    pub rules: &'a RuleSet,
    /// How the word of each source is taken.
    pub sources: &'a Sources,
    /// The model, for explanations.
    pub scorer: &'a dyn Scorer,
    /// Who else comes from which address.
    pub(crate) neighbours: Around<'a>,
    /// Lists of addresses that others keep.
    pub listed: &'a Listed,
    /// Whether somebody looks whether crawlers are who they say.
    pub asks_for_proof: bool,
    /// How much was done of late.
    pub(crate) efforts: &'a Efforts,
    /// The time up to which records were seen.
    pub now: Timestamp,
}

impl Circumstances<'_> {
    /// The machine's decision about a client: what is named, in which words; what is to be done, for how long, and by whose word.
    /// Without an alert, without a price.
    fn decided(
        &self,
        id: DecisionId,
        client: &Client,
        (threat, reason): (ThreatKind, String),
        (action, ttl_secs, measure): (Action, u32, &Measure<'_>),
        event_at: Timestamp,
    ) -> Decision {
        Decision {
            id,
            client: client.clone(),
            conditions: Vec::new(),
            gateways: measure.gateways().to_vec(),
            action,
            priority: 0,
            origin: Origin::Model,
            price: Price {
                clients: 0,
                successful_requests: 0,
                error: 0.0,
            },
            threat,
            alert_id: None,
            reason: match measure.source() {
                Some(source) => format!("{reason} ({source})"),
                None => reason,
            },
            event_at,
            ttl_secs,
            mode: if self.is_shadow(measure) {
                Mode::Shadow
            } else {
                Mode::Enforced
            },
            model: self.scorer.version().to_owned(),
            completeness: None,
        }
    }
}

/// What the sequencer remembers.
#[derive(Debug, Clone, Default)]
pub struct Sequencer {
    /// Who was alerted on, and what became of it.
    pub offenders: Offenders,
    /// The guard's memory.
    pub guard: Guard,
    /// How many were acted on by the word of each source.
    pub caps: SourceCaps,
    /// Until when the machine may not decide about a client anew, by a person's order.
    pub graces: HashMap<u64, Timestamp, FixedState>,
    /// Blocks in force.
    pub blocks: Blocks,
    /// Who says that he is a crawler.
    pub claims_to_crawl: ClaimsToCrawl,
    /// Whom other machines report.
    pub reports: Reports,
}

/// What is known of a candidate's company when it is decided about.
#[derive(Debug, Clone, Copy)]
pub struct Company {
    /// The least that its cohorts ask for, when they are campaigns.
    pub floor: Option<Action>,
    /// Whose budget is spent, when the guard holds it back.
    pub spent: Option<&'static str>,
    /// Whether few enough of the site's clients fail for failing to mean something.
    pub is_site_sound: bool,
    /// What is missing of the warm-up; `None` when it is over.
    pub warm_up: Option<WarmUp>,
}

/// A single anomaly names nothing: it is shown, no more.
const ANOMALY_CONFIDENCE: f32 = 0.5;

/// From so many user agents on, an address with successful requests is probably shared by several people.
const SHARED_AGENTS: f32 = 6.0;
/// Successful requests that make such an address worth protecting.
const SHARED_SUCCESSES: f32 = 20.0;

impl Sequencer {
    /// Says which of a tick's clients the guard holds back, by the keys of their windows.
    pub fn hold_back(
        &mut self,
        candidates: &[Candidate],
        stakes: &Stakes,
        around: Circumstances<'_>,
    ) -> Vec<(u64, &'static str)> {
        let mut asks: Vec<Ask> = Vec::new();
        for candidate in candidates {
            if !self.must_ask(candidate, around) {
                continue;
            }
            let ask = ask(candidate, around);
            match asks.iter_mut().find(|known| known.key == ask.key) {
                Some(known) => {
                    known.benefit = known.benefit.max(ask.benefit);
                    known.successes = known.successes.max(ask.successes);
                }
                None => asks.push(ask),
            }
        }
        if asks.is_empty() {
            return Vec::new();
        }
        self.guard
            .hold_back(&around.policy.guard, stakes, &asks, around.now)
    }

    /// Whether a candidate would be acted on if the guard allowed it, and the guard has a say.
    fn must_ask(&self, candidate: &Candidate, around: Circumstances<'_>) -> bool {
        if !candidate.is_established || candidate.is_conclusive() {
            return false;
        }
        let claims = strengthened(candidate);
        let offences = self
            .offenders
            .offences(candidate.key, candidate.at, around.policy);
        let Some(judged) = judge(candidate, (&claims, offences), None, around) else {
            return false;
        };
        let measure = judged.measure;
        // What a clause only records uses nothing up.
        if !measure.action.is_enforced() || measure.is_shadow() {
            return false;
        }
        let episode = self.offenders.get(candidate.key);
        let is_settled =
            episode.is_some_and(|episode| episode.is_settled(measure.action, false, candidate.at));
        !is_settled && self.mercy(candidate, around).is_none()
    }

    /// Decides about one candidate. `None` when there is nothing new to say.
    pub fn decide(
        &mut self,
        candidate: &Candidate,
        company: Company,
        around: Circumstances<'_>,
    ) -> Option<Ruling> {
        let claims = strengthened(candidate);
        let sure = claims.first()?;
        usual(candidate, sure, around.policy)?;
        let episode = self
            .offenders
            .episode(candidate, sure.kind, around.policy)
            .clone();
        let judged = judge(candidate, (&claims, episode.offences), company.floor, around)?;
        let measure = &judged.measure;
        let is_shadow = measure.is_shadow();
        let has_moved = self.has_moved(candidate, around);
        if !has_moved && episode.is_settled(measure.action, is_shadow, candidate.at) {
            return None;
        }
        let mut restrained = self.restrain(candidate, measure.action, company, around);
        let action = restrained.action;
        if !has_moved && !episode.is_news((action, measure.asked()), is_shadow, candidate.at) {
            return None;
        }
        if !is_shadow {
            self.note_done(candidate, action, around);
        }
        restrained.held_back = restrained.held_back.or_else(|| measure.held_back());
        let ruling = self.rule(candidate, claims, (&restrained, &judged), around);
        if let Some(block) = ruling.block {
            self.blocks.put(candidate.owner, &candidate.client, block);
        }
        Some(ruling)
    }

    /// Counts what is done about a candidate, against the guard's budget and its source's cap.
    fn note_done(&mut self, candidate: &Candidate, action: Action, around: Circumstances<'_>) {
        if action.is_enforced() && candidate.is_established {
            if candidate.is_conclusive() {
                self.guard.passed += 1;
            } else {
                self.guard.note(&ask(candidate, around), around.now);
            }
        }
        self.note_by_source(action, candidate.source, around);
    }

    /// Counts what is done by the word of a source.
    fn note_by_source(&mut self, action: Action, source: u32, around: Circumstances<'_>) {
        if action.is_enforced() {
            self.caps.note(around.sources, source, around.now);
        }
    }

    /// Forgets what can no longer matter at `now`.
    pub fn forget(&mut self, policy: &PolicySettings, now: Timestamp) {
        self.graces.retain(|_, until| *until > now);
        self.offenders.forget(policy, now);
        self.blocks.forget(now);
    }
}

/// What the guard is asked about a candidate.
fn ask(candidate: &Candidate, around: Circumstances<'_>) -> Ask {
    let surest = strengthened(candidate).into_iter().next();
    let sure = surest.as_ref().map_or(0.0, |claim| claim.confidence);
    Ask {
        key: candidate.key,
        range: CohortKey::of_client(&candidate.client).map_or(0, |range| range.number()),
        // The odds of abuse: 0.99 is ten times as sure as 0.9.
        benefit: sure / (1.0 - sure).max(0.001) * candidate.load,
        successes: candidate.successes,
        gateway: around.sources.gateway(candidate.source),
        threat: surest.map_or(ThreatKind::Anomaly, |claim| claim.kind),
        route: candidate.route,
    }
}

/// Whether several people seem to be behind its address.
fn is_crowd(candidate: &Candidate) -> bool {
    candidate.agents >= SHARED_AGENTS && candidate.successes >= SHARED_SUCCESSES
}

/// The candidate's claims, each strengthened by the score; an anomaly when there are none.
fn strengthened(candidate: &Candidate) -> Vec<ThreatClaim> {
    let p_value = if candidate.is_reported {
        candidate.score.p_value.min(REPORTED_P)
    } else {
        candidate.score.p_value
    };
    let mut claims: Vec<ThreatClaim> = candidate
        .claims
        .iter()
        .filter(|(_, claim)| claim.confidence >= CONFIDENCE_MIN)
        .map(|(_, claim)| ThreatClaim {
            kind: claim.kind,
            confidence: threat::strengthen(claim.confidence, p_value),
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
