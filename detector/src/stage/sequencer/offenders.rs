//! Who was alerted on, and what became of it: episodes, offences, expiry.

use crate::limits::OFFENDERS_MAX;
use crate::neighbours::Narrowed;
use crate::policy::PolicySettings;
use crate::stage::client::Candidate;
use domain::{Action, Client, ThreatKind, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// One client's present or last episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Offender {
    /// Who.
    pub client: Client,
    /// When the episode began: part of the decision's identity.
    pub started_at: Timestamp,
    /// The threat it began with: part of the decision's identity.
    pub threat: ThreatKind,
    /// The latest alert.
    pub last_at: Timestamp,
    /// The client's requests when it began.
    pub requests_before_alert: u64,
    /// The strongest action so far.
    pub action: Action,
    /// The strongest action that the evidence asked for so far, taken or not.
    pub asked: Action,
    /// Until when that action holds; `None` while it is only observed.
    pub until: Option<Timestamp>,
    /// Earlier episodes that were offences: blocks, and what a clause with a ladder did.
    pub offences: u32,
    /// Whether anything was said yet.
    pub is_alerted: bool,
    /// Whether this episode will count as an offence.
    pub is_offence: bool,
    /// How long it is remembered, in seconds, where a clause says so.
    pub memory_secs: Option<u32>,
    /// Whether what was decided is only recorded, by a clause.
    pub is_shadow: bool,
    /// The programs behind its address to which what was decided was narrowed.
    pub(crate) narrowed: Narrowed,
}

impl Offender {
    /// Whether an action is in force at `at`.
    #[must_use]
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at < until)
    }

    /// Whether nothing needs to be done any more: as much is in force. What is only recorded keeps nothing from being carried out,
    /// and is not recorded beside what is carried out.
    #[must_use]
    pub fn is_settled(&self, wanted: Action, is_shadow: bool, at: Timestamp) -> bool {
        let is_enough = wanted <= self.action;
        self.is_in_force(at)
            && match (self.is_shadow, is_shadow) {
                (true, false) => false,
                (false, true) => true,
                _ => is_enough,
            }
    }

    /// Whether an action would be news: the first word of an episode, a stronger action, one that is carried out where it was only
    /// recorded, or that a stronger one was asked for and held back.
    #[must_use]
    pub fn is_news(&self, (action, asked): (Action, Action), is_shadow: bool, at: Timestamp) -> bool {
        let is_held_back = action < asked && asked > self.asked;
        let is_new_word = action.is_enforced() || is_held_back;
        let is_carried_out_now = action.is_enforced() && self.is_shadow && !is_shadow;
        !self.is_alerted
            || action > self.action
            || is_carried_out_now
            || (is_new_word && !self.is_in_force(at))
    }

    /// How many offences would be remembered of it at that moment, when the episode is over then; `None` when it goes on.
    fn over_at(&self, at: Timestamp, policy: &PolicySettings) -> Option<u32> {
        let pause_millis = at.millis_since(self.last_at);
        let is_expired = self.until.is_some_and(|until| until <= at);
        let is_over =
            is_expired || (self.until.is_none() && pause_millis > i64::from(policy.episode_secs) * 1000);
        if !is_over || !self.is_alerted {
            return None;
        }
        let is_remembered = pause_millis <= self.memory_millis(policy);
        let earlier = if is_remembered { self.offences } else { 0 };
        Some(earlier + u32::from(is_remembered && self.is_offence))
    }

    fn memory_millis(&self, policy: &PolicySettings) -> i64 {
        i64::from(self.memory_secs.unwrap_or(policy.memory_secs)) * 1000
    }
}

/// Everybody with an episode on record.
#[derive(Debug, Clone, Default)]
pub struct Offenders {
    by_key: HashMap<u64, Offender, FixedState>,
    /// Offenders forgotten because the table was full.
    pub forgotten: u64,
}

impl Offenders {
    /// The candidate's present episode; a new one when the last is over.
    pub fn episode(
        &mut self,
        candidate: &Candidate,
        threat: ThreatKind,
        policy: &PolicySettings,
    ) -> &mut Offender {
        let fresh = |offences| Offender {
            client: candidate.client.clone(),
            started_at: candidate.at,
            threat,
            last_at: candidate.at,
            requests_before_alert: candidate.requests,
            action: Action::Observe,
            asked: Action::Observe,
            until: None,
            offences,
            is_alerted: false,
            is_offence: false,
            memory_secs: None,
            is_shadow: false,
            narrowed: Narrowed::default(),
        };
        let offender = self.by_key.entry(candidate.key).or_insert_with(|| fresh(0));
        if let Some(offences) = offender.over_at(candidate.at, policy) {
            *offender = fresh(offences);
        }
        offender
    }

    /// The earlier offences of a client that are remembered at that moment.
    #[must_use]
    pub fn offences(&self, key: u64, at: Timestamp, policy: &PolicySettings) -> u32 {
        self.by_key.get(&key).map_or(0, |offender| {
            offender.over_at(at, policy).unwrap_or(offender.offences)
        })
    }

    /// How many are on record.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.by_key.len()
    }

    /// The episode of a client, when there is one.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&Offender> {
        self.by_key.get(&key)
    }

    /// Ends what is in force, by a person's order.
    pub fn release(&mut self, key: u64) {
        if let Some(offender) = self.by_key.get_mut(&key) {
            offender.until = None;
            offender.action = Action::Observe;
            offender.is_offence = false;
            offender.narrowed = Narrowed::default();
        }
    }

    /// Forgets episodes past the policy's memory, and the oldest when there are too many.
    pub fn forget(&mut self, policy: &PolicySettings, now: Timestamp) {
        if self.by_key.len() <= OFFENDERS_MAX {
            return;
        }
        self.by_key.retain(|_, offender| {
            offender.is_in_force(now) || now.millis_since(offender.last_at) <= offender.memory_millis(policy)
        });
        let surplus = self.by_key.len().saturating_sub(OFFENDERS_MAX);
        let mut oldest: Vec<(Timestamp, u64)> = self
            .by_key
            .iter()
            .map(|(key, offender)| (offender.last_at, *key))
            .collect();
        oldest.sort_unstable();
        for (_, key) in oldest.into_iter().take(surplus) {
            self.by_key.remove(&key);
        }
        self.forgotten += surplus as u64;
    }

    /// Everybody, in the order of their keys.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u64, Offender)> {
        let mut all: Vec<(u64, Offender)> = self
            .by_key
            .iter()
            .map(|(key, offender)| (*key, offender.clone()))
            .collect();
        all.sort_by_key(|(key, _)| *key);
        all
    }

    /// Puts offenders back, as a checkpoint holds them.
    pub fn restore(&mut self, all: Vec<(u64, Offender)>, forgotten: u64) {
        self.by_key = all.into_iter().collect();
        self.forgotten = forgotten;
    }
}
