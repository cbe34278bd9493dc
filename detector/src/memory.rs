//! What the end of a tick changes besides the shards: population, cohorts, policy memory, windows that wait.
//!
//! It stands apart from the shards so that a preview can close the open tick on a copy and leave everything as it was.

use crate::detector::Output;
use crate::population::Population;
use crate::stage::client::{Candidate, Changes};
use crate::stage::cohort::{CohortKey, Cohorts, Heat};
use crate::stage::sequencer::{Circumstances, Ruling, Sequencer};
use crate::stage::waiting::Waiting;
use crate::threat;
use domain::{Action, Alert, ThreatKind};

/// What the end of a tick changes besides the shards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) population: Population,
    pub(crate) cohorts: Cohorts,
    pub(crate) sequencer: Sequencer,
    pub(crate) waiting: Waiting,
}

/// What is said at the end of a tick about one candidate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) ruling: Ruling,
    /// The alert of the cohort that made it a campaign.
    pub(crate) campaign: Option<Alert>,
}

impl Verdict {
    /// Says it, the alert before its decision.
    pub(crate) fn say(self, outputs: &mut Vec<Output>) {
        outputs.push(Output::Alert(self.ruling.alert));
        outputs.extend(self.ruling.decision.map(Output::Decision));
        outputs.extend(self.campaign.map(Output::Alert));
    }
}

impl Memory {
    /// Merges the shards' changes, given in shard order, and rules on the windows that are due, in order of arrival.
    pub(crate) fn close(
        &mut self,
        changes: impl Iterator<Item = Changes>,
        around: Circumstances<'_>,
    ) -> Vec<Verdict> {
        self.population.established.move_to(around.now);
        let due = self.merge(changes);
        let spread = &mut self.population.scores;
        let due = self.waiting.score(due, around.scorer, spread, around.now);
        let stake = self.population.established.stake();
        let held = self.sequencer.hold_back(&due, stake, around);
        due.iter()
            .filter_map(|candidate| self.judge(candidate, &held, around))
            .collect()
    }

    fn merge(&mut self, changes: impl Iterator<Item = Changes>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for mut change in changes {
            self.population.routes.count(&change.votes);
            self.cohorts.join(&change.joined);
            self.population.established.change_by(change.established);
            candidates.append(&mut change.candidates);
        }
        candidates.sort_by_key(|candidate| candidate.seq);
        candidates
    }

    fn judge(&mut self, candidate: &Candidate, held: &[u64], around: Circumstances<'_>) -> Option<Verdict> {
        let heat = self.weigh_cohorts(candidate);
        let floor = heat.as_ref().map(|_| Action::Block);
        let is_held = held.contains(&candidate.key);
        let ruling = self.sequencer.decide(candidate, floor, is_held, around)?;
        let campaign = heat.and_then(|heat| self.campaign(&heat, &ruling, around));
        Some(Verdict { ruling, campaign })
    }

    /// Adds the candidate's evidence to its cohorts; tells of the hottest.
    fn weigh_cohorts(&mut self, candidate: &Candidate) -> Option<Heat> {
        // Evidence never mixes across trust.
        if candidate.most < Action::Block {
            return None;
        }
        let (_, claim) = candidate.claims.first()?;
        let confidence = threat::strengthen(claim.confidence, candidate.score.p_value);
        let range = CohortKey::of_client(&candidate.client)?;
        let by_range = self.cohorts.weigh(range, candidate, confidence, claim.kind);
        let by_agent = if candidate.agent == 0 {
            None
        } else {
            let agent = CohortKey::Agent(candidate.agent);
            self.cohorts.weigh(agent, candidate, confidence, claim.kind)
        };
        by_range.or(by_agent)
    }

    /// Notes a member's action and writes the campaign's alert anew.
    fn campaign(&mut self, heat: &Heat, ruling: &Ruling, around: Circumstances<'_>) -> Option<Alert> {
        let cohort = self.cohorts.get_mut(heat.hash)?;
        let (_, member) = cohort.members.iter_mut().find(|(key, _)| *key == ruling.key)?;
        member.action = ruling.alert.action;
        member.action_at = ruling.alert.action_at;
        member.requests_before_action = ruling.alert.requests_before_action;
        let since = cohort.hot_since?;
        let threat = cohort.threat.unwrap_or(ThreatKind::Anomaly);
        let client = heat.key.as_client();
        let mut alert = ruling.alert.clone();
        alert.id = around.hash_key.decision_id(&client, threat, since);
        alert.client = client;
        alert.alerted_at = since;
        alert.requests_before_alert = 0;
        alert.members = cohort.members.iter().map(|(_, member)| member.clone()).collect();
        Some(alert)
    }
}
