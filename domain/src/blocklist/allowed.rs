//! Who is protected: allow entries found by overlap.

use super::prefix::PrefixMap;
use crate::{Client, Scope, Timestamp};
use std::collections::HashMap;

/// Until when an entry protects; `None` for good.
type Until = Option<Timestamp>;

/// A set of allow entries.
#[derive(Debug)]
pub(super) struct Allowed {
    ranges: PrefixMap<Until>,
    named: HashMap<Client, Until>,
}

impl Allowed {
    pub(super) fn new() -> Self {
        Self {
            ranges: PrefixMap::new(),
            named: HashMap::new(),
        }
    }

    /// Adds an entry; of two about the same client the one that protects longer stays.
    pub(super) fn add_longest(&mut self, client: &Client, until: Until) {
        let earlier = match client.range() {
            Some(range) => self.ranges.get(range).copied(),
            None => self.named.get(client).copied(),
        };
        let longest = match (earlier, until) {
            (Some(Some(earlier)), Some(until)) => Some(earlier.max(until)),
            (Some(None), _) | (_, None) => None,
            (None, until) => until,
        };
        self.set(client, longest);
    }

    /// Adds an entry, or replaces the client's.
    pub(super) fn set(&mut self, client: &Client, until: Until) {
        match client.range() {
            Some(range) => drop(self.ranges.insert(range, until)),
            None => drop(self.named.insert(client.clone(), until)),
        }
    }

    /// Takes the client's entry out; false when there was none.
    pub(super) fn remove(&mut self, client: &Client) -> bool {
        match client.range() {
            Some(range) => self.ranges.remove(range).is_some(),
            None => self.named.remove(client).is_some(),
        }
    }

    /// Whether an entry that holds at `now` overlaps the client.
    pub(super) fn protects(&self, client: &Client, now: Timestamp) -> bool {
        let holds = |until: &Until| until.is_none_or(|until| until > now);
        match client.range() {
            Some(range) => self.ranges.overlapping(range).any(holds),
            None => self.named.get(client).is_some_and(holds),
        }
    }

    /// Autonomous systems with an entry that holds at `now`.
    pub(super) fn systems(&self, now: Timestamp) -> impl Iterator<Item = &Client> {
        self.named
            .iter()
            .filter(move |(client, until)| {
                client.scope() == Scope::As && until.is_none_or(|until| until > now)
            })
            .map(|(client, _)| client)
    }
}
