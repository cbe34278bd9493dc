//! Whoever writes logs must not hold block authority: how far the word of each source is acted on.
//!
//! Records of different trust never meet in one window. What is trusted less than a block has windows of its own, and
//! moves nothing that clients have in common: no route, no cohort, no established client.

use domain::{Action, HashKey};
use std::collections::BTreeMap;

/// How far the word of a source is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceTrust {
    /// The strongest action that its records alone may lead to.
    pub most: Action,
}

impl Default for SourceTrust {
    fn default() -> Self {
        Self { most: Action::Block }
    }
}

/// The strongest action that a line may lead to which could be read in more than one way, whatever its source: whoever
/// can shift its fields can name anybody, so it is shown to people and nothing more.
pub(crate) const AMBIGUOUS_MOST: Action = Action::Observe;

/// The trust of every source that was named; others are trusted fully.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) by_number: BTreeMap<u32, Action>,
    /// Whether a fully trusted source spoke. From then on the others no longer move the time.
    pub(crate) is_led: bool,
}

impl Sources {
    pub(crate) fn set(&mut self, source: u32, trust: SourceTrust) {
        if trust.most == Action::Block {
            self.by_number.remove(&source);
        } else {
            self.by_number.insert(source, trust.most);
        }
    }

    pub(crate) fn most(&self, source: u32) -> Action {
        self.by_number.get(&source).copied().unwrap_or(Action::Block)
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
