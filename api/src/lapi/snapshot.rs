//! Answers of the stream, written once and shared by every bouncer that asks for the same.

use super::filter::Filter;
use super::packed::Packed;
use super::wire::Wire;
use domain::Timestamp;
use domain::blocklist::Entry;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A whole list may be this old when something has changed since: its generation goes with it, so that the next
/// pull brings the difference. Bounds the work that many bouncers starting at once can cause.
const STALE_MILLIS_MAX: i64 = 250;
/// A whole list may be this old when nothing has changed: its durations are off by as much.
const SAME_MILLIS_MAX: i64 = 1_000;
/// Most whole lists that are kept. Bouncers of one installation share a few filters.
const SNAPSHOTS_MAX: usize = 8;
/// A decision's JSON is about this long, for the first reservation.
const ENTRY_BYTES_ABOUT: usize = 220;

/// Where a bouncer stands: everything before was sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Generation of the blocklist that it has.
    pub(crate) generation: u64,
    /// Start of its last complete pull.
    pub(crate) pulled_at: Timestamp,
}

/// What a bouncer is to be told.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Decisions to carry out: the longest of each scope, type and value.
    pub(crate) new: Vec<Entry>,
    /// What has ended, and when, where nothing else of that scope, type and value holds.
    pub(crate) deleted: Vec<(Entry, Timestamp)>,
    /// Generation of the blocklist after this.
    pub(crate) generation: u64,
}

/// A written answer.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) body: Packed,
    /// Where a bouncer stands once it has all of it.
    pub(crate) cursor: Cursor,
}

impl Snapshot {
    /// Writes what is to be told, as CrowdSec 1.7 lays it out.
    pub(crate) fn write(changes: &Changes, wire: &Wire, now: Timestamp) -> Self {
        let count = changes.new.len() + changes.deleted.len();
        let mut out = String::with_capacity(32 + count * ENTRY_BYTES_ABOUT);
        out.push_str("{\"new\": [");
        for (place, entry) in changes.new.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            wire.push(&mut out, entry, entry.expires_at.millis_since(now));
        }
        out.push_str("], \"deleted\": [");
        for (place, (entry, ended_at)) in changes.deleted.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            // Never positive: an end is in the past.
            wire.push(&mut out, entry, ended_at.millis_since(now).min(-1));
        }
        out.push_str("]}");
        Self {
            body: Packed::new(out),
            cursor: Cursor {
                generation: changes.generation,
                pulled_at: now,
            },
        }
    }
}

/// For whom a whole list is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// Every bouncer sees the same.
    All,
    /// The bouncers of one gateway, or those without one.
    Gateway(Option<String>),
}

type SnapshotKey = (Filter, Audience);

/// The whole lists that were written of late, by filter and audience.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    kept: Mutex<HashMap<SnapshotKey, Arc<Snapshot>>>,
}

impl Snapshots {
    /// A list that is fresh enough at `now`, when the blocklist is at `generation`.
    pub(crate) fn fresh(
        &self,
        filter: &Filter,
        gateway: Option<&str>,
        generation: u64,
        now: Timestamp,
    ) -> Option<Arc<Snapshot>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |snapshot: &&Arc<Snapshot>| {
            let age = now.millis_since(snapshot.cursor.pulled_at);
            let age_max = if snapshot.cursor.generation == generation {
                SAME_MILLIS_MAX
            } else {
                STALE_MILLIS_MAX
            };
            (0..=age_max).contains(&age)
        };
        let own = Audience::Gateway(gateway.map(str::to_owned));
        [Audience::All, own]
            .into_iter()
            .filter_map(|audience| kept.get(&(filter.clone(), audience)))
            .find(is_fresh)
            .cloned()
    }

    /// Keeps a list for the bouncers that ask next.
    pub(crate) fn keep(&self, filter: Filter, audience: Audience, snapshot: Arc<Snapshot>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (filter, audience);
        if kept.len() >= SNAPSHOTS_MAX && !kept.contains_key(&key) {
            let oldest = kept
                .iter()
                .min_by_key(|(_, snapshot)| snapshot.cursor.pulled_at)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                kept.remove(&oldest);
            }
        }
        kept.insert(key, snapshot);
    }
}
