//! What routes are for, where no word and no person says it: learned from what established clients do there.
//!
//! Each client's POSTs are remembered for a while, on a few routes each. What clients without a successful history did is
//! kept and counts for nothing until they have one; of a range two count at most, and what was blocked is forgotten. A role
//! is taken when it is sure, and given up when it has become doubtful; nobody takes it away by staying away.

mod judge;
#[cfg(test)]
mod tests;
mod witness;

pub use witness::{Answer, Deed};

use crate::limits::{ROLE_NAMES_MAX, ROLE_WITNESSES_MAX, ROLES_LEARNED_MAX};
use crate::signal::RouteRole;
use judge::{DISSENTERS_MIN, Testimony};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use witness::Witness;

/// Routes are judged anew when what established clients did has changed in so many points, and in one for each sixteen
/// of them: the work of it stays in proportion to what comes in.
const CHANGES_MIN: u64 = 4;
/// See [`CHANGES_MIN`].
const CHANGED_SHARE: u64 = 16;

/// The role of a route, as learned.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedRole {
    /// The route as people read it; empty when it was not kept.
    pub route: Box<str>,
    /// What it is for.
    pub role: RouteRole,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// Established clients that stand behind it.
    pub clients: u32,
}

impl fmt::Display for LearnedRole {
    /// In words, as people are told it everywhere.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} is taken for {}, {:.0}% sure, by what {} established clients do there",
            self.route,
            self.role.as_str(),
            self.confidence * 100.0,
            self.clients
        )
    }
}

/// What is learned of routes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnedRoles {
    /// Who told something, by the key of the window.
    witnesses: BTreeMap<u64, Witness>,
    /// Routes as people read them.
    names: BTreeMap<u64, Box<str>>,
    /// What is taken for sure.
    learned: BTreeMap<u64, Taken>,
    /// What established clients did since routes were judged.
    changes: u64,
    /// Established clients that were heard when they were.
    heard: u64,
    /// What was passed over: POSTs on one route too many, witnesses and names forgotten, roles for which there was no room.
    passed_over: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Taken {
    /// Place of the role in the list of all.
    role: u8,
    confidence: f64,
    clients: u32,
}

impl Taken {
    fn role(self) -> RouteRole {
        RouteRole::ALL
            .get(usize::from(self.role))
            .copied()
            .unwrap_or_default()
    }
}

impl LearnedRoles {
    /// What a route is for; `None` while nothing is learned of it.
    #[must_use]
    pub fn of(&self, template: u64) -> Option<RouteRole> {
        if self.learned.is_empty() {
            return None;
        }
        self.learned.get(&template).map(|taken| taken.role())
    }

    /// What is learned of one route, with what stands behind it.
    #[must_use]
    pub fn get(&self, template: u64) -> Option<LearnedRole> {
        self.learned
            .get(&template)
            .map(|taken| self.shown(template, *taken))
    }

    /// Everything that is learned, in the order of what routes are called.
    #[must_use]
    pub fn all(&self) -> Vec<LearnedRole> {
        let learned = self.learned.iter();
        let mut all: Vec<LearnedRole> = learned
            .map(|(template, taken)| self.shown(*template, *taken))
            .collect();
        all.sort_by(|left, right| left.route.cmp(&right.route));
        all
    }

    /// What was passed over for want of room.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Clients that are heard, routes whose text is kept, and roles that were learned.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.witnesses.len(), self.names.len(), self.learned.len())
    }

    fn shown(&self, template: u64, taken: Taken) -> LearnedRole {
        LearnedRole {
            route: self.names.get(&template).cloned().unwrap_or_default(),
            role: taken.role(),
            confidence: taken.confidence,
            clients: taken.clients,
        }
    }

    /// Takes in a tick's POSTs in the order of arrival, and the keys of clients that became established in it, with their
    /// requests. Gives the routes for signing in that became known by it, with the established clients that use each.
    pub(crate) fn learn(&mut self, deeds: &[Deed], established: &[(u64, u64)]) -> Vec<(u64, u32)> {
        for deed in deeds {
            self.take(deed);
        }
        for (key, requests) in established {
            if let Some(witness) = self.witnesses.get_mut(key).filter(|known| !known.is_established) {
                witness.is_established = true;
                witness.requests = witness.requests.max(u32::try_from(*requests).unwrap_or(u32::MAX));
                self.changes += witness.uses.len() as u64;
            }
        }
        self.forget();
        let due = (self.heard / CHANGED_SHARE).max(CHANGES_MIN);
        if self.changes < due {
            return Vec::new();
        }
        self.changes = 0;
        self.judge()
    }

    /// Forgets what a client did: it was acted on, and its word is worth nothing.
    pub(crate) fn disown(&mut self, key: u64) {
        if self
            .witnesses
            .remove(&key)
            .is_some_and(|witness| witness.is_established)
        {
            self.changes += 1;
        }
    }

    fn take(&mut self, deed: &Deed) {
        let new = || Witness::new(deed.range);
        let witness = self.witnesses.entry(deed.key).or_insert_with(new);
        let is_followed = witness.note(deed);
        self.changes += u64::from(witness.is_established && deed.is_unnamed);
        self.passed_over += u64::from(!is_followed);
        if let Some(route) = deed.route.as_ref().filter(|_| deed.is_unnamed && is_followed)
            && self.names.len() < ROLE_NAMES_MAX
        {
            self.names.entry(deed.template).or_insert_with(|| route.clone());
        }
    }

    /// Makes room: whoever never became established goes first, then the longest silent.
    fn forget(&mut self) {
        if self.witnesses.len() > ROLE_WITNESSES_MAX {
            let witnesses = self.witnesses.iter();
            let mut ranked: Vec<(bool, u64, u64)> = witnesses
                .map(|(key, witness)| (witness.is_established, witness.last_seq, *key))
                .collect();
            ranked.sort_unstable();
            let surplus = ranked.len() - ROLE_WITNESSES_MAX / 2;
            for (_, _, key) in &ranked[..surplus] {
                self.witnesses.remove(key);
            }
            self.passed_over += surplus as u64;
        }
        if self.names.len() >= ROLE_NAMES_MAX {
            // Names that scanners made up go; so does what nobody established uses. It comes back with its next user.
            let used: std::collections::BTreeSet<u64> = self
                .witnesses
                .values()
                .filter(|witness| witness.is_established)
                .flat_map(|witness| witness.uses.iter().map(|used| used.template))
                .take(ROLE_NAMES_MAX / 2)
                .collect();
            let (learned, before) = (&self.learned, self.names.len());
            self.names
                .retain(|template, _| learned.contains_key(template) || used.contains(template));
            self.passed_over += (before - self.names.len()) as u64;
        }
    }

    /// Looks at every route that established clients used.
    fn judge(&mut self) -> Vec<(u64, u32)> {
        let mut routes: BTreeMap<u64, Testimony<'_>> = BTreeMap::new();
        self.heard = 0;
        for witness in self.witnesses.values().filter(|witness| witness.is_established) {
            self.heard += 1;
            for used in &witness.uses {
                let testimony = routes.entry(used.template).or_default();
                testimony.add(witness, used);
            }
        }
        let mut sign_ins = Vec::new();
        for (template, testimony) in &mut routes {
            testimony.weigh();
            let before = self.learned.get(template).map(|taken| taken.role());
            if testimony.clients() < DISSENTERS_MIN {
                continue;
            }
            let look = testimony.look(before);
            let Some(look) = look else {
                self.learned.remove(template);
                continue;
            };
            if before.is_none() && self.learned.len() >= ROLES_LEARNED_MAX {
                self.passed_over += 1;
                continue;
            }
            let clients = look.clients as u32;
            let taken = Taken {
                role: RouteRole::ALL
                    .iter()
                    .position(|role| *role == look.role)
                    .unwrap_or(0) as u8,
                confidence: look.confidence,
                clients,
            };
            self.learned.insert(*template, taken);
            if look.role.is_sign_in() && before != Some(look.role) {
                sign_ins.push((*template, clients));
            }
        }
        sign_ins
    }

    /// Whether it holds what it can have been given: what comes from a checkpoint is checked.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let is_role = |taken: &Taken| usize::from(taken.role) < RouteRole::ALL.len();
        self.witnesses.len() <= ROLE_WITNESSES_MAX
            && self.witnesses.values().all(Witness::is_whole)
            && self.names.len() <= ROLE_NAMES_MAX
            && self.learned.len() <= ROLES_LEARNED_MAX
            && self.learned.values().all(is_role)
    }
}
