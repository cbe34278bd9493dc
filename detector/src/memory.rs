//! What the end of a tick changes besides the shards: population, cohorts, policy memory, windows that wait.
//!
//! It stands apart from the shards so that a preview can close the open tick on a copy and leave everything as it was.

use crate::detector::Output;
use crate::policy::WarmUp;
use crate::population::{Deed, Population};
use crate::rule::{Counts, Fired, Hit, Rule};
use crate::stage::client::{Candidate, Changes, Hint};
use crate::stage::cohort::{CohortKey, Cohorts, one_act};
use crate::stage::sequencer::{Circumstances, Company, Enforced, Joined, Ruling, Sequencer, surge};
use crate::stage::waiting::Waiting;
use crate::threat::{self, THREATS};
use domain::{Action, Alert, Client, ThreatKind, Timestamp};

/// What the end of a tick changes besides the shards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) population: Population,
    pub(crate) cohorts: Cohorts,
    pub(crate) sequencer: Sequencer,
    pub(crate) waiting: Waiting,
    pub(crate) counts: Counts,
}

/// What is said at the end of a tick.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finding {
    /// About one client.
    Client(Box<Ruling>),
    /// About a campaign that grew.
    Campaign(Box<Joined>),
    /// About a rule that fired.
    Rule(Box<Enforced>),
    /// About far more failures than are usual at this hour.
    Surge(Box<Alert>),
}

impl Finding {
    /// Whose requests count as stopped from now on, by keyed hash.
    pub(crate) fn blocked(&self) -> Vec<(u64, &Client)> {
        match self {
            Self::Client(ruling) => {
                let block = ruling.block.map(|_| (ruling.owner, &ruling.alert.client));
                block.into_iter().collect()
            }
            Self::Campaign(joined) => joined
                .blocked
                .iter()
                .map(|(owner, client)| (*owner, client))
                .collect(),
            Self::Rule(enforced) => {
                let blocked = enforced.blocked.iter();
                blocked.map(|(owner, client)| (*owner, client)).collect()
            }
            Self::Surge(_) => Vec::new(),
        }
    }

    /// Says it, the alert before its decisions.
    pub(crate) fn say(self, outputs: &mut Vec<Output>) {
        match self {
            Self::Client(ruling) => {
                outputs.push(Output::Alert(ruling.alert));
                outputs.extend(ruling.decision.map(Output::Decision));
            }
            Self::Campaign(joined) => {
                outputs.push(Output::Alert(joined.alert));
                outputs.extend(joined.decisions.into_iter().map(Output::Decision));
            }
            Self::Rule(enforced) => {
                outputs.push(Output::Alert(enforced.alert));
                outputs.extend(enforced.decision.map(Output::Decision));
            }
            Self::Surge(alert) => outputs.push(Output::Alert(*alert)),
        }
    }
}

/// A cohort, and what its members do.
type Grown = (CohortKey, ThreatKind);

/// What one tick's changes ask for.
#[derive(Debug, Default)]
struct Due {
    /// Windows to be scored, in order of arrival.
    candidates: Vec<Candidate>,
    /// What small clients show, in order of arrival.
    hints: Vec<Hint>,
    /// Requests that count for rules, in order of arrival.
    hits: Vec<Hit>,
}

impl Memory {
    /// Merges the shards' changes, given in shard order and left empty, and rules on the windows that are due, in order of arrival;
    /// then on campaigns.
    pub(crate) fn close<'c>(
        &mut self,
        changes: impl Iterator<Item = &'c mut Changes>,
        around: Circumstances<'_>,
    ) -> Vec<Finding> {
        self.population.established.move_to(around.now);
        self.population.baselines.move_to(around.now);
        let Due {
            candidates,
            hints,
            hits,
        } = self.merge(changes, around.now);
        let spread = &mut self.population.scores;
        let mut due = self.waiting.score(candidates, spread, around);
        let reports = &self.sequencer.reports;
        due.iter_mut().for_each(|candidate| {
            candidate.is_reported = reports.holds(candidate.owner, candidate.at)
                || candidate
                    .address
                    .is_some_and(|address| around.listed.has(address));
        });
        let stakes = self.population.established.stakes();
        let held = self.sequencer.hold_back(&due, &stakes, around);
        // In the order of the first suspect: a map's order would differ between runs.
        let mut grown: Vec<Grown> = Vec::new();
        let mut findings: Vec<Finding> = due
            .iter()
            .filter_map(|candidate| self.judge(candidate, &held, &mut grown, around))
            .map(|ruling| Finding::Client(Box::new(ruling)))
            .collect();
        for hint in &hints {
            self.take_hint(hint, &mut grown);
        }
        findings.extend(
            grown
                .iter()
                .filter_map(|(key, threat)| self.join(key, *threat, around))
                .map(|joined| Finding::Campaign(Box::new(joined))),
        );
        findings.extend(self.count(&hits, around));
        let surges = self.population.baselines.surges(around.now);
        let told = surges
            .iter()
            .map(|surge| Finding::Surge(Box::new(surge::alert(surge, around))));
        findings.extend(told);
        findings
    }

    fn merge<'c>(&mut self, changes: impl Iterator<Item = &'c mut Changes>, now: Timestamp) -> Due {
        let mut due = Due::default();
        let mut newcomers = 0u32;
        let (mut deeds, mut grown_up) = (Vec::new(), Vec::new());
        for change in changes {
            self.population.routes.count(&change.votes);
            self.population.baselines.count(&mut change.traffic);
            self.cohorts.join(&change.joined);
            self.population.established.change_by(&change.established);
            newcomers = newcomers.saturating_add(change.newcomers);
            deeds.append(&mut change.deeds);
            grown_up.append(&mut change.grown_up);
            for name in &change.came_from {
                self.population.names.vote(*name);
            }
            due.candidates.append(&mut change.candidates);
            due.hints.append(&mut change.hints);
            due.hits.append(&mut change.hits);
            change.clear();
        }
        self.population.seen.welcome(newcomers, now);
        self.learn_roles(deeds, &grown_up);
        due.candidates.sort_by_key(|candidate| candidate.seq);
        due.hints.sort_by_key(|hint| hint.seq);
        // Stable: a request's hits stay in the order of the rules.
        due.hits.sort_by_key(|hit| hit.seq);
        due
    }

    /// Learns what routes are for. Whoever uses a new route for signing in already joined nothing: they are counted among its
    /// users now, or the first few who fail there would look like most of them.
    fn learn_roles(&mut self, mut deeds: Vec<Deed>, grown_up: &[(u64, u64)]) {
        if deeds.is_empty() && grown_up.is_empty() {
            return;
        }
        deeds.sort_by_key(|deed| deed.seq);
        for (template, clients) in self.population.roles.learn(&deeds, grown_up) {
            let route = CohortKey::Route(template).number();
            for _ in 0..clients {
                self.cohorts.join(&[(route, false)]);
            }
        }
    }

    /// Counts for every rule what counts for it, and says what is done where one fires.
    fn count(&mut self, hits: &[Hit], around: Circumstances<'_>) -> Vec<Finding> {
        let mut fired: Vec<(Fired, &Rule)> = Vec::new();
        for hit in hits {
            // A rule that went away while the process did not run: what counted for it counts for nothing.
            let rule = around.rules.get(hit.rule);
            fired.extend(rule.and_then(|rule| Some((self.counts.count(rule, hit)?, rule))));
        }
        self.counts.sweep(around.rules, around.now);
        if fired.is_empty() {
            return Vec::new();
        }
        let stakes = self.population.established.stakes();
        let held = self.sequencer.hold_back_fired(&fired, &stakes, around);
        let enforce = |(fired, rule): &(Fired, &Rule)| {
            let spent = spent(&held, fired.hit.window);
            Finding::Rule(Box::new(self.sequencer.enforce(fired, rule, spent, around)))
        };
        fired.iter().map(enforce).collect()
    }

    fn judge(
        &mut self,
        candidate: &Candidate,
        held: &[(u64, &'static str)],
        grown: &mut Vec<Grown>,
        around: Circumstances<'_>,
    ) -> Option<Ruling> {
        let hot = self.weigh_cohorts(candidate);
        let is_site_sound = self.cohorts.is_site_sound();
        let company = Company {
            floor: (is_site_sound && self.is_of_a_kind(candidate, &hot, around)).then_some(Action::Block),
            spent: spent(held, candidate.key),
            is_site_sound,
            warm_up: self.warm_up(around),
        };
        let ruling = self.sequencer.decide(candidate, company, around)?;
        if ruling.alert.action.is_enforced() {
            self.population.roles.disown(candidate.key);
        }
        for (key, threat) in hot {
            self.note_action(&key, &ruling);
            remember(grown, (key, threat));
        }
        Some(ruling)
    }

    /// What is missing of the warm-up; `None` when it is over.
    fn warm_up(&self, around: Circumstances<'_>) -> Option<WarmUp> {
        self.population
            .seen
            .warm_up(around.policy.warm_up_secs, around.now)
    }

    /// Adds the candidate's evidence to its cohorts and gives those that are campaigns of what it names.
    fn weigh_cohorts(&mut self, candidate: &Candidate) -> Vec<Grown> {
        // Evidence never mixes across trust, and a page that makes its readers' browsers ask makes no campaign of them.
        let Some((place, claim)) = candidate
            .claims
            .first()
            .filter(|_| candidate.most == Action::Block && !candidate.may_be_planted)
        else {
            return Vec::new();
        };
        let confidence = threat::strengthen(claim.confidence, candidate.score.p_value);
        if !THREATS[*place].makes_suspect(claim, confidence) {
            return Vec::new();
        }
        let mut weigh = |key: CohortKey| {
            let is_hot = self.cohorts.weigh(&key, candidate, claim.kind);
            is_hot.then_some((key, one_act(claim.kind)))
        };
        let narrow = CohortKey::narrow(&candidate.client, candidate.kin);
        let hot: Vec<Grown> = narrow.filter_map(&mut weigh).collect();
        let wide: Vec<Grown> = CohortKey::wide(candidate.kin).filter_map(weigh).collect();
        narrowest(hot, wide)
    }

    /// Whether a candidate's own evidence names what a campaign that it belongs to does. Whoever shares a range or an
    /// agent with a campaign and does something else is judged by that.
    fn is_of_a_kind(&self, candidate: &Candidate, hot: &[Grown], around: Circumstances<'_>) -> bool {
        let surest = candidate.claims.first();
        hot.iter()
            .any(|(key, _)| key.may_condemn() && self.grace(key, around).is_none())
            && surest.is_some_and(|(place, claim)| THREATS[*place].makes_suspect(claim, claim.confidence))
    }

    fn take_hint(&mut self, hint: &Hint, grown: &mut Vec<Grown>) {
        if let Some(surge) = hint.surge {
            let key = CohortKey::from(surge);
            if let Some(threat) = self.cohorts.hint(&key, hint) {
                remember(grown, (key, threat));
            }
            return;
        }
        let mut take = |key: CohortKey| {
            let threat = self.cohorts.hint(&key, hint)?;
            Some((key, threat))
        };
        let route = (hint.route != 0).then_some(CohortKey::Route(hint.route));
        let narrow = CohortKey::narrow(&hint.client, hint.kin).chain(route);
        let hot: Vec<Grown> = narrow.filter_map(&mut take).collect();
        let wide: Vec<Grown> = CohortKey::wide(hint.kin).filter_map(take).collect();
        for campaign in narrowest(hot, wide) {
            remember(grown, campaign);
        }
    }

    /// Notes in a campaign what was decided about a member by itself.
    fn note_action(&mut self, key: &CohortKey, ruling: &Ruling) {
        let cohort = self.cohorts.get_mut(key.number());
        let suspects = cohort.map(|cohort| &mut cohort.suspects);
        let known = suspects.and_then(|all| all.iter_mut().find(|known| known.key == ruling.key));
        if let Some(known) = known {
            known.member.action = ruling.alert.action;
            known.member.action_at = ruling.alert.action_at;
            known.member.requests_before_action = ruling.alert.requests_before_action;
        }
    }

    /// That a person lifted a cohort, as the verdict that its campaign was a false positive does, a short while ago.
    fn grace(&self, key: &CohortKey, around: Circumstances<'_>) -> Option<String> {
        let cohort = self.cohorts.get(key.number())?;
        let owner = around.hash_key.hash(&key.as_client(&cohort.name));
        self.sequencer.grace(owner, around.now)
    }

    /// Acts on a campaign's small members and writes it down anew.
    fn join(&mut self, key: &CohortKey, threat: ThreatKind, around: Circumstances<'_>) -> Option<Joined> {
        let cohort = self.cohorts.get(key.number())?;
        let excess = match key {
            CohortKey::Surge { template, .. } => {
                let surge = self.population.baselines.running(*template)?;
                Cohorts::excess_of_surge(cohort, threat, around.now).in_light_of(surge)
            }
            _ => self.cohorts.excess(cohort, threat),
        };
        let held_back = if self.cohorts.is_site_sound() {
            self.warm_up(around).map(|warm_up| warm_up.to_string())
        } else {
            Some("most of this site's clients look like this: it may be the site that is broken".to_owned())
        };
        let held_back = held_back.or_else(|| self.grace(key, around)).or_else(|| {
            let reason =
                "whoever uses one virtual host may have met the same fault of it: a person has to look";
            (!key.may_condemn()).then(|| reason.to_owned())
        });
        let cohort = self.cohorts.get_mut(key.number())?;
        Some(
            self.sequencer
                .join((key, threat), cohort, (excess, held_back), around),
        )
    }
}

/// Whose budget is spent, when the guard holds a client back for it.
fn spent(held: &[(u64, &'static str)], key: u64) -> Option<&'static str> {
    held.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, whose)| *whose)
}

/// What is told of a client's campaigns: what it shares with few, and only where nothing of that explains it the first of what it
/// shares with many. One campaign is told once.
fn narrowest(mut hot: Vec<Grown>, wide: Vec<Grown>) -> Vec<Grown> {
    if hot.is_empty() {
        hot.extend(wide.into_iter().next());
    }
    hot
}

fn remember(grown: &mut Vec<Grown>, campaign: Grown) {
    if !grown.contains(&campaign) {
        grown.push(campaign);
    }
}
