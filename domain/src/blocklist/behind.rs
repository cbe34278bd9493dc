//! What whoever is far behind is told beside the whole list.

use super::{Blocklist, Entry, Removed};
use crate::{Action, Client, Timestamp};
use std::collections::HashSet;

impl Blocklist {
    /// The last entries of keys of which nothing visible is in force any more, as far as it is remembered that they went after a
    /// moment, in the order in which they went: what whoever is told the whole list has to take off his own.
    #[must_use]
    pub fn removed_since(&self, after: Timestamp, visible: impl Fn(&Entry) -> bool) -> Vec<Removed<'_>> {
        let mut removed = Vec::new();
        // Newest first, so that of several ends of one key the last one speaks.
        let mut seen: HashSet<(&Client, Action)> = HashSet::new();
        for change in self.ring.remembered_since(after).rev() {
            let (entry, at) = (&change.entry, change.at);
            // A list that has just been filled is full of what came.
            if change.is_added || !visible(entry) || !seen.insert((&entry.client, entry.action)) {
                continue;
            }
            let mut left = self.naming(&entry.client);
            if !left.any(|other| other.action == entry.action && visible(other)) {
                removed.push(Removed { entry, at });
            }
        }
        removed.reverse();
        removed
    }

    /// How many changes there were after a generation; `None` when it is of another life of this process.
    #[must_use]
    pub fn changes_since(&self, generation: u64) -> Option<u64> {
        self.ring.count_since(generation)
    }
}
