//! Threads that share the shards' work. How many there are changes the speed, never a decision.

use detector::Executor;
use detector::stage::client::Shard;

/// Lines that one thread reads and judges together: their records stay in the second-level cache, and the allocator keeps their memory
/// instead of giving it back and having it cleared anew.
const SLICE_LINES: usize = 512;

/// Lines that several threads share: enough to keep them busy.
const SHARED_SLICE_LINES: usize = 4096;

/// Runs shards on scoped threads, or on the caller's when one is enough.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workers {
    threads: usize,
}

impl Workers {
    /// That many threads, at least one.
    #[must_use]
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            threads: threads.max(1),
        }
    }

    /// How many lines are to be read and judged together.
    #[must_use]
    pub(crate) fn slice_lines(self) -> usize {
        if self.threads > 1 {
            SHARED_SLICE_LINES
        } else {
            SLICE_LINES
        }
    }
}

impl Executor for Workers {
    fn for_each(&self, shards: &mut [Shard], work: &(dyn Fn(&mut Shard) + Sync)) {
        if self.threads == 1 {
            shards.iter_mut().for_each(work);
            return;
        }
        let per_thread = shards.len().div_ceil(self.threads);
        std::thread::scope(|scope| {
            for part in shards.chunks_mut(per_thread) {
                scope.spawn(move || part.iter_mut().for_each(work));
            }
        });
    }
}
