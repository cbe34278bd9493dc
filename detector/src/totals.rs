//! How much the detector has seen, in figures for people.

use crate::detector::Detector;
use crate::population::ScoreOnly;
use crate::score::Scorer;

/// How much was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records taken in.
    pub records: u64,
    /// Clients seen; one that was forgotten and came back counts again.
    pub clients: u64,
    /// Clients forgotten because a shard was full.
    pub forgotten: u64,
    /// Established clients now.
    pub established: u64,
    /// Names (API keys and others) that are used by many now.
    pub shared_names: u64,
    /// Requests that we stopped: marked by the gateway, or refused while a block was in force.
    pub stopped: u64,
    /// Requests answered with success although a block had been in force for longer than a gateway takes to learn of
    /// it: enforcement does not hold.
    pub leaks: u64,
    /// Requests that were not searched for payloads, because the client's work for the tick was spent.
    pub unsearched: u64,
    /// Established clients that the guard held back, once for each tick in which it did.
    pub held_back: u64,
    /// Times that a client was not acted on because the cap of its source was spent.
    pub over_cap: u64,
    /// Whether too little of the site was seen to act on anything but conclusive acts.
    pub is_warming_up: bool,
    /// Client-days in the reservoir of scores.
    pub client_days: u64,
    /// What came of blocks that rest on the score alone.
    pub score_only: ScoreOnly,
}

impl<S: Scorer> Detector<S> {
    /// How much was seen.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let remembered: usize = self.shards.iter().map(|shard| shard.slots.len()).sum();
        let forgotten: u64 = self.shards.iter().map(|shard| shard.slots.forgotten).sum();
        Totals {
            records: self.seq,
            clients: remembered as u64 + forgotten,
            forgotten,
            established: self.memory.population.established.all.clients,
            shared_names: self.names.shared(),
            stopped: self.shards.iter().map(|shard| shard.stopped).sum(),
            leaks: self.shards.iter().map(|shard| shard.leaks).sum(),
            unsearched: self.shards.iter().map(|shard| shard.unsearched).sum(),
            held_back: self.memory.sequencer.guard.held_back,
            over_cap: self.memory.sequencer.caps.held_back,
            is_warming_up: self
                .memory
                .population
                .seen
                .warm_up(self.settings.policy.warm_up_secs, self.now)
                .is_some(),
            client_days: self.memory.population.scores.client_days(),
            score_only: self.memory.population.scores.score_only(),
        }
    }
}
