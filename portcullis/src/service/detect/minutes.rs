//! Figures per minute, for the overview's curves.
//!
//! Minutes are event time, so that what is read again after a crash falls into the same minute and is not counted
//! twice: a minute is written whole and replaces what is there.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::StatsBucket;

/// Minutes that can still change: lines come up to a quarter of an hour late. Later ones count in the oldest.
const OPEN_MAX: usize = 20;
/// Bits of a minute's sketch of clients: linear counting within a percent up to a hundred thousand clients.
const SKETCH_BITS: usize = 1 << 17;
const MINUTE_MILLIS: i64 = 60_000;

/// One minute's figures and which clients were seen in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Minute {
    requests: u64,
    rejected: u64,
    alerts: u64,
    blocks: u64,
    stopped: u64,
    /// Bit of each client's hash.
    clients: Vec<u64>,
    set_bits: u32,
    /// Whether it changed since it was last taken.
    is_changed: bool,
}

/// What is counted in a minute besides requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// A line that could not be read.
    Rejected(u64),
    /// Alerts.
    Alerts(u64),
    /// Blocks.
    Blocks(u64),
    /// Requests that we stopped.
    Stopped(u64),
}

/// The minutes that can still change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Minutes {
    open: BTreeMap<i64, Minute>,
}

impl Default for Minute {
    fn default() -> Self {
        Self {
            requests: 0,
            rejected: 0,
            alerts: 0,
            blocks: 0,
            stopped: 0,
            clients: vec![0; SKETCH_BITS / 64],
            set_bits: 0,
            is_changed: true,
        }
    }
}

impl Minutes {
    /// Counts a request of a client at its own time, or at `now` when it claims to be later.
    pub(super) fn count_request(&mut self, at: Timestamp, client: u64, now: Timestamp) {
        let minute = self.at(at.min(now));
        minute.requests += 1;
        let bit = client as usize % SKETCH_BITS;
        let (word, mask) = (&mut minute.clients[bit / 64], 1u64 << (bit % 64));
        minute.set_bits += u32::from(*word & mask == 0);
        *word |= mask;
    }

    /// Counts something else at that time.
    pub(super) fn count(&mut self, at: Timestamp, counted: Counted) {
        let minute = self.at(at);
        match counted {
            Counted::Rejected(more) => minute.rejected += more,
            Counted::Alerts(more) => minute.alerts += more,
            Counted::Blocks(more) => minute.blocks += more,
            Counted::Stopped(more) => minute.stopped += more,
        }
    }

    /// The minutes that changed since the last call. Call [`Self::mark_changed`] when they could not be stored.
    pub(super) fn take_changed(&mut self) -> Vec<StatsBucket> {
        let changed = self.open.iter_mut().filter(|(_, minute)| minute.is_changed);
        changed
            .map(|(start, minute)| {
                minute.is_changed = false;
                minute.bucket(*start)
            })
            .collect()
    }

    /// Marks minutes to be taken again.
    pub(super) fn mark_changed(&mut self, buckets: &[StatsBucket]) {
        for bucket in buckets {
            if let Some(minute) = self.open.get_mut(&bucket.minute.as_millis()) {
                minute.is_changed = true;
            }
        }
    }

    /// The newest minute's figures.
    pub(super) fn latest(&self) -> Option<StatsBucket> {
        let (start, minute) = self.open.last_key_value()?;
        Some(minute.bucket(*start))
    }

    fn at(&mut self, at: Timestamp) -> &mut Minute {
        let mut start = at.as_millis().div_euclid(MINUTE_MILLIS) * MINUTE_MILLIS;
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&start) {
            let oldest = self.open.first_key_value().map_or(start, |(oldest, _)| *oldest);
            if start < oldest {
                start = oldest;
            } else if self.open.get(&oldest).is_some_and(|minute| !minute.is_changed) {
                self.open.remove(&oldest);
            }
        }
        let minute = self.open.entry(start).or_default();
        minute.is_changed = true;
        minute
    }
}

impl Minute {
    fn bucket(&self, start: i64) -> StatsBucket {
        StatsBucket {
            minute: Timestamp::from_millis(start),
            requests: self.requests,
            rejected: self.rejected,
            clients: self.estimate(),
            alerts: self.alerts,
            blocks: self.blocks,
            stopped: self.stopped,
        }
    }

    /// Linear counting (Whang, Vander-Zanden and Taylor, 1990): `-m ln(zero bits / m)`.
    fn estimate(&self) -> u64 {
        let bits = SKETCH_BITS as f64;
        let zero = (bits - f64::from(self.set_bits)).max(1.0);
        (-bits * (zero / bits).ln()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(value: i64) -> Timestamp {
        Timestamp::from_secs(value)
    }

    #[test]
    fn clients_of_a_minute_are_told_apart() {
        let mut minutes = Minutes::default();
        for client in 0..1000u64 {
            let hash = client.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            minutes.count_request(secs(61), hash, secs(90));
            minutes.count_request(secs(62), hash, secs(90));
        }
        let changed = minutes.take_changed();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].minute, changed[0].requests), (secs(60), 2000));
        assert!(
            (980..=1020).contains(&changed[0].clients),
            "{}",
            changed[0].clients
        );
        assert!(minutes.take_changed().is_empty());
        minutes.mark_changed(&changed);
        assert_eq!(minutes.take_changed(), changed);
    }

    #[test]
    fn a_line_from_the_future_counts_now_and_one_from_long_ago_in_the_oldest_minute() {
        let mut minutes = Minutes::default();
        for minute in 100..200 {
            minutes.count_request(secs(minute * 60), 1, secs(minute * 60));
            minutes.take_changed();
        }
        assert!(minutes.open.len() <= OPEN_MAX);
        minutes.count_request(secs(4_000_000_000), 1, secs(199 * 60));
        minutes.count_request(secs(0), 1, secs(199 * 60));
        let changed = minutes.take_changed();
        assert_eq!(changed.len(), 2);
        assert_eq!(changed[1].minute, secs(199 * 60));
    }
}
