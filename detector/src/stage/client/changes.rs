//! What one tick changed in one shard, for what all clients have in common.

use super::{Candidate, Hint};
use crate::limits::PAYLOAD_TICK_WORK_MAX;
use crate::neighbours::Use;
use crate::population::{Counts, Deed, EstablishedChanges, Traffic, Vote};
use crate::rule::Hit;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// What one tick changed in one shard, for what all clients have in common.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Windows that are due for a score.
    pub candidates: Vec<Candidate>,
    /// Words on routes.
    pub votes: Vec<Vote>,
    /// What passed: requests by what is counted of them.
    pub traffic: Traffic,
    /// POSTs, as far as they tell what routes are for.
    pub deeds: Vec<Deed>,
    /// Windows of clients that became established, by their keys, with their requests.
    pub grown_up: Vec<(u64, u64)>,
    /// From pages of which names clients came that became established, by keyed hashes.
    pub came_from: Vec<u64>,
    /// What small clients show, or no longer show.
    pub hints: Vec<Hint>,
    /// Requests that count for rules.
    pub hits: Vec<Hit>,
    /// Numbers of the cohorts that clients joined, and whether each is a range.
    pub joined: Vec<(u64, bool)>,
    /// Clients that came first; windows of whoever is trusted less are none.
    pub newcomers: u32,
    /// New windows: their keys, and their clients' keyed hashes.
    pub arrived: Vec<(u64, u64)>,
    /// What came from addresses with several programs.
    pub(crate) uses: Vec<Use>,
    /// Change of the established clients.
    pub established: EstablishedChanges,
    /// What was spent on searching for payloads, by client: no more entries than a tick has records.
    pub work: HashMap<u64, u32, FixedState>,
}

impl Changes {
    /// What may still be spent in this tick on searching what a client sends for payloads, in searched bytes.
    pub(super) fn work_left(&self, key: u64) -> u32 {
        let spent = self.work.get(&key).copied().unwrap_or(0);
        PAYLOAD_TICK_WORK_MAX.saturating_sub(spent)
    }

    /// Forgets everything and keeps what room an ordinary tick takes: asking the allocator for it anew in each tick cost more than
    /// half of all that it is asked for.
    pub(crate) fn clear(&mut self) {
        empty(&mut self.candidates);
        empty(&mut self.votes);
        self.traffic.site = Counts::default();
        empty(&mut self.traffic.routes);
        empty(&mut self.traffic.samples);
        empty(&mut self.deeds);
        empty(&mut self.grown_up);
        empty(&mut self.came_from);
        empty(&mut self.hints);
        empty(&mut self.hits);
        empty(&mut self.joined);
        empty(&mut self.arrived);
        empty(&mut self.uses);
        self.newcomers = 0;
        self.established.0.clear();
        self.work.clear();
        self.work.shrink_to(KEPT_MAX);
    }

    pub(super) fn spend(&mut self, key: u64, work: u32) {
        if work > 0 {
            let spent = self.work.entry(key).or_default();
            *spent = spent.saturating_add(work);
        }
    }
}

/// Entries of a list of changes for which room is kept between ticks: a flood's lists are given back.
const KEPT_MAX: usize = 32;

fn empty<T>(list: &mut Vec<T>) {
    list.clear();
    list.shrink_to(KEPT_MAX);
}
