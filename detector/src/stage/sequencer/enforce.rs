//! A rule that fires in decisions and words: it passes the same mercy, trust and guard as everything else.

use super::{Ask, Block, Circumstances, Company, Sequencer, ask};
use crate::policy::{Bounds, Charge, Measure, RoleSet, Stakes};
use crate::rule::{DistinctOf, Fired, Limit, Pace, Rule};
use crate::score::Score;
use crate::stage::client::Candidate;
use crate::stage::kin::{Kin, KinNames};
use crate::threat::Claim;
use domain::{Action, Alert, Client, Decision, DecisionId, Origin, Reason, ThreatClaim};

/// What is said when a rule fires.
#[derive(Debug, Clone, PartialEq)]
pub struct Enforced {
    /// What is told to people.
    pub alert: Alert,
    /// What is told to gateways; `None` when nothing is done.
    pub decision: Option<Decision>,
    /// Whose requests count as stopped from now on, by keyed hash.
    pub blocked: Option<(u64, Client)>,
}

impl Sequencer {
    /// Says which of the targets of rules that fired the guard holds back, by the keys of their windows.
    pub(crate) fn hold_back_fired(
        &mut self,
        fired: &[(Fired, &Rule)],
        stakes: &Stakes,
        around: Circumstances<'_>,
    ) -> Vec<(u64, &'static str)> {
        let mut asks: Vec<Ask> = Vec::new();
        for (fired, rule) in fired {
            let candidate = candidate(fired, rule, around);
            let measure = self.measure_fired(&candidate, rule, around);
            let is_asked = measure.action.is_enforced()
                && !measure.is_shadow()
                && candidate.is_established
                && self.mercy(&candidate, around).is_none();
            let ask = ask(&candidate, around);
            if is_asked && asks.iter().all(|known| known.key != ask.key) {
                asks.push(ask);
            }
        }
        if asks.is_empty() {
            return Vec::new();
        }
        self.guard
            .hold_back(&around.policy.guard, stakes, &asks, around.now)
    }

    /// Decides what is done when a rule fires; `spent` says whose budget is, when the guard holds its target back.
    pub(crate) fn enforce(
        &mut self,
        fired: &Fired,
        rule: &Rule,
        spent: Option<&'static str>,
        around: Circumstances<'_>,
    ) -> Enforced {
        let candidate = candidate(fired, rule, around);
        let company = Company {
            floor: None,
            spent,
            // A person wrote the rule and knows the site.
            is_site_sound: true,
            warm_up: None,
        };
        let measure = self.measure_fired(&candidate, rule, around);
        let restrained = self.restrain(&candidate, measure.action, company, around);
        let action = restrained.action;
        let held_back = restrained.held_back.clone().or_else(|| measure.held_back());
        if action.is_enforced() && candidate.is_established && !measure.is_shadow() {
            self.guard.note(&ask(&candidate, around), around.now);
        }
        if !measure.is_shadow() {
            self.note_by_source(action, candidate.source, around);
        }
        let sentence = sentence(fired, rule);
        let for_secs = self.for_secs((&candidate, action), rule, &measure, around);
        let id = identity(fired, rule, around);
        let decision = action.is_enforced().then(|| Decision {
            origin: Origin::Rule,
            priority: super::ruling::priority(confidence(rule, around)),
            price: restrained.price(&candidate),
            conditions: restrained.conditions(),
            alert_id: Some(id),
            completeness: around.efforts.between(fired.hit.first_seen, candidate.at),
            ..around.decided(
                restrained.identity(around.identity(id, &measure)),
                &candidate.client,
                (rule.threat, sentence.clone()),
                (action, for_secs, &measure),
                candidate.at,
            )
        });
        let is_blocked = action == Action::Block && !around.is_shadow(&measure);
        let blocked = is_blocked.then(|| (candidate.owner, candidate.client.clone()));
        if let Some((owner, client)) = &blocked {
            let block = Block {
                from: candidate.at,
                until: candidate.at.plus_secs(i64::from(for_secs)),
                is_ordered: false,
                is_partial: !measure.gateways().is_empty(),
                only: restrained.only(),
            };
            // A longer block that is in force already stays.
            let known = self.blocks.find(*owner, client);
            if known.is_none_or(|known| known.until < block.until) {
                self.blocks.put(*owner, client, block);
            }
        }
        let alert = alert(fired, rule, (id, action), (sentence, held_back), around);
        Enforced {
            alert,
            decision,
            blocked,
        }
    }

    /// What the policy says about the target of a rule: whoever wrote the rule said what is done at most.
    fn measure_fired<'p>(
        &self,
        candidate: &Candidate,
        rule: &Rule,
        around: Circumstances<'p>,
    ) -> Measure<'p> {
        let charge = Charge {
            threat: rule.threat,
            confidence: confidence(rule, around),
            evidence: confidence(rule, around),
            is_conclusive: false,
            roles: candidate.roles,
            client: &candidate.client,
            requests: candidate.requests,
            is_established: candidate.is_established,
            is_declared_crawler: candidate.is_declared_crawler,
            is_crowd: super::is_crowd(candidate),
            offences: self
                .offenders
                .offences(candidate.key, candidate.at, around.policy),
            at: candidate.at,
            origin: Origin::Rule,
            feature: &|_| None,
        };
        around.clauses.measure(&charge, Bounds::no_stronger(rule.action))
    }

    /// How long it holds: as long as the rule says, or shorter where a clause does.
    fn for_secs(
        &self,
        (candidate, action): (&Candidate, Action),
        rule: &Rule,
        measure: &Measure<'_>,
        around: Circumstances<'_>,
    ) -> u32 {
        let offences = self
            .offenders
            .offences(candidate.key, candidate.at, around.policy);
        let step = measure.step_secs(around.policy, action, offences);
        let secs = step.map_or(rule.for_secs, |secs| secs.min(rule.for_secs));
        around.policy.within_epoch(&candidate.client, secs)
    }
}

/// As sure as the action that the rule asks for needs: whoever wrote the rule is.
fn confidence(rule: &Rule, around: Circumstances<'_>) -> f32 {
    match rule.action {
        Action::Block => around.policy.block_from,
        Action::Throttle => around.policy.throttle_from,
        Action::Observe | Action::Challenge => around.policy.observe_from,
    }
}

/// The target as policy and guard look at it.
fn candidate(fired: &Fired, rule: &Rule, around: Circumstances<'_>) -> Candidate {
    let hit = &fired.hit;
    let claim = Claim {
        kind: rule.threat,
        confidence: confidence(rule, around),
        is_conclusive: false,
    };
    Candidate {
        seq: hit.seq,
        key: hit.window,
        owner: hit.owner,
        client: hit.target.clone(),
        source: hit.source,
        most: hit.most,
        is_ambiguous: hit.is_ambiguous,
        at: hit.at,
        first_seen: hit.first_seen,
        requests: hit.requests,
        claims: vec![(0, claim)],
        sentences: Vec::new(),
        score: Score {
            value: 0.0,
            p_value: 1.0,
        },
        by_score: None,
        row: Vec::new(),
        window: None,
        evidence: Vec::new(),
        is_established: hit.is_established,
        successes: hit.successes,
        route: 0,
        address: None,
        load: hit.load,
        kin: Kin::default(),
        names: KinNames::default(),
        agents: hit.agents,
        is_claimed: hit.is_claimed,
        may_be_planted: false,
        roles: RoleSet::default(),
        is_declared_crawler: false,
        is_shared: hit.is_shared,
        is_reported: false,
        used_shared: false,
    }
}

/// Another identity than that of what the model says of the same client at the same moment, and than other rules'.
fn identity(fired: &Fired, rule: &Rule, around: Circumstances<'_>) -> DecisionId {
    let hit = &fired.hit;
    let mut id = around.hash_key.decision_id(&hit.target, rule.threat, hit.at);
    let mark = around.hash_key.hash(&(hit.rule, hit.key)).to_le_bytes();
    id.0.iter_mut().zip(mark).for_each(|(byte, mark)| *byte ^= mark);
    id
}

fn alert(
    fired: &Fired,
    rule: &Rule,
    (id, action): (DecisionId, Action),
    (sentence, held_back): (String, Option<String>),
    around: Circumstances<'_>,
) -> Alert {
    let hit = &fired.hit;
    let is_acted_on = action.is_enforced();
    // Of a route or host, the requests that were counted are all that is known.
    let (first_seen, requests) = match rule.by.who {
        Some(_) => (hit.first_seen, hit.requests),
        None => (fired.since, u64::from(fired.count)),
    };
    Alert {
        id,
        client: hit.target.clone(),
        threats: vec![ThreatClaim {
            kind: rule.threat,
            confidence: confidence(rule, around),
        }],
        // A rule has no score of its own: how sure it is stands in for it, as lists are sorted by it.
        score: confidence(rule, around),
        p_value: 1.0,
        action,
        first_seen,
        alerted_at: hit.at,
        action_at: is_acted_on.then_some(hit.at),
        requests_before_alert: requests,
        requests_before_action: is_acted_on.then_some(requests),
        reasons: vec![Reason {
            feature: "rule",
            value: fired.count as f32,
            typical: 0.0,
            contribution: 1.0,
            sentence,
        }],
        what_if: Vec::new(),
        evidence: fired.samples.clone(),
        held_back,
        model: around.scorer.version().to_owned(),
        members: Vec::new(),
        completeness: around.efforts.between(first_seen, hit.at),
    }
}

/// What is said of it. Holds no text from the log.
fn sentence(fired: &Fired, rule: &Rule) -> String {
    let Limit {
        count,
        distinct,
        pace,
    } = rule.limit;
    let what = match distinct {
        None if fired.count == 1 => "request",
        None => "requests",
        Some(DistinctOf::Path) => "different paths",
        Some(DistinctOf::Route) => "different routes",
        Some(DistinctOf::Object) => "different objects",
        Some(DistinctOf::Query) => "different queries",
        Some(DistinctOf::UserAgent) => "different user agents",
        Some(DistinctOf::Host) => "different hosts",
        Some(DistinctOf::Client) => "different clients",
    };
    let span = match pace {
        Pace::Within { secs } => format!("within {secs} s; from {count} on it fires"),
        Pace::Leak { millis } => {
            let passed = fired.hit.at.millis_since(fired.since).max(0) as f64 / 1000.0;
            let each = f64::from(millis) / 1000.0;
            format!("in {passed:.0} s; it fires at {count}, less one for each {each} s that pass")
        }
    };
    let of_route = if rule.by.route && rule.by.who.is_some() {
        " on one route"
    } else {
        ""
    };
    format!("rule {}: {} {what}{of_route} {span}", rule.name, fired.count)
}
