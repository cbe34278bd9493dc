//! What speaks against a client, as the policy looks at it.

use crate::signal::RouteRole;
use domain::{Action, Client, Origin, ThreatKind, Timestamp};

/// What several routes are for. Two bytes: every suspect has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoleSet(u16);

impl RoleSet {
    /// The roles of a list.
    #[must_use]
    pub fn of(roles: &[RouteRole]) -> Self {
        let mut set = Self::default();
        roles.iter().for_each(|role| set.insert(*role));
        set
    }

    /// Adds one.
    pub fn insert(&mut self, role: RouteRole) {
        self.0 |= bit(role);
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether some role is in both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every role of it is in the other, and there is one.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        !self.is_empty() && self.0 & !other.0 == 0
    }

    /// Its roles.
    pub fn iter(self) -> impl Iterator<Item = RouteRole> {
        RouteRole::ALL
            .into_iter()
            .filter(move |role| self.0 & bit(*role) != 0)
    }

    /// As a checkpoint holds it.
    pub(crate) const fn to_bits(self) -> u16 {
        self.0
    }

    /// As a checkpoint holds it; bits that stand for no role are left out.
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << RouteRole::ALL.len()) - 1))
    }
}

/// A bit for each role, in the order of [`RouteRole::ALL`].
fn bit(role: RouteRole) -> u16 {
    let place = RouteRole::ALL.iter().position(|known| *known == role);
    place.map_or(0, |place| 1 << place)
}

/// What speaks against a client, and who it is.
#[derive(Clone, Copy)]
pub struct Charge<'a> {
    /// What its acts name most surely.
    pub threat: ThreatKind,
    /// How surely, strengthened by the score.
    pub confidence: f32,
    /// How surely by evidence alone; 0 for a score without any.
    pub evidence: f32,
    /// Whether an act convicts by itself.
    pub is_conclusive: bool,
    /// What the routes are for on which the evidence lies; empty where that is not known.
    pub roles: RoleSet,
    /// Who.
    pub client: &'a Client,
    /// Its requests so far.
    pub requests: u64,
    /// Whether it has a successful history.
    pub is_established: bool,
    /// Whether its user agent says that it is a crawler.
    pub is_declared_crawler: bool,
    /// Whether many people seem to be behind its address.
    pub is_crowd: bool,
    /// Its earlier offences that are remembered.
    pub offences: u32,
    /// When.
    pub at: Timestamp,
    /// Who found it: the model, or a rule of people's.
    pub origin: Origin,
    /// The value of a feature, by its place in the list; `None` where it is not known.
    pub feature: &'a dyn Fn(usize) -> Option<f32>,
}

/// What is done where no clause fits, and what a clause may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What thresholds, budget and campaigns ask for.
    pub usual: Action,
    /// The strongest action that a clause may lead to; never under `usual`.
    pub most: Action,
}

impl Bounds {
    /// What is done anyway is the most that may be done.
    #[must_use]
    pub const fn no_stronger(usual: Action) -> Self {
        Self { usual, most: usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_apart_and_survive_a_checkpoint() {
        for role in RouteRole::ALL {
            let set = RoleSet::of(&[role]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [role]);
            assert_eq!(RoleSet::from_bits(set.to_bits()), set);
        }
        assert!(RoleSet::from_bits(u16::MAX) == RoleSet::of(&RouteRole::ALL));
    }

    #[test]
    fn within_asks_for_all_and_overlaps_for_one() {
        let both = RoleSet::of(&[RouteRole::Login, RouteRole::Search]);
        let login = RoleSet::of(&[RouteRole::Login]);
        assert!(both.overlaps(login) && !both.is_within(login) && login.is_within(both));
        assert!(!RoleSet::default().is_within(both), "nothing is known of it");
    }
}
