//! Whoever writes logs must not hold block authority: how far the word of each source is acted on.
//!
//! Records of different trust never meet in one window. What is trusted less than a block has windows of its own, and
//! moves nothing that clients have in common: no route, no cohort, no established client.

use crate::limits::LATENESS_MILLIS;
use crate::policy::SOURCE_CAP_DEFAULT;
use domain::{Action, HashKey};

/// How the word of a source is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceTerms {
    /// The strongest action that its records alone may lead to.
    pub most: Action,
    /// How far behind the latest of its records one may lie, in milliseconds; a later one is counted as late, and several
    /// in a row are taken for a clock that was put right.
    pub lateness_millis: i64,
    /// Clients that it may have acted on within an hour.
    pub cap: u32,
    /// The source with which it shares that cap, as the partitions of one topic do; `None` for none.
    pub counted_with: Option<u32>,
}

impl Default for SourceTerms {
    fn default() -> Self {
        Self {
            most: Action::Block,
            lateness_millis: LATENESS_MILLIS,
            cap: SOURCE_CAP_DEFAULT,
            counted_with: None,
        }
    }
}

/// The strongest action that a line may lead to which could be read in more than one way, whatever its source: whoever
/// can shift its fields can name anybody, so it is shown to people and nothing more.
pub(crate) const AMBIGUOUS_MOST: Action = Action::Observe;

/// The terms of every source that was named; others have the usual ones.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    by_number: Vec<SourceTerms>,
    /// Whether a fully trusted source spoke. From then on the others no longer move the time.
    pub(crate) is_led: bool,
}

impl Sources {
    /// As many as an operator has partitions and logs: no line makes a source.
    pub(crate) fn set(&mut self, source: u32, terms: SourceTerms) {
        let place = source as usize;
        if place >= self.by_number.len() {
            self.by_number.resize(place + 1, SourceTerms::default());
        }
        self.by_number[place] = terms;
    }

    pub(crate) fn get(&self, source: u32) -> SourceTerms {
        self.by_number.get(source as usize).copied().unwrap_or_default()
    }

    /// The gateway of a source, as what is counted with it: partitions of one topic are one.
    pub(crate) fn gateway(&self, source: u32) -> u16 {
        let gateway = self.get(source).counted_with.unwrap_or(source);
        u16::try_from(gateway).unwrap_or(u16::MAX)
    }

    pub(crate) fn most(&self, source: u32) -> Action {
        self.get(source).most
    }

    /// The terms of those that were named, in the order of their numbers.
    pub(crate) fn named(&self) -> &[SourceTerms] {
        &self.by_number
    }
}

/// The key of a client's window for records that may lead to `most`. `owner` is the client's keyed hash, and the key
/// of its fully trusted window.
pub(crate) fn window_key(hash_key: &HashKey, owner: u64, most: Action) -> u64 {
    if most == Action::Block {
        owner
    } else {
        hash_key.hash(&(owner, most.as_str()))
    }
}

/// The keys of all windows that a client may have, the fully trusted one first.
pub(crate) fn window_keys(hash_key: &HashKey, owner: u64) -> impl Iterator<Item = u64> {
    let hash_key = *hash_key;
    Action::ALL
        .into_iter()
        .rev()
        .map(move |most| window_key(&hash_key, owner, most))
}
