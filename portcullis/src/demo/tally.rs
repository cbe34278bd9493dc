//! What truly happened: the simulation's labels beside what was seen, decided and refused.

use domain::{Action, Client, Decision, Mode, ThreatKind, Timestamp};
use simulator::{Label, Verdict};
use std::collections::{HashMap, HashSet};

/// A client that pauses for this long and attacks again begins a new attack: the scenario's rounds are ten minutes.
const ROUND_MILLIS: i64 = 300_000;
/// Attacks that are remembered. A round has fifteen; of older ones only sums are kept.
const ATTACKS_MAX: usize = 64;
/// Clients that are remembered. As many as the simulation makes in a day or two; past it new ones count nowhere.
const CLIENTS_MAX: usize = 500_000;

/// One request as the gateway saw it, with the truth about its sender.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) at: Timestamp,
    pub(super) client: Client,
    pub(super) label: Label,
    pub(super) behaviour: &'static str,
    pub(super) is_attack: bool,
    pub(super) verdict: Verdict,
}

/// One attack: the clients of one behaviour that began together.
#[derive(Debug, Clone)]
pub(super) struct Attack {
    /// Name of the behaviour.
    pub(super) name: &'static str,
    /// Its first attack request.
    pub(super) began_at: Timestamp,
    /// Its latest attack request.
    pub(super) latest_at: Timestamp,
    /// The first alert about one of its clients.
    pub(super) alerted_at: Option<Timestamp>,
    /// The first block of one of its clients, by the wall clock.
    pub(super) blocked_at: Option<Timestamp>,
    /// The first of its requests that the gateway refused.
    pub(super) refused_at: Option<Timestamp>,
    /// Its attack requests.
    pub(super) requests: u64,
    /// Those that the gateway refused.
    pub(super) refused: u64,
    /// Its clients that have attacked.
    pub(super) clients: HashSet<Client>,
    /// Those that were blocked.
    pub(super) blocked: HashSet<Client>,
    /// Those that were slowed down and not blocked.
    pub(super) slowed: HashSet<Client>,
}

/// A harmless client that was blocked or slowed down all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wronged {
    /// What it truly does.
    pub(super) behaviour: &'static str,
    /// What was decided.
    pub(super) action: Action,
    /// What it was taken for; `None` when the decision named somebody else.
    pub(super) threat: Option<ThreatKind>,
    /// Its requests that were refused.
    pub(super) refused: u64,
}

/// Sums over attacks that are no longer remembered one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Earlier {
    /// How many attacks.
    pub(super) attacks: u64,
    /// How many of them were blocked.
    pub(super) blocked: u64,
}

/// Everything that is told at the end.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Requests of every client.
    pub(super) requests: u64,
    /// Requests that the gateway refused.
    pub(super) refused: u64,
    /// Requests that the gateway slowed down.
    pub(super) slowed: u64,
    /// The first request.
    began_at: Option<Timestamp>,
    /// Clients by what they are.
    clients: HashMap<Client, Known>,
    attacks: Vec<Attack>,
    /// Harmless clients that were hit, in the order of their clients.
    wronged: HashMap<Client, Wronged>,
    earlier: Earlier,
}

/// What is known of a client.
#[derive(Debug, Clone, Copy)]
struct Known {
    label: Label,
    behaviour: &'static str,
}

impl Tally {
    /// Counts a request.
    pub(super) fn note_request(&mut self, seen: &Sighting) {
        self.requests += 1;
        self.began_at.get_or_insert(seen.at);
        self.refused += u64::from(seen.verdict == Verdict::Deny);
        self.slowed += u64::from(seen.verdict == Verdict::Throttle);
        if self.clients.len() < CLIENTS_MAX || self.clients.contains_key(&seen.client) {
            let known = Known {
                label: seen.label,
                behaviour: seen.behaviour,
            };
            self.clients.insert(seen.client.clone(), known);
        }
        match seen.label {
            Label::Attack(_) if seen.is_attack => self.note_attack(seen),
            Label::Attack(_) => {}
            Label::Benign(_) => self.note_harmless(seen),
        }
    }

    fn note_attack(&mut self, seen: &Sighting) {
        let attack = self.attack_of(seen);
        attack.latest_at = seen.at;
        attack.requests += 1;
        attack.clients.insert(seen.client.clone());
        if seen.verdict == Verdict::Deny {
            attack.refused += 1;
            attack.refused_at.get_or_insert(seen.at);
        }
    }

    fn attack_of(&mut self, seen: &Sighting) -> &mut Attack {
        let place = self.attacks.iter().rposition(|attack| {
            attack.name == seen.behaviour && seen.at.millis_since(attack.latest_at) < ROUND_MILLIS
        });
        let place = place.unwrap_or_else(|| {
            if self.attacks.len() >= ATTACKS_MAX {
                let oldest = self.attacks.remove(0);
                self.earlier.attacks += 1;
                self.earlier.blocked += u64::from(oldest.blocked_at.is_some());
            }
            self.attacks.push(Attack::begin(seen));
            self.attacks.len() - 1
        });
        &mut self.attacks[place]
    }

    fn note_harmless(&mut self, seen: &Sighting) {
        let action = match seen.verdict {
            Verdict::Pass => return,
            Verdict::Deny => Action::Block,
            Verdict::Throttle => Action::Throttle,
        };
        self.wrong(&seen.client, seen.behaviour, action, None).refused += 1;
    }

    fn wrong(
        &mut self,
        client: &Client,
        behaviour: &'static str,
        action: Action,
        threat: Option<ThreatKind>,
    ) -> &mut Wronged {
        let wronged = self.wronged.entry(client.clone()).or_insert(Wronged {
            behaviour,
            action,
            threat,
            refused: 0,
        });
        wronged.action = wronged.action.max(action);
        wronged.threat = wronged.threat.or(threat);
        wronged
    }

    /// Notes when a client first stood out.
    pub(super) fn note_alert(&mut self, client: &Client, alerted_at: Timestamp) {
        let is_cohort = !self.clients.contains_key(client);
        for attack in self
            .attacks
            .iter_mut()
            .filter(|attack| attack.holds(client, is_cohort))
        {
            let is_earlier = attack.alerted_at.is_none_or(|at| alerted_at < at);
            if alerted_at >= attack.began_at && is_earlier {
                attack.alerted_at = Some(alerted_at);
            }
        }
    }

    /// Notes what was decided at that moment of the wall clock.
    pub(super) fn note_decision(&mut self, decision: &Decision, created_at: Timestamp) {
        if decision.mode != Mode::Enforced || !decision.action.is_enforced() {
            return;
        }
        let client = &decision.client;
        let known = self.clients.get(client).copied();
        if let Some(known) = known
            && !known.label.is_attack()
        {
            self.wrong(client, known.behaviour, decision.action, Some(decision.threat));
        }
        for attack in self
            .attacks
            .iter_mut()
            .filter(|attack| attack.holds(client, known.is_none()))
        {
            attack.note_decision(client, decision.action, created_at);
        }
    }

    /// When the first request came.
    pub(super) fn began_at(&self) -> Option<Timestamp> {
        self.began_at
    }

    /// Clients seen so far.
    pub(super) fn clients(&self) -> usize {
        self.clients.len()
    }

    /// The attacks that are remembered, in the order of their beginnings.
    pub(super) fn attacks(&self) -> &[Attack] {
        &self.attacks
    }

    /// Attacks before those.
    pub(super) fn earlier(&self) -> Earlier {
        self.earlier
    }

    /// Harmless clients to which at least that was done, by client.
    pub(super) fn wronged(&self, action: Action) -> Vec<(&Client, &Wronged)> {
        let mut all: Vec<_> = self
            .wronged
            .iter()
            .filter(|(_, wronged)| wronged.action >= action)
            .collect();
        all.sort_by_key(|(client, _)| *client);
        all
    }
}

impl Attack {
    fn begin(seen: &Sighting) -> Self {
        Self {
            name: seen.behaviour,
            began_at: seen.at,
            latest_at: seen.at,
            alerted_at: None,
            blocked_at: None,
            refused_at: None,
            requests: 0,
            refused: 0,
            clients: HashSet::new(),
            blocked: HashSet::new(),
            slowed: HashSet::new(),
        }
    }

    /// Whether what names that client is about this attack. A cohort is, when it covers one of its clients.
    fn holds(&self, client: &Client, is_cohort: bool) -> bool {
        if !is_cohort {
            return self.clients.contains(client);
        }
        client.range().is_some_and(|range| {
            let covers = |member: &Client| member.range().is_some_and(|own| range.contains(&own));
            self.clients.iter().any(covers)
        })
    }

    fn note_decision(&mut self, client: &Client, action: Action, created_at: Timestamp) {
        if created_at < self.began_at {
            return;
        }
        if action == Action::Block {
            self.blocked_at.get_or_insert(created_at);
            self.slowed.remove(client);
            self.blocked.insert(client.clone());
        } else if !self.blocked.contains(client) {
            self.slowed.insert(client.clone());
        }
    }

    /// Milliseconds from its first attack request to that moment.
    pub(super) fn millis_to(&self, at: Option<Timestamp>) -> Option<i64> {
        at.map(|at| at.millis_since(self.began_at).max(0))
    }
}

#[cfg(test)]
mod tests;
