//! How good the decisions are, against a truth file: the client is the unit, every figure has its exact interval.

mod onset;
mod suite;
mod truth;

pub(crate) use onset::Onsets;
pub(crate) use suite::{Log, Suite};
pub(crate) use truth::{Label, Truth, TruthRow};

use crate::analysis::Outcome;
use domain::{Action, Client, Timestamp};
use models::interval::{Median, Proportion, median};
use std::collections::HashMap;

/// Attackers with at least this many requests enter the prevented share: of fewer there is nothing to prevent.
const PREVENTED_REQUESTS_MIN: u64 = 20;

/// What was decided about one client.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    action: Action,
    action_at: Option<Timestamp>,
    requests_before: Option<u64>,
    prevented: u64,
}

/// The figures of one evaluation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Attackers that were acted on.
    pub caught: u64,
    /// Attackers in all.
    pub attackers: u64,
    /// Attackers only observed.
    pub observed: u64,
    /// Others that were acted on, with their labels.
    pub wrong: Vec<(Client, String)>,
    /// Clients that are no attackers.
    pub innocent: u64,
    /// Left out of precision and recall, by label, and how many of them were acted on.
    pub left_out: std::collections::BTreeMap<String, (u64, u64)>,
    /// Attackers that were missed.
    pub missed: Vec<Client>,
    /// Requests of caught attackers up to the action, counted from the first attack where it is known; sorted.
    pub requests_to_detection: Vec<u64>,
    /// Attackers acted on before their first attack.
    pub early: u64,
    /// Requests of larger attackers that came while a block was in force.
    pub prevented: u64,
    /// Requests of larger attackers.
    pub preventable: u64,
    /// Lines of the logs.
    pub lines: u64,
    /// Lines that became records.
    pub parsed: u64,
    /// Caught attackers by label, and how many there are of it.
    pub by_label: std::collections::BTreeMap<String, (u64, u64)>,
}

/// Compares an outcome with the truth, over clients with at least `requests_min` requests.
#[must_use]
pub(crate) fn compare(outcome: &Outcome, truth: &Truth, onsets: &Onsets, requests_min: u64) -> Figures {
    let verdicts = verdicts(outcome);
    let mut figures = Figures {
        lines: outcome.lines,
        parsed: outcome.parsed,
        ..Figures::default()
    };
    for row in truth.rows.iter().filter(|row| row.requests >= requests_min) {
        let verdict = verdicts.get(&row.client).copied();
        let is_acted_on = verdict.is_some_and(|verdict| verdict.action.is_enforced());
        match &row.label {
            Label::Attacker(name) => {
                let before_attack = onsets.requests_before(&row.client);
                figures.count_attacker(row, name, verdict.filter(|_| is_acted_on), before_attack);
                figures.observed += u64::from(verdict.is_some() && !is_acted_on);
            }
            Label::Innocent(name) => {
                figures.innocent += 1;
                if is_acted_on {
                    figures.wrong.push((row.client.clone(), name.clone()));
                }
            }
            Label::LeftOut(name) => {
                let counts = figures.left_out.entry(name.clone()).or_default();
                counts.0 += 1;
                counts.1 += u64::from(is_acted_on);
            }
        }
    }
    figures.requests_to_detection.sort_unstable();
    figures
}

/// The strongest action on each client, by itself or as a member of a campaign.
fn verdicts(outcome: &Outcome) -> HashMap<Client, Verdict> {
    let mut verdicts: HashMap<Client, Verdict> = HashMap::new();
    let mut note = |client: &Client, verdict: Verdict| {
        let kept = verdicts.entry(client.clone()).or_insert(verdict);
        if verdict.action > kept.action {
            *kept = verdict;
        }
    };
    for found in &outcome.clients {
        let alert = &found.alert;
        if !found.is_campaign() {
            let verdict = Verdict {
                action: alert.action,
                action_at: alert.action_at,
                requests_before: alert.requests_before_action,
                prevented: found.prevented,
            };
            note(&alert.client, verdict);
        }
        for member in &alert.members {
            let verdict = Verdict {
                action: member.action,
                action_at: member.action_at,
                requests_before: member.requests_before_action,
                prevented: 0,
            };
            note(&member.client, verdict);
        }
    }
    verdicts
}

impl Figures {
    /// Counts an attacker; `acted` is what was done about it, if anything was.
    fn count_attacker(&mut self, row: &TruthRow, name: &str, acted: Option<Verdict>, before_attack: u64) {
        self.attackers += 1;
        let by_label = self.by_label.entry(name.to_owned()).or_default();
        by_label.1 += 1;
        by_label.0 += u64::from(acted.is_some());
        if row.requests >= PREVENTED_REQUESTS_MIN {
            self.preventable += row.requests;
            self.prevented += acted.map_or(0, |verdict| verdict.prevented);
        }
        let Some(verdict) = acted else {
            self.missed.push(row.client.clone());
            return;
        };
        self.caught += 1;
        let attack = verdict.action_at.zip(row.first_attack_at);
        if attack.is_some_and(|(action, attack)| action < attack) {
            self.early += 1;
        } else {
            let requests = verdict
                .requests_before
                .map(|requests| requests.saturating_sub(before_attack));
            self.requests_to_detection.extend(requests);
        }
    }

    /// Share of those acted on that are attackers.
    #[must_use]
    pub(crate) fn precision(&self) -> Proportion {
        Proportion::new(self.caught, self.caught + self.wrong.len() as u64)
    }

    /// Share of the attackers that were acted on.
    #[must_use]
    pub(crate) fn recall(&self) -> Proportion {
        Proportion::new(self.caught, self.attackers)
    }

    /// Share of the others that were acted on.
    #[must_use]
    pub(crate) fn false_positive_rate(&self) -> Proportion {
        Proportion::new(self.wrong.len() as u64, self.innocent)
    }

    /// Share of the requests of larger attackers that a block would have prevented.
    #[must_use]
    pub(crate) fn prevented_share(&self) -> Proportion {
        Proportion::new(self.prevented.min(self.preventable), self.preventable)
    }

    /// Share of the lines that became records.
    #[must_use]
    pub(crate) fn parsed_share(&self) -> Proportion {
        Proportion::new(self.parsed, self.lines)
    }

    /// Median of the requests from the first attack to the action; `None` when nobody was caught.
    #[must_use]
    pub(crate) fn median_requests(&self) -> Option<Median<u64>> {
        median(&self.requests_to_detection)
    }

    /// What is left when the log's attackers cannot be judged: its lines, and the innocent.
    #[must_use]
    pub(crate) fn without_attackers(self) -> Self {
        Self {
            wrong: self.wrong,
            innocent: self.innocent,
            left_out: self.left_out,
            lines: self.lines,
            parsed: self.parsed,
            ..Self::default()
        }
    }

    /// Adds another evaluation's figures: pooled, the client stays the unit.
    pub(crate) fn pool(&mut self, other: Self) {
        self.caught += other.caught;
        self.attackers += other.attackers;
        self.observed += other.observed;
        self.innocent += other.innocent;
        self.early += other.early;
        self.prevented += other.prevented;
        self.preventable += other.preventable;
        self.lines += other.lines;
        self.parsed += other.parsed;
        self.wrong.extend(other.wrong);
        self.missed.extend(other.missed);
        self.requests_to_detection.extend(other.requests_to_detection);
        self.requests_to_detection.sort_unstable();
        for (name, (count, acted)) in other.left_out {
            let counts = self.left_out.entry(name).or_default();
            *counts = (counts.0 + count, counts.1 + acted);
        }
        for (name, (caught, all)) in other.by_label {
            let counts = self.by_label.entry(name).or_default();
            *counts = (counts.0 + caught, counts.1 + all);
        }
    }
}
