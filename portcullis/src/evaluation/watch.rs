//! What a pass shows beside its outcome: who was there on which days, who was acted on when, when attackers began, and
//! how every labelled client looked at the end.

use super::separation::Rows;
use super::tally::ClientDays;
use super::truth::{Label, Truth};
use detector::{Detector, Output, Scorer};
use domain::{Action, Client, RequestRecord, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Milliseconds of a day: the unit of false positive budgets.
const DAY_MILLIS: i64 = 86_400_000;

/// What the pass showed of one labelled client.
#[derive(Debug, Default)]
struct Seen {
    first_attack_at: Option<Timestamp>,
    requests_before_attack: u64,
    is_innocent: bool,
    /// Days on which an innocent client sent something, or was acted on.
    days: Vec<i64>,
    /// Days on which an action on an innocent client was decided.
    acted_days: Vec<i64>,
}

/// Watches a pass over labelled clients.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    truth: &'a Truth,
    requests_min: u64,
    clients: HashMap<Client, Seen>,
    rows: Rows,
}

impl<'a> Watch<'a> {
    /// Nobody was seen yet. Clients with fewer requests are left out of the features that are kept.
    #[must_use]
    pub(crate) fn new(truth: &'a Truth, requests_min: u64) -> Self {
        let clients = truth.rows.iter().map(|row| {
            let seen = Seen {
                first_attack_at: row.first_attack_at,
                is_innocent: matches!(row.label, Label::Innocent(_)),
                ..Seen::default()
            };
            (row.client.clone(), seen)
        });
        Self {
            truth,
            requests_min,
            clients: clients.collect(),
            rows: Rows::default(),
        }
    }

    /// Takes in a slice: the records, and what was said about them. Without records the pass is over.
    pub(crate) fn observe<S: Scorer>(
        &mut self,
        detector: &Detector<S>,
        outputs: &[Output],
        records: &[RequestRecord<'_>],
    ) {
        for record in records {
            let Some(seen) = self.clients.get_mut(&record.client) else {
                continue;
            };
            if seen.first_attack_at.is_some_and(|attack| record.at < attack) {
                seen.requests_before_attack += 1;
            }
            if seen.is_innocent {
                note(&mut seen.days, record.at);
            }
        }
        for output in outputs {
            let Output::Alert(alert) = output else { continue };
            self.act(&alert.client, alert.action, alert.action_at);
            for member in &alert.members {
                self.act(&member.client, member.action, member.action_at);
            }
        }
        if records.is_empty() {
            self.keep_features(detector);
        }
    }

    fn act(&mut self, client: &Client, action: Action, at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| action.is_enforced()) else {
            return;
        };
        if let Some(seen) = self.clients.get_mut(client).filter(|seen| seen.is_innocent) {
            note(&mut seen.acted_days, at);
            note(&mut seen.days, at);
        }
    }

    fn keep_features<S: Scorer>(&mut self, detector: &Detector<S>) {
        self.rows = Rows::default();
        for row in &self.truth.rows {
            let kind = match &row.label {
                Label::Attacker(kind) => Some(kind.as_str()),
                Label::Innocent(_) => None,
                Label::LeftOut(_) => continue,
            };
            if row.requests >= self.requests_min
                && let Some(values) = detector.features_of(&row.client)
            {
                self.rows.push(kind, &values);
            }
        }
    }

    /// Requests of a client before its first attack; none when it is not known.
    #[must_use]
    pub(crate) fn requests_before(&self, client: &Client) -> u64 {
        self.clients
            .get(client)
            .map_or(0, |seen| seen.requests_before_attack)
    }

    /// Client-days of innocent clients, by day: the day's first moment, how many were there, and on how many an action
    /// was decided.
    #[must_use]
    pub(crate) fn innocent_days(&self) -> BTreeMap<Timestamp, ClientDays> {
        let mut days: BTreeMap<Timestamp, ClientDays> = BTreeMap::new();
        let start = |day: i64| Timestamp::from_millis(day * DAY_MILLIS);
        for seen in self.clients.values() {
            for day in &seen.days {
                days.entry(start(*day)).or_default().all += 1;
            }
            for day in &seen.acted_days {
                days.entry(start(*day)).or_default().acted += 1;
            }
        }
        days
    }

    /// How the labelled clients looked at the end.
    #[must_use]
    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }
}

/// Notes the day of a moment, once.
fn note(days: &mut Vec<i64>, at: Timestamp) {
    let day = at.as_millis().div_euclid(DAY_MILLIS);
    // Requests come nearly in order: the day is the last one, or new.
    if !days.iter().rev().any(|known| *known == day) {
        days.push(day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_once_also_when_it_comes_back() {
        let mut days = Vec::new();
        for hours in [0, 1, 23, 24, 2, 47, 48] {
            note(&mut days, Timestamp::from_secs(hours * 3_600));
        }
        assert_eq!(days, [0, 1, 2]);
    }
}
