//! What has to change at a point. Pure.

use crate::item::{Held, Holding, Item};
use domain::{Client, Timestamp};
use std::collections::BTreeMap;

/// A point's own clock and ours may differ by so much, and its times are rounded: smaller differences change nothing.
const SLACK_MILLIS: i64 = 2_000;

/// What has to change for a point to hold what it is to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// To be written: nothing of ours is held about the client.
    pub add: Vec<Item>,
    /// To be written in place of what is held about the client: something else is done to it, or for another time.
    pub replace: Vec<Item>,
    /// To be taken away.
    pub remove: Vec<Client>,
}

impl Changes {
    /// Whether nothing has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.replace.is_empty() && self.remove.is_empty()
    }

    /// What is to be written, new or not.
    pub fn put(&self) -> impl Iterator<Item = &Item> {
        self.add.iter().chain(&self.replace)
    }

    /// How many clients it is about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.add.len() + self.replace.len() + self.remove.len()
    }
}

/// What has to change for a point that holds `held` to hold `wanted`.
#[must_use]
pub fn plan(wanted: &BTreeMap<Client, Item>, held: &Holding) -> Changes {
    let mut changes = Changes::default();
    for item in wanted.values() {
        match held.get(&item.client) {
            None => changes.add.push(item.clone()),
            Some(held) if is_other(item, held) => changes.replace.push(item.clone()),
            Some(_) => {}
        }
    }
    let gone = held.keys().filter(|client| !wanted.contains_key(*client));
    changes.remove = gone.cloned().collect();
    changes
}

/// Whether what is held is something else than what is wanted.
fn is_other(item: &Item, held: &Held) -> bool {
    let is_off = |at: Timestamp| item.expires_at.millis_since(at).abs() > SLACK_MILLIS;
    held.action != item.action || held.expires_at.is_some_and(is_off)
}
