//! What changed lately: enough for gateways that ask "what is new since?".

use super::Entry;
use crate::Timestamp;
use std::collections::VecDeque;

/// One change. Its generation is its place in the ring.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) is_added: bool,
    pub(super) entry: Entry,
}

/// The latest changes, oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    changes: VecDeque<Change>,
    /// As many are kept however old they are.
    max: usize,
    /// As many at most, as long as they are of the last [`BURST_MILLIS`].
    burst_max: usize,
    generation: u64,
    /// Every change after this moment is in the ring.
    complete_after: Timestamp,
    /// Every change after this generation is in the ring.
    complete_after_generation: u64,
}

/// A burst is remembered for so long: whoever was away for longer takes the whole list, and is told what ended within it.
const BURST_MILLIS: i64 = 3_600_000;
/// Changes of a burst that are forgotten with a new one at most: a million at once would hold up whoever asks meanwhile.
const FORGOTTEN_AT_ONCE_MAX: usize = 8;

/// Generations begin here per millisecond of the clock: those of an earlier life of the process are lower, unless it
/// made a million changes in each millisecond, and so are never taken for our own.
const GENERATIONS_PER_MILLI: u64 = 1_000_000;

impl Ring {
    pub(super) fn new(max: usize, burst_max: usize, now: Timestamp) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let first = millis.saturating_mul(GENERATIONS_PER_MILLI);
        Self {
            changes: VecDeque::new(),
            max,
            burst_max: burst_max.max(max),
            generation: first,
            complete_after: now,
            complete_after_generation: first,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Notes a change. Times never go back, because the fold's clock does not.
    pub(super) fn push(&mut self, at: Timestamp, is_added: bool, entry: Entry) {
        self.generation += 1;
        self.changes.push_back(Change { at, is_added, entry });
        for _ in 0..FORGOTTEN_AT_ONCE_MAX {
            let is_over = self.changes.len() > self.burst_max
                || self.changes.len() > self.max
                    && self
                        .changes
                        .front()
                        .is_some_and(|oldest| at.millis_since(oldest.at) > BURST_MILLIS);
            let Some(dropped) = is_over.then(|| self.changes.pop_front()).flatten() else {
                break;
            };
            self.complete_after = dropped.at;
            self.complete_after_generation += 1;
        }
        // The memory of a burst goes back once it is forgotten.
        if self.changes.len() == self.max && self.changes.capacity() > 4 * self.max.max(1) {
            self.changes.shrink_to(2 * self.max);
        }
    }

    /// Changes after a generation; `None` when some of them are gone, or when the generation is not ours.
    pub(super) fn since_generation(&self, generation: u64) -> Option<impl Iterator<Item = &Change>> {
        if generation < self.complete_after_generation || generation > self.generation {
            return None;
        }
        let first = (generation - self.complete_after_generation) as usize;
        Some(self.changes.range(first..))
    }

    /// How many changes there were after a generation; `None` when it is not ours.
    pub(super) fn count_since(&self, generation: u64) -> Option<u64> {
        self.generation.checked_sub(generation)
    }

    /// All changes that are remembered after a moment, whether or not some of them are gone.
    pub(super) fn remembered_since(&self, after: Timestamp) -> impl DoubleEndedIterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.at <= after);
        self.changes.range(first..)
    }

    /// Changes after a moment; `None` when some of them are gone.
    pub(super) fn since_time(&self, after: Timestamp) -> Option<impl Iterator<Item = &Change>> {
        (after >= self.complete_after).then(|| self.remembered_since(after))
    }
}

/// What a gateway has to do to catch up. An entry's *key* is what a gateway knows it by: its client and its action.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delta<'a> {
    /// Entries that came into force and are the strongest of their key, in the order in which they came.
    pub added: Vec<Added<'a>>,
    /// The last entries of keys of which nothing is in force any more, in the order in which they went.
    pub removed: Vec<Removed<'a>>,
    /// The generation to ask from next time.
    pub generation: u64,
}

/// An entry that came into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// When it came into force.
    pub at: Timestamp,
}

/// An entry that went, with nothing left in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// When it went.
    pub at: Timestamp,
}
