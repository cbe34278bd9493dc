//! What differs between two configurations, and what of it can take effect without a restart.

use super::check::Entry;
use super::setting::Reload;
use std::collections::BTreeMap;

/// One setting that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its path.
    pub(crate) path: String,
    /// What it was, secrets masked; `None` when it was not there.
    pub(crate) old: Option<String>,
    /// What it is; `None` when it is gone.
    pub(crate) new: Option<String>,
}

/// Everything that differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    /// Takes effect at once.
    pub(crate) live: Vec<Change>,
    /// Takes effect at the next start.
    pub(crate) restart: Vec<Change>,
}

impl Changes {
    /// Compares effective settings: writing a default out is no change.
    pub(super) fn between(old: &[Entry], new: &[Entry]) -> Self {
        let mut changes = Self::default();
        let before: BTreeMap<&str, &Entry> = old.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        let after: BTreeMap<&str, &Entry> = new.iter().map(|entry| (entry.path.as_str(), entry)).collect();
        let gone = old
            .iter()
            .filter(|entry| !after.contains_key(entry.path.as_str()));
        for entry in new.iter().chain(gone) {
            let (was, is) = (before.get(entry.path.as_str()), after.get(entry.path.as_str()));
            if was.map(|entry| &entry.value) == is.map(|entry| &entry.value) {
                continue;
            }
            let change = Change {
                path: entry.path.clone(),
                old: was.map(|entry| entry.show()),
                new: is.map(|entry| entry.show()),
            };
            match entry.setting.reload {
                Reload::Live => changes.live.push(change),
                Reload::Restart => changes.restart.push(change),
            }
        }
        changes
    }

    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.restart.is_empty()
    }
}
