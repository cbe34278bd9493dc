//! How good the decisions are, against a truth file: the client is the unit, every figure has its exact interval.

pub(crate) mod form;
pub(crate) mod plot;
mod separation;
mod suite;
mod sweep;
mod tally;
mod truth;
mod watch;

pub(crate) use separation::{Rows, SEPARATES_FROM, Separation};
pub(crate) use suite::{Log, Suite};
pub(crate) use sweep::Sweep;
pub(crate) use tally::{BudgetVerdict, ClientDays, MILLION, Named, Tally};
pub(crate) use truth::{Label, Truth, TruthRow};
pub(crate) use watch::Watch;

use crate::analysis::Outcome;
use domain::{Action, Alert, Client, ThreatKind, Timestamp};
use models::interval::Proportion;
use std::collections::{BTreeMap, HashMap, HashSet};
use tally::PREVENTED_REQUESTS_MIN;

/// What was decided about one client.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    action: Action,
    action_at: Option<Timestamp>,
    first_seen: Timestamp,
    requests_before: Option<u64>,
    prevented: u64,
    threat: Option<ThreatKind>,
    feature: Option<&'static str>,
}

/// An innocent client that was acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Who.
    pub client: Client,
    /// What it is.
    pub label: String,
    /// What was done.
    pub action: Action,
    /// What it was taken for.
    pub threat: Option<ThreatKind>,
    /// What weighed most.
    pub feature: Option<&'static str>,
}

/// An attacker that was not acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missed {
    /// Who.
    pub client: Client,
    /// Its label, with the way of it where that is known.
    pub label: String,
}

/// The figures of one evaluation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// All attackers.
    pub all: Tally,
    /// Attackers by label.
    pub kinds: BTreeMap<String, Tally>,
    /// Attackers by label and way, where the truth tells ways apart.
    pub variants: BTreeMap<(String, String), Tally>,
    /// Who was acted on, by the threat that was named.
    pub named: BTreeMap<&'static str, Named>,
    /// Others that were acted on.
    pub wrong: Vec<Wrong>,
    /// Others with fewer requests than the judged that were acted on.
    pub wrong_small: Vec<Wrong>,
    /// Clients that are no attackers.
    pub innocent: u64,
    /// Those of them that a campaign lists.
    pub innocent_members: u64,
    /// Client-days of everybody that is no attacker, however small, by day.
    pub by_day: BTreeMap<Timestamp, ClientDays>,
    /// Left out of precision and recall, by label, and how many of them were acted on.
    pub left_out: BTreeMap<String, (u64, u64)>,
    /// Attackers that were missed.
    pub missed: Vec<Missed>,
    /// Lines of the logs.
    pub lines: u64,
    /// Lines that became records.
    pub parsed: u64,
    /// How the judged clients looked at the end.
    pub rows: Rows,
}

/// Compares an outcome with the truth, over clients with at least `requests_min` requests.
#[must_use]
pub(crate) fn compare(outcome: &Outcome, truth: &Truth, watch: Watch<'_>, requests_min: u64) -> Figures {
    let verdicts = verdicts(outcome);
    let members: HashSet<&Client> = outcome
        .clients
        .iter()
        .flat_map(|found| &found.alert.members)
        .map(|member| &member.client)
        .collect();
    let mut figures = Figures {
        lines: outcome.lines,
        parsed: outcome.parsed,
        by_day: watch.innocent_days(),
        ..Figures::default()
    };
    for row in &truth.rows {
        let verdict = verdicts.get(&row.client).copied();
        let acted = verdict.filter(|verdict| verdict.action.is_enforced());
        if row.requests < requests_min {
            if let (Label::Innocent(name), Some(verdict)) = (&row.label, acted) {
                figures.wrong_small.push(wrong(row, name, verdict));
            }
            continue;
        }
        match &row.label {
            Label::Attacker(name) => {
                let tally = Tally {
                    attackers: 1,
                    caught: u64::from(acted.is_some()),
                    observed: u64::from(verdict.is_some() && acted.is_none()),
                    members: u64::from(members.contains(&row.client)),
                    ..Tally::default()
                };
                let before = watch.requests_before(&row.client);
                figures.count_attacker(row, name, acted, tally, before);
            }
            Label::Innocent(name) => {
                figures.innocent += 1;
                figures.innocent_members += u64::from(members.contains(&row.client));
                if let Some(verdict) = acted {
                    figures.count_name(verdict, false);
                    figures.wrong.push(wrong(row, name, verdict));
                }
            }
            Label::LeftOut(name) => {
                let counts = figures.left_out.entry(name.clone()).or_default();
                counts.0 += 1;
                counts.1 += u64::from(acted.is_some());
            }
        }
    }
    figures.sort();
    figures.rows = watch.into_rows();
    figures
}

fn wrong(row: &TruthRow, label: &str, verdict: Verdict) -> Wrong {
    Wrong {
        client: row.client.clone(),
        label: label.to_owned(),
        action: verdict.action,
        threat: verdict.threat,
        feature: verdict.feature,
    }
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
        let own = Verdict {
            action: alert.action,
            action_at: alert.action_at,
            first_seen: alert.first_seen,
            requests_before: alert.requests_before_action,
            prevented: found.prevented,
            threat: threat(alert),
            feature: alert.reasons.first().map(|reason| reason.feature),
        };
        if !found.is_campaign() {
            note(&alert.client, own);
        }
        for member in &alert.members {
            let verdict = Verdict {
                action: member.action,
                action_at: member.action_at,
                first_seen: member.first_seen,
                requests_before: member.requests_before_action,
                prevented: 0,
                ..own
            };
            note(&member.client, verdict);
        }
    }
    verdicts
}

fn threat(alert: &Alert) -> Option<ThreatKind> {
    alert.threats.first().map(|claim| claim.kind)
}

impl Figures {
    /// Counts an attacker; `acted` is what was done about it, if anything was, and `tally` what is counted of it so far.
    fn count_attacker(
        &mut self,
        row: &TruthRow,
        kind: &str,
        acted: Option<Verdict>,
        mut tally: Tally,
        before_attack: u64,
    ) {
        if row.requests >= PREVENTED_REQUESTS_MIN {
            tally.preventable = row.requests;
            tally.prevented = acted.map_or(0, |verdict| verdict.prevented);
        }
        if let Some(verdict) = acted {
            tally.named = u64::from(verdict.threat.is_some_and(|threat| threat.as_str() == kind));
            count_delay(&mut tally, row, verdict, before_attack);
            self.count_name(verdict, true);
        } else {
            let label = match &row.variant {
                Some(variant) => format!("{kind}:{variant}"),
                None => kind.to_owned(),
            };
            self.missed.push(Missed {
                client: row.client.clone(),
                label,
            });
        }
        self.all.add(&tally);
        self.kinds.entry(kind.to_owned()).or_default().add(&tally);
        if let Some(variant) = &row.variant {
            let way = (kind.to_owned(), variant.clone());
            self.variants.entry(way).or_default().add(&tally);
        }
    }

    fn count_name(&mut self, verdict: Verdict, is_attacker: bool) {
        let Some(threat) = verdict.threat else { return };
        let named = self.named.entry(threat.as_str()).or_default();
        named.acted += 1;
        named.attackers += u64::from(is_attacker);
    }

    fn sort(&mut self) {
        let tallies = self.kinds.values_mut().chain(self.variants.values_mut());
        tallies.chain([&mut self.all]).for_each(Tally::sort);
    }

    /// Share of those acted on that are attackers.
    #[must_use]
    pub(crate) fn precision(&self) -> Proportion {
        Proportion::new(self.all.caught, self.all.caught + self.wrong.len() as u64)
    }

    /// Share of the others that were acted on.
    #[must_use]
    pub(crate) fn false_positive_rate(&self) -> Proportion {
        Proportion::new(self.wrong.len() as u64, self.innocent)
    }

    /// Client-days of everybody that is no attacker, however small.
    #[must_use]
    pub(crate) fn days(&self) -> ClientDays {
        let mut days = ClientDays::default();
        self.by_day.values().for_each(|day| days.pool(*day));
        days
    }

    /// The day with the highest share of client-days acted on; `None` when nobody was acted on.
    #[must_use]
    pub(crate) fn worst_day(&self) -> Option<(Timestamp, ClientDays)> {
        let share = |days: &ClientDays| days.rate().estimate;
        self.by_day
            .iter()
            .filter(|(_, days)| days.acted > 0)
            .max_by(|left, right| share(left.1).total_cmp(&share(right.1)))
            .map(|(day, days)| (*day, *days))
    }

    /// The ways of a kind; none when there is only one, which is the kind again.
    pub(crate) fn ways<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Tally)> + 'a {
        let of_kind = move || self.variants.iter().filter(move |((of, _), _)| of == kind);
        let is_several = of_kind().nth(1).is_some();
        of_kind()
            .filter(move |_| is_several)
            .map(|((_, way), tally)| (way.as_str(), tally))
    }

    /// Share of the lines that became records.
    #[must_use]
    pub(crate) fn parsed_share(&self) -> Proportion {
        Proportion::new(self.parsed, self.lines)
    }

    /// What is left when the log's attackers cannot be judged: its lines, and the innocent.
    #[must_use]
    pub(crate) fn without_attackers(self) -> Self {
        Self {
            wrong: self.wrong,
            wrong_small: self.wrong_small,
            innocent: self.innocent,
            innocent_members: self.innocent_members,
            by_day: self.by_day,
            left_out: self.left_out,
            lines: self.lines,
            parsed: self.parsed,
            rows: self.rows.without_attackers(),
            ..Self::default()
        }
    }

    /// Adds another evaluation's figures: pooled, the client stays the unit.
    pub(crate) fn pool(&mut self, other: Self) {
        self.all.pool(&other.all);
        for (kind, tally) in &other.kinds {
            self.kinds.entry(kind.clone()).or_default().pool(tally);
        }
        for (way, tally) in &other.variants {
            self.variants.entry(way.clone()).or_default().pool(tally);
        }
        for (name, counts) in other.named {
            let named = self.named.entry(name).or_default();
            named.acted += counts.acted;
            named.attackers += counts.attackers;
        }
        self.innocent += other.innocent;
        self.innocent_members += other.innocent_members;
        for (day, days) in other.by_day {
            self.by_day.entry(day).or_default().pool(days);
        }
        self.lines += other.lines;
        self.parsed += other.parsed;
        self.wrong.extend(other.wrong);
        self.wrong_small.extend(other.wrong_small);
        self.missed.extend(other.missed);
        for (name, (count, acted)) in other.left_out {
            let counts = self.left_out.entry(name).or_default();
            *counts = (counts.0 + count, counts.1 + acted);
        }
        self.rows.pool(&other.rows);
    }
}

/// Counts how long a caught attacker was let through. One that was acted on before its first attack has no delay.
fn count_delay(tally: &mut Tally, row: &TruthRow, verdict: Verdict, before_attack: u64) {
    let began_at = row.first_attack_at.unwrap_or(verdict.first_seen);
    let millis = verdict.action_at.map(|at| at.as_millis() - began_at.as_millis());
    if row.first_attack_at.is_some() && millis.is_some_and(|millis| millis < 0) {
        tally.early = 1;
        return;
    }
    tally.millis.extend(millis.map(|millis| millis.max(0) as u64));
    let requests = verdict
        .requests_before
        .map(|requests| requests.saturating_sub(before_attack));
    tally.requests.extend(requests);
}
