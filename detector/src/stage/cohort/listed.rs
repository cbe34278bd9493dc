//! One cohort: how many clients it has, and those of them against whom something speaks.

use super::History;
use crate::limits::{CAMPAIGN_MEMBERS_MAX, EVIDENCE_MAX};
use domain::{Evidence, Member, ThreatKind, Timestamp};

/// Evidence is forgotten after this long without more.
const MEMORY_MILLIS: i64 = 6 * 3600 * 1000;

/// Most clients of a cohort that show too little: as many as a range of IPv4 has. The longest silent give way, and count as
/// anybody.
const FAINT_MAX: usize = 256;

/// Suspects by what they did, in the order of [`ThreatKind::ALL`].
pub type Tally = [u64; ThreatKind::ALL.len()];

/// One client of a cohort against which something speaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspected {
    /// Key of its window.
    pub key: u64,
    /// Its keyed hash.
    pub owner: u64,
    /// Number of the source whose word it is.
    pub source: u32,
    /// As the campaign lists it.
    pub member: Member,
    /// What it did.
    pub threat: ThreatKind,
    /// Whether it made few requests, none of them a success: then it may be acted on as a member.
    pub is_small: bool,
    /// Its latest suspicious request.
    pub last_at: Timestamp,
    /// Until when it is acted on as a member.
    pub until: Option<Timestamp>,
}

/// What several clients of a cohort did alike. Different people may use one range for different things, so each is
/// weighed, and alerted on, by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// What.
    pub threat: ThreatKind,
    /// Suspects that gave way to later ones.
    pub unlisted: u32,
    /// When it became a campaign.
    pub hot_since: Option<Timestamp>,
    /// One request each of the first suspects.
    pub evidence: Vec<Evidence>,
}

/// One cohort.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cohort {
    /// Clients seen in it.
    pub clients: u32,
    /// The latest evidence.
    pub last_millis: i64,
    /// Clients against which something speaks: the latest, up to a limit.
    pub suspects: Vec<Suspected>,
    /// Clients that show too little to be suspects and nothing else: the latest, up to a limit. Nobody's witnesses; members,
    /// where the others make a campaign of a range.
    pub faint: Vec<Suspected>,
    /// What they did, in the order in which it was first seen: no more entries than there are kinds of threats.
    pub acts: Vec<Act>,
    /// What its clients have in common as people read it; empty for a range, and where it is not known.
    pub name: Box<str>,
    /// What it was like on earlier days.
    pub history: History,
}

impl Suspected {
    /// A client that is not acted on as a member.
    pub(super) fn new(
        (key, owner): (u64, u64),
        source: u32,
        (member, threat): (Member, ThreatKind),
        last_at: Timestamp,
    ) -> Self {
        Self {
            key,
            owner,
            source,
            member,
            threat: one_act(threat),
            is_small: false,
            last_at,
            until: None,
        }
    }
}

impl Cohort {
    /// Notes that there is evidence now, and forgets what is long past.
    pub(super) fn touch(&mut self, now: Timestamp) {
        let is_past = now.as_millis().saturating_sub(self.last_millis) > MEMORY_MILLIS;
        match self.idle_share() {
            Some(share) => self.history.see(share),
            None => self.history.leave_out(),
        }
        self.history.move_to(now);
        if is_past {
            *self = Self {
                clients: self.clients,
                history: self.history,
                ..Self::default()
            };
        }
        self.last_millis = self.last_millis.max(now.as_millis());
    }

    /// The share of its clients against which something speaks and nothing is done; `None` when it is a campaign.
    fn idle_share(&self) -> Option<f64> {
        if self.acts.iter().any(|act| act.hot_since.is_some()) {
            return None;
        }
        let is_idle = |known: &&Suspected| known.until.is_none() && !known.member.action.is_enforced();
        let idle = self.suspects.iter().filter(is_idle).count();
        Some(idle as f64 / f64::from(self.clients.max(1)))
    }

    /// What is remembered of those who did one thing.
    #[must_use]
    pub fn act(&self, threat: ThreatKind) -> Option<&Act> {
        self.acts.iter().find(|act| act.threat == threat)
    }

    /// The same, to be changed; made when it is new.
    pub(super) fn act_mut(&mut self, threat: ThreatKind) -> &mut Act {
        let known = self.acts.iter().position(|act| act.threat == threat);
        let place = known.unwrap_or_else(|| {
            self.acts.push(Act {
                threat,
                unlisted: 0,
                hot_since: None,
                evidence: Vec::new(),
            });
            self.acts.len() - 1
        });
        &mut self.acts[place]
    }

    /// Clients against which something speaks, those that gave way included.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for known in &self.suspects {
            tally[known.threat as usize] += 1;
        }
        for act in &self.acts {
            tally[act.threat as usize] += u64::from(act.unlisted);
        }
        tally
    }

    /// Clients that did one thing and came before `until`. Those that gave way were silent for long.
    pub(super) fn ripe(&self, threat: ThreatKind, until: Timestamp) -> u64 {
        let is_ripe = |known: &&Suspected| known.threat == threat && known.member.first_seen <= until;
        let unlisted = self.act(threat).map_or(0, |act| act.unlisted);
        self.suspects.iter().filter(is_ripe).count() as u64 + u64::from(unlisted)
    }

    /// Lists a suspect; `is_first` says that it was certainly never listed.
    pub(super) fn note(&mut self, suspected: Suspected, evidence: Option<&Evidence>, is_first: bool) {
        if let Some(known) = self.suspects.iter_mut().find(|known| known.key == suspected.key) {
            known.member.requests = suspected.member.requests;
            known.is_small &= suspected.is_small;
            known.last_at = suspected.last_at;
            return;
        }
        self.faint.retain(|known| known.key != suspected.key);
        let is_full = self.suspects.len() >= CAMPAIGN_MEMBERS_MAX;
        let act = self.act_mut(suspected.threat);
        if act.evidence.len() < EVIDENCE_MAX {
            act.evidence.extend(evidence.cloned());
        }
        if !is_full {
            self.suspects.push(suspected);
            return;
        }
        // Whoever comes back takes its own place among those who gave way: nobody is counted twice.
        if !is_first {
            act.unlisted = act.unlisted.saturating_sub(1);
        }
        self.give_way(suspected);
    }

    /// Lists a client that shows too little to be a suspect, unless it is one already.
    pub(super) fn note_faint(&mut self, suspected: Suspected) {
        let all = self.suspects.iter_mut().chain(&mut self.faint);
        if let Some(known) = all.into_iter().find(|known| known.key == suspected.key) {
            known.member.requests = suspected.member.requests;
            known.last_at = suspected.last_at;
            return;
        }
        if self.faint.len() < FAINT_MAX {
            self.faint.push(suspected);
        } else if let Some(oldest) = self.faint.iter_mut().min_by_key(|known| known.last_at) {
            *oldest = suspected;
        }
    }

    /// Puts a suspect in the place of one that was acted on, or else of the longest silent.
    fn give_way(&mut self, suspected: Suspected) {
        let place = (0..self.suspects.len()).min_by_key(|place| {
            let known = &self.suspects[*place];
            (known.until.is_none(), known.last_at)
        });
        if let Some(place) = place {
            let gone = std::mem::replace(&mut self.suspects[place], suspected);
            let act = self.act_mut(gone.threat);
            act.unlisted = act.unlisted.saturating_add(1);
        }
    }

    /// Takes back what a small client showed, unless it was acted on already.
    pub(super) fn clear(&mut self, client: u64) {
        let before = self.faint.len();
        self.faint
            .retain(|known| known.key != client || known.until.is_some());
        if self.faint.len() < before {
            return;
        }
        if self.suspects.iter().any(|known| known.key == client) {
            self.suspects
                .retain(|known| known.key != client || !known.is_small || known.until.is_some());
            return;
        }
        // It gave way. Nothing says what it did: most likely what most of those did.
        if let Some(act) = self.acts.iter_mut().max_by_key(|act| act.unlisted) {
            act.unlisted = act.unlisted.saturating_sub(1);
        }
    }
}

/// Failed sign-ins are stuffing or cracking by how many accounts they try: one act.
pub(crate) fn one_act(threat: ThreatKind) -> ThreatKind {
    match threat {
        ThreatKind::CredentialCracking => ThreatKind::CredentialStuffing,
        other => other,
    }
}
