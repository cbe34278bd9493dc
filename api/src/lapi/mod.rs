//! The CrowdSec-compatible local API, so that existing bouncers work unchanged.
//!
//! Semantics follow CrowdSec 1.7.8, and the bytes captured from a real server wherever a client depends on them:
//! `null` without a newline on a miss, durations in Go's form. Every answer comes from memory.
//!
//! Machines (CrowdSec's watchers, `cscli`) sign in with a key of the role watcher, and what they push is kept as a report: it blocks
//! nobody, because only our own detector and people decide. With an operator's key the same push is that operator's order.

mod alert;
mod alerts;
mod duration;
mod filter;
mod handler;
mod list;
mod machine;
#[cfg(test)]
mod machine_tests;
mod packed;
mod sent;
mod snapshot;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use handler::{health, router};
pub(crate) use list::Lists;
pub(crate) use machine::Machines;

use crate::auth::KnownKey;
use crate::blocklist::{BlocklistSource, read};
use domain::Timestamp;
use domain::blocklist::{Blocklist, Entry, Removed};
use filter::Filter;
use snapshot::{Audience, Changes, Cursor, Snapshot, Snapshots};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use wire::{Wire, is_served, is_served_somewhere};

/// Most bouncers whose place in the stream is remembered; above it the one that was away longest starts anew.
const CURSORS_MAX: usize = 10_000;
/// How long an ended decision is told to bouncers that ask for everything.
const ENDED_KEPT_MILLIS: i64 = 3_600_000;
/// A bouncer that is further behind takes the whole list, and what has ended within the hour: it is written once for all who ask, and
/// a difference of a million would be worked out for each.
const CHANGES_MAX: u64 = 20_000;
/// Deletions up to this much older than a bouncer's last pull are repeated: its answer may have been lost.
const OVERLAP_MILLIS: i64 = 2_000;

/// One bouncer: its key and where it asks from. Two gateways that share a key must not take each other's changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct BouncerId {
    key: String,
    address: IpAddr,
}

impl BouncerId {
    fn new(key: &KnownKey, address: IpAddr) -> Self {
        Self {
            key: key.key.name.clone(),
            address: address.to_canonical(),
        }
    }
}

/// What bouncers are served, and where each of them stands.
pub(crate) struct Lapi {
    wire: Wire,
    blocklist: Arc<dyn BlocklistSource>,
    cursors: Mutex<HashMap<BouncerId, Cursor>>,
    snapshots: Snapshots,
    /// One whole list is written at a time: the others that want it wait and share it.
    writing: tokio::sync::Mutex<()>,
}

impl Lapi {
    /// Serves the blocklist under that origin.
    pub(crate) fn new(blocklist: Arc<dyn BlocklistSource>, origin: &str) -> Self {
        Self {
            wire: Wire::new(origin),
            blocklist,
            cursors: Mutex::default(),
            snapshots: Snapshots::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// How decisions look.
    fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Every decision that matches and holds at `now`.
    fn matching(&self, filter: &Filter, gateway: Option<&str>, now: Timestamp) -> Vec<Entry> {
        read(&*self.blocklist, |list| {
            find(list, filter, &self.wire, gateway, now)
        })
    }

    /// The answer to a lookup: `null` when nothing matches.
    fn find(&self, filter: &Filter, key: &KnownKey, now: Timestamp) -> String {
        let found = self.matching(filter, key.key.gateway.as_deref(), now);
        if found.is_empty() {
            // Clients compare with exactly this.
            return "null".to_owned();
        }
        let mut out = String::with_capacity(2 + found.len() * 220);
        for entry in &found {
            out.push(if out.is_empty() { '[' } else { ',' });
            self.wire
                .push(&mut out, entry, entry.expires_at.millis_since(now));
        }
        out.push(']');
        out
    }

    /// What the bouncer is to be told now. A whole list is shared with others that ask for the same.
    async fn pull(
        self: &Arc<Self>,
        mut filter: Filter,
        key: &KnownKey,
        address: IpAddr,
        now: Timestamp,
    ) -> Arc<Snapshot> {
        let gateway = key.key.gateway.as_deref();
        if !filter.is_startup
            && let Some(cursor) = self.cursor(&BouncerId::new(key, address))
            && let Some(changes) = read(&*self.blocklist, |list| {
                changes_since(list, cursor, now, |entry| {
                    self.is_visible(entry, &filter, gateway)
                })
            })
        {
            return Arc::new(Snapshot::write(&changes, &self.wire, now));
        }
        // A bouncer's first pull is told everything, whatever it asks for, as CrowdSec does.
        filter.is_startup = true;
        self.whole(filter, gateway.map(str::to_owned), now).await
    }

    /// The bouncer has all of a list.
    fn note_pulled(&self, key: &KnownKey, address: IpAddr, cursor: Cursor) {
        let mut cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        let id = BouncerId::new(key, address);
        if cursors.len() >= CURSORS_MAX && !cursors.contains_key(&id) {
            let oldest = cursors
                .iter()
                .min_by_key(|(_, cursor)| cursor.pulled_at)
                .map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                cursors.remove(&oldest);
            }
        }
        let known = cursors.entry(id).or_insert(cursor);
        // Two pulls may overlap; the later one must not be undone.
        known.generation = known.generation.max(cursor.generation);
        known.pulled_at = known.pulled_at.max(cursor.pulled_at);
    }

    fn cursor(&self, id: &BouncerId) -> Option<Cursor> {
        let cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        cursors.get(id).copied()
    }

    fn is_visible(&self, entry: &Entry, filter: &Filter, gateway: Option<&str>) -> bool {
        is_served(entry, gateway) && filter.accepts(entry, self.wire.origin())
    }

    async fn whole(
        self: &Arc<Self>,
        filter: Filter,
        gateway: Option<String>,
        now: Timestamp,
    ) -> Arc<Snapshot> {
        let generation = read(&*self.blocklist, Blocklist::generation);
        if let Some(snapshot) = self.snapshots.fresh(&filter, gateway.as_deref(), generation, now) {
            return snapshot;
        }
        let _alone = self.writing.lock().await;
        if let Some(snapshot) = self.snapshots.fresh(&filter, gateway.as_deref(), generation, now) {
            return snapshot;
        }
        let (lapi, asked, asker) = (Arc::clone(self), filter.clone(), gateway.clone());
        let write = move || lapi.write_whole(&asked, asker.as_deref(), now);
        // Writing a hundred thousand decisions takes tens of milliseconds: not on a thread that answers lookups.
        let (snapshot, is_for_all) = match tokio::task::spawn_blocking(write.clone()).await {
            Ok(written) => written,
            Err(_) => write(),
        };
        let audience = if is_for_all {
            Audience::All
        } else {
            Audience::Gateway(gateway)
        };
        self.snapshots.keep(filter, audience, Arc::clone(&snapshot));
        snapshot
    }

    /// Writes a whole list, and says whether it is the same for every gateway.
    fn write_whole(&self, filter: &Filter, gateway: Option<&str>, now: Timestamp) -> (Arc<Snapshot>, bool) {
        let (changes, is_for_all) = read(&*self.blocklist, |list| {
            let any_gateway =
                |entry: &Entry| is_served_somewhere(entry) && filter.accepts(entry, self.wire.origin());
            let changes = everything(list, any_gateway, now);
            let ended = changes.deleted.iter().map(|(entry, _)| entry);
            if changes
                .new
                .iter()
                .chain(ended)
                .all(|entry| entry.gateways().is_empty())
            {
                return (changes, true);
            }
            let is_visible = |entry: &Entry| self.is_visible(entry, filter, gateway);
            (everything(list, is_visible, now), false)
        });
        (Arc::new(Snapshot::write(&changes, &self.wire, now)), is_for_all)
    }
}

/// Every decision that matches and holds at `now`, covering ranges and duplicates included; the strongest first,
/// then the longest, because many clients look only at the first.
fn find(list: &Blocklist, filter: &Filter, wire: &Wire, gateway: Option<&str>, now: Timestamp) -> Vec<Entry> {
    let is_wanted = |entry: &&Entry| {
        entry.expires_at > now && is_served(entry, gateway) && filter.accepts(entry, wire.origin())
    };
    let mut found: Vec<Entry> = match filter.addresses {
        Some(net) if filter.is_inside => list.inside(net).filter(is_wanted).cloned().collect(),
        Some(net) => list.covering(net).filter(is_wanted).cloned().collect(),
        None => list.iter().filter(is_wanted).cloned().collect(),
    };
    found.sort_by_key(|entry| (Reverse((entry.action, entry.expires_at)), entry.seq));
    found
}

/// What a bouncer that starts is told: what holds, and what has ended of late.
fn everything(list: &Blocklist, is_visible: impl Fn(&Entry) -> bool, now: Timestamp) -> Changes {
    let mut new: Vec<Entry> = list
        .strongest(&is_visible)
        .filter(|entry| entry.expires_at > now)
        .cloned()
        .collect();
    new.sort_by_key(|entry| entry.seq);
    let horizon = now.minus_millis(ENDED_KEPT_MILLIS);
    Changes {
        new,
        deleted: removed(&list.removed_since(horizon, &is_visible)),
        generation: list.generation(),
    }
}

/// The difference since a cursor; `None` when it is too old for one, or when the whole list says as much with less work.
fn changes_since(
    list: &Blocklist,
    cursor: Cursor,
    now: Timestamp,
    is_visible: impl Fn(&Entry) -> bool,
) -> Option<Changes> {
    let is_told_by_the_whole = now.millis_since(cursor.pulled_at) < ENDED_KEPT_MILLIS - OVERLAP_MILLIS;
    if is_told_by_the_whole && list.changes_since(cursor.generation)? > CHANGES_MAX {
        return None;
    }
    let delta = list.delta_since(cursor.generation, &is_visible)?;
    let new = delta.added.iter().map(|added| added.entry.clone()).collect();
    let generation = delta.generation;
    let mut deleted = removed(&delta.removed);
    let overlap = list.delta_since_time(cursor.pulled_at.minus_millis(OVERLAP_MILLIS), &is_visible);
    let told: HashSet<u64> = deleted.iter().map(|(entry, _)| entry.seq).collect();
    let again = overlap.map(|delta| removed(&delta.removed)).unwrap_or_default();
    deleted.extend(again.into_iter().filter(|(entry, _)| !told.contains(&entry.seq)));
    Some(Changes {
        new,
        deleted,
        generation,
    })
}

fn removed(removed: &[Removed<'_>]) -> Vec<(Entry, Timestamp)> {
    removed
        .iter()
        .map(|removed| (removed.entry.clone(), removed.at))
        .collect()
}
