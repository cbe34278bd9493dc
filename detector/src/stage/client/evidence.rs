//! Cold records of those who stand out: the requests that show it. Few, bounded, the least suspicious gives way.

use super::{Arrival, Epoch, evidence};
use crate::effort::evidence_max;
use crate::limits::EVIDENCE_MAX;
use crate::policy::RoleSet;
use crate::signal::RouteRole;
use crate::threat;
use crate::window::Window;
use domain::{Evidence, Position};

/// The requests that show why one client stands out.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Keyed hash of the client.
    pub key: u64,
    /// How suspicious, for giving way.
    pub rank: f32,
    /// The first requests, and the latest.
    pub evidence: Vec<Evidence>,
    /// How many of the latest were overwritten.
    pub overwritten: usize,
    /// What the routes are for that its requests went to, those included that were overwritten.
    pub roles: RoleSet,
}

/// The suspects of one shard.
#[derive(Debug)]
pub struct Suspects {
    suspects: Vec<Suspect>,
    suspects_max: usize,
    /// Times that somebody's requests were not kept, or kept no more, because others were more suspicious.
    pub left_out: u64,
}

/// So many of the first requests are never overwritten: the beginning tells most.
const FIRST_KEPT: usize = EVIDENCE_MAX / 2;

impl Suspects {
    /// Makes room for at most `suspects_max`.
    #[must_use]
    pub fn new(suspects_max: usize) -> Self {
        Self {
            suspects: Vec::new(),
            suspects_max,
            left_out: 0,
        }
    }

    /// Keeps one more request of a suspect, the one at that position, while there are fewer than `most`; where that is all there can be, in the
    /// place of another. `write` is only called when there is room and it is not kept already. The role of its route is noted in any case,
    /// unless it says nothing.
    pub fn keep(
        &mut self,
        key: u64,
        (rank, most, role): (f32, usize, Option<RouteRole>),
        position: Position,
        write: impl FnOnce() -> Evidence,
    ) {
        let Some(place) = self.admit(key, rank) else {
            return;
        };
        let suspect = &mut self.suspects[place];
        suspect.rank = suspect.rank.max(rank);
        role.into_iter().for_each(|role| suspect.roles.insert(role));
        if suspect.evidence.iter().any(|kept| kept.position == position) {
            return;
        }
        if suspect.evidence.len() < most.min(EVIDENCE_MAX) {
            suspect.evidence.push(write());
        } else if most >= EVIDENCE_MAX {
            let place = FIRST_KEPT + suspect.overwritten % (EVIDENCE_MAX - FIRST_KEPT);
            suspect.evidence[place] = write();
            suspect.overwritten += 1;
        }
    }

    fn admit(&mut self, key: u64, rank: f32) -> Option<usize> {
        if let Some(place) = self.suspects.iter().position(|suspect| suspect.key == key) {
            return Some(place);
        }
        let fresh = Suspect {
            key,
            rank,
            evidence: Vec::new(),
            overwritten: 0,
            roles: RoleSet::default(),
        };
        if self.suspects.len() < self.suspects_max {
            self.suspects.push(fresh);
            return Some(self.suspects.len() - 1);
        }
        self.left_out += 1;
        let weakest = (0..self.suspects.len())
            .min_by(|left, right| self.suspects[*left].rank.total_cmp(&self.suspects[*right].rank))?;
        if self.suspects[weakest].rank >= rank {
            return None;
        }
        self.suspects[weakest] = fresh;
        Some(weakest)
    }

    /// What is kept of a client in order of arrival, and its present request when nothing else is.
    pub fn with_latest(&self, key: u64, write: impl FnOnce() -> Evidence) -> Vec<Evidence> {
        let kept = self.suspects.iter().find(|suspect| suspect.key == key);
        match kept {
            Some(suspect) if !suspect.evidence.is_empty() => {
                let mut evidence = suspect.evidence.clone();
                evidence.sort_by_key(|entry| (entry.position.source, entry.position.line));
                evidence
            }
            _ => vec![write()],
        }
    }

    /// What is kept of a client; empty when nothing is.
    #[must_use]
    pub fn of(&self, key: u64) -> &[Evidence] {
        let kept = self.suspects.iter().find(|suspect| suspect.key == key);
        kept.map_or(&[], |suspect| &suspect.evidence)
    }

    /// What the routes are for on which the evidence against a client lies; empty when nothing is kept.
    #[must_use]
    pub fn roles_of(&self, key: u64) -> RoleSet {
        let kept = self.suspects.iter().find(|suspect| suspect.key == key);
        kept.map_or_else(RoleSet::default, |suspect| suspect.roles)
    }

    /// Forgets a client.
    pub fn forget(&mut self, key: u64) {
        self.suspects.retain(|suspect| suspect.key != key);
    }

    /// How many suspects there may be.
    #[must_use]
    pub fn most(&self) -> usize {
        self.suspects_max
    }

    /// Every suspect.
    #[must_use]
    pub fn as_slice(&self) -> &[Suspect] {
        &self.suspects
    }

    /// Puts suspects back, as a checkpoint holds them.
    pub fn restore(&mut self, suspects: Vec<Suspect>) {
        self.suspects = suspects.into_iter().take(self.suspects_max).collect();
    }
}

/// Keeps the present request as evidence of what is claimed, and gives what is kept of the client, and where it lies.
pub(super) fn keep_evidence(
    suspects: &mut Suspects,
    window: &Window,
    claims: &[(usize, threat::Claim)],
    (arrival, role): (&Arrival<'_, '_>, RouteRole),
    epoch: Epoch<'_>,
) -> (Vec<Evidence>, RoleSet) {
    let Some((_, strongest)) = claims.first() else {
        return (Vec::new(), RoleSet::default());
    };
    // Who takes object after object shows it by no single request: the looks at it are a sample.
    let latest = || evidence(arrival.record, arrival.at, epoch.describe);
    let kept = (
        window.suspicion.rank() + strongest.confidence,
        evidence_max(epoch.effort),
        threat::is_shown_by_samples(strongest.kind).then_some(role),
    );
    suspects.keep(arrival.key, kept, arrival.record.position, latest);
    // Of the kept evidence only: the present request's route is the client's own choice.
    let roles = suspects.roles_of(arrival.key);
    (suspects.with_latest(arrival.key, latest), roles)
}
