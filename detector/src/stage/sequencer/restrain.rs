//! What speaks for mercy: who is spared, and how far a decision about an address may reach.

use super::{Circumstances, Company, Sequencer, is_crowd};
use crate::feature::FEATURES;
use crate::neighbours::{Accused, Narrowed, Reach, reach};
use crate::policy::PolicySettings;
use crate::policy::budget::HELD_OUT_ONE_IN;
use crate::policy::source_cap_reason;
use crate::stage::client::{ByScore, Candidate, SMALL_REQUESTS_MAX};
use crate::stage::sequencer::measure::marked;
use domain::{Action, Allowlist, Client, DecisionId, Price, Scope, ThreatKind, Timestamp};
use std::num::NonZeroU32;

/// What is done about a candidate after all that speaks for mercy.
#[derive(Debug, Clone)]
pub(super) struct Restrained {
    /// What is done.
    pub(super) action: Action,
    /// Why not more.
    pub(super) held_back: Option<String>,
    /// Whom it hits; `None` where nothing is done, or nothing is known of the address.
    pub(super) reach: Option<Reach>,
}

impl Restrained {
    fn to(action: Action, reason: impl Into<String>) -> Self {
        Self {
            action,
            held_back: Some(reason.into()),
            reach: None,
        }
    }

    /// The one program that it is about, with what a gateway has to compare.
    fn program(&self) -> Option<(u32, &[Client])> {
        match &self.reach {
            Some(Reach::Program {
                conditions, program, ..
            }) => Some((*program, conditions)),
            _ => None,
        }
    }

    /// What a gateway has to compare beside the client; empty for nothing.
    pub(super) fn conditions(&self) -> Vec<Client> {
        self.program()
            .map_or_else(Vec::new, |(_, conditions)| conditions.to_vec())
    }

    /// The one program that a block is about.
    pub(super) fn only(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.program()?.0)
    }

    /// The identity of a decision: of each program another, as of the whole address.
    pub(super) fn identity(&self, id: DecisionId) -> DecisionId {
        match self.program() {
            Some((program, _)) => marked(id, u64::from(program) << 32),
            None => id,
        }
    }

    /// What the decision costs.
    pub(super) fn price(&self, candidate: &Candidate) -> Price {
        match &self.reach {
            Some(
                Reach::Whole(price)
                | Reach::Slow(price, _)
                | Reach::Nobody(price, _)
                | Reach::Program { price, .. },
            ) => *price,
            None => super::ruling::price(candidate),
        }
    }

    /// Why it is about less than the address, where it is.
    pub(super) fn narrowing(&self) -> Option<String> {
        let Some(Reach::Program { spared, .. }) = &self.reach else {
            return None;
        };
        Some(format!(
            "only one program of the address is acted on: it did almost all of this, and about {} others come from there, with {} \
             successful requests in a day",
            spared.clients, spared.successful_requests
        ))
    }
}

impl Sequencer {
    /// Lowers an action where something speaks for mercy, and says what.
    pub(super) fn restrain(
        &mut self,
        candidate: &Candidate,
        wanted: Action,
        company: Company,
        around: Circumstances<'_>,
    ) -> Restrained {
        if let Some(spared) = self.spare(candidate, wanted, company, around) {
            return spared;
        }
        if self.is_proof_awaited(candidate, around) {
            let reason = "it says that it is a crawler: whether its address proves it is looked up";
            return Restrained::to(Action::Observe, reason);
        }
        if let Some(cap) = self.caps.is_spent(around.sources, candidate.source, around.now) {
            self.caps.held_back += 1;
            return Restrained::to(Action::Observe, source_cap_reason(candidate.source, cap));
        }
        let mut held_back = None;
        let mut action = wanted;
        if action > candidate.most {
            action = candidate.most;
            held_back = Some(distrust(candidate));
        }
        let narrowed = self.offenders.get(candidate.key).map(|episode| &episode.narrowed);
        let reached = within_reach(candidate, action, narrowed, around);
        match reached {
            Some(Reach::Nobody(_, reason)) => Restrained::to(Action::Observe, reason),
            Some(Reach::Slow(_, ref reason)) => Restrained {
                action: Action::Throttle,
                held_back: Some(reason.clone()),
                reach: reached,
            },
            Some(Reach::Program { .. }) => Restrained {
                action,
                held_back,
                reach: reached,
            },
            _ if action == Action::Block && is_crowd(candidate) && !candidate.is_conclusive() => Restrained {
                action: Action::Throttle,
                held_back: Some("the address is probably shared by several people".to_owned()),
                reach: reached,
            },
            _ => Restrained {
                action,
                held_back,
                reach: reached,
            },
        }
    }

    /// That nothing is done about a candidate, and why; `None` when something may be.
    fn spare(
        &self,
        candidate: &Candidate,
        wanted: Action,
        company: Company,
        around: Circumstances<'_>,
    ) -> Option<Restrained> {
        let spared = |reason: String| Some(Restrained::to(Action::Observe, reason));
        if !wanted.is_enforced() {
            return Some(Restrained {
                action: wanted,
                held_back: None,
                reach: None,
            });
        }
        if let Some(reason) = self.mercy(candidate, around) {
            return spared(reason);
        }
        if let Some(warm_up) = company.warm_up.filter(|_| !candidate.is_conclusive()) {
            return spared(warm_up.to_string());
        }
        let by_score = candidate.by_score;
        if let Some(reason) = by_score.and_then(|by_score| reprieve(by_score, around.policy)) {
            return spared(reason);
        }
        if let Some(reason) = by_score.and_then(|_| changed(candidate, around)) {
            return spared(reason);
        }
        if let Some(whose) = company.spent
            && candidate.is_established
            && !candidate.is_conclusive()
        {
            return spared(format!(
                "guard: {whose} budget of established clients, or of their traffic, is spent"
            ));
        }
        if !company.is_site_sound && is_small_failure(candidate) {
            let reason = "most of the site's small clients fail at present: the site may be broken";
            return spared(reason.to_owned());
        }
        None
    }

    /// Whether it is looked up whose address a candidate's is that says that it is a crawler; asks for it.
    fn is_proof_awaited(&mut self, candidate: &Candidate, around: Circumstances<'_>) -> bool {
        let is_asked = around.asks_for_proof && candidate.is_declared_crawler;
        let Some(address) = candidate
            .address
            .filter(|_| is_asked && candidate.client.range().is_some())
        else {
            return false;
        };
        let who = (&candidate.client, address);
        self.claims_to_crawl
            .is_awaited(candidate.owner, who, candidate.at)
    }

    /// Whether somebody else behind a candidate's address goes on, after what was decided was narrowed to others.
    pub(super) fn has_moved(&self, candidate: &Candidate, around: Circumstances<'_>) -> bool {
        let episode = self.offenders.get(candidate.key);
        let behind = around.neighbours.get(candidate.owner);
        episode
            .zip(behind)
            .is_some_and(|(episode, behind)| episode.narrowed.has_moved(behind))
    }

    /// Why nothing at all is done about a candidate, whatever it did; `None` when nothing speaks for it.
    pub(super) fn mercy(&self, candidate: &Candidate, around: Circumstances<'_>) -> Option<String> {
        if candidate.is_shared {
            return Some("many use this name: it is never acted on alone".to_owned());
        }
        if let Some(reason) = allowed_system(candidate, around) {
            return Some(reason);
        }
        let who = (&candidate.client, candidate.owner);
        self.spares(who, candidate.is_claimed, candidate.at, around.allowlist)
    }

    /// Why nothing at all is done about a client with that keyed hash, whatever it does.
    pub(crate) fn spares(
        &self,
        (client, owner): (&Client, u64),
        is_claimed: bool,
        at: Timestamp,
        allowlist: &Allowlist,
    ) -> Option<String> {
        if is_claimed {
            let reason = if client.range().is_some() {
                "the address was only claimed by an untrusted hop"
            } else {
                "whether one client or many use this name cannot be told: its address is not known, or was only claimed"
            };
            return Some(reason.to_owned());
        }
        self.protection(owner, client, at, allowlist)
    }

    /// By whose word a client is left alone.
    pub(super) fn protection(
        &self,
        owner: u64,
        client: &Client,
        at: Timestamp,
        allowlist: &Allowlist,
    ) -> Option<String> {
        if let Some(reason) = allowlist.protects(client, at) {
            return Some(format!("allowlist: {reason}"));
        }
        self.grace(owner, at)
    }

    /// That a person lifted what was decided about a client with that keyed hash, or about a cohort, a short while ago.
    pub(crate) fn grace(&self, owner: u64, at: Timestamp) -> Option<String> {
        let grace = self.graces.get(&owner);
        grace
            .is_some_and(|until| at < *until)
            .then(|| "lifted by a person a short while ago".to_owned())
    }
}

/// That the autonomous system which announces its address is on the allowlist.
fn allowed_system(candidate: &Candidate, around: Circumstances<'_>) -> Option<String> {
    if candidate.kin.system == 0 || candidate.client.range().is_none() {
        return None;
    }
    let system = Client::parse(Scope::As, &candidate.kin.system.to_string()).ok()?;
    let reason = around.allowlist.protects(&system, candidate.at)?;
    Some(format!("allowlist: {reason} (autonomous system {system})"))
}

/// How far an action about a candidate's address may reach; `None` where nothing is known of who else comes from there.
fn within_reach(
    candidate: &Candidate,
    action: Action,
    narrowed: Option<&Narrowed>,
    around: Circumstances<'_>,
) -> Option<Reach> {
    let behind = around.neighbours.get(candidate.owner)?;
    let budget = &around.policy.price;
    let accused = Accused {
        kin: candidate.kin,
        names: &candidate.names,
        successes: candidate.successes,
    };
    Some(reach(behind, (action, narrowed), accused, budget, candidate.at))
}

/// Whether all that speaks against a client is that it failed a few times, as everybody does where the site is broken.
fn is_small_failure(candidate: &Candidate) -> bool {
    let is_failure = candidate.claims.first().is_none_or(|(_, claim)| {
        matches!(
            claim.kind,
            ThreatKind::Reconnaissance | ThreatKind::CredentialCracking | ThreatKind::CredentialStuffing
        )
    });
    is_failure && candidate.requests <= SMALL_REQUESTS_MAX && !candidate.is_conclusive()
}

/// Why a block by score alone is only observed; `None` when it is carried out.
fn reprieve(by_score: ByScore, policy: &PolicySettings) -> Option<String> {
    match by_score {
        ByScore::Block => None,
        ByScore::HeldOut => Some(format!(
            "drawn by lot: one in {HELD_OUT_ONE_IN} blocks by score alone is observed, to measure how often they are wrong"
        )),
        ByScore::Unproven { seen, needed } => Some(format!(
            "a budget of {} wrongly blocked per million client-days takes {needed} client-days of this site, and {seen} \
             were seen",
            policy.false_positive_budget.unwrap_or_default()
        )),
    }
}

/// That clients have changed in what carried the score of a candidate most, where they have.
fn changed(candidate: &Candidate, around: Circumstances<'_>) -> Option<String> {
    let carried = around.scorer.explain(&candidate.row, candidate.requests, 1);
    let place = carried.first()?.feature;
    around.scorer.has_changed(place).then(|| {
        format!(
            "most of its score is {}, in which this site's clients have changed since the days before",
            FEATURES[place].name
        )
    })
}

/// Why a candidate's word is not enough for what its evidence asks for.
fn distrust(candidate: &Candidate) -> String {
    if candidate.is_ambiguous {
        return "its lines could be read in more than one way".to_owned();
    }
    format!("source {} may only {}", candidate.source, candidate.most)
}
