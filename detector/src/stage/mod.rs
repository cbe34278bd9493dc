//! The three stages a request passes: its client's own window, cohorts of clients, and the one sequencer that decides.
//! Between the first and the others windows wait to be scored together.

pub mod client;
pub mod cohort;
pub mod kin;
pub mod sequencer;
pub mod waiting;

use client::Shard;

/// Runs one piece of work for every shard. The order in which shards run changes nothing.
pub trait Executor {
    /// Calls `work` once for every shard.
    fn for_each(&self, shards: &mut [Shard], work: &(dyn Fn(&mut Shard) + Sync));
}

/// One shard after the other, on the caller's thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Serial;

impl Executor for Serial {
    fn for_each(&self, shards: &mut [Shard], work: &(dyn Fn(&mut Shard) + Sync)) {
        shards.iter_mut().for_each(work);
    }
}
