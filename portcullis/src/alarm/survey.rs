//! What is looked at of a source's requests while they pass: cheap, of a fixed size, and reset every minute.

use super::{Leader, Offset};
use domain::{Client, RequestRecord, Timestamp};
use std::net::IpAddr;

/// Every request is looked at up to so many a minute, and from then on one in [`ONE_IN`]: a share of some thousand is as sure as
/// of a million, and the rest of a busy source costs a comparison each.
const LOOKED_ALL: u32 = 256;

/// See [`LOOKED_ALL`]; a power of two.
const ONE_IN: u32 = 16;

/// Dated more than this after their arrival, requests come from a clock that is ahead: network and batches only make them late.
const AHEAD_MILLIS: i64 = 10_000;

/// Dated more than this before their arrival, they are late by more than shippers' batches explain (those of files and of HTTP
/// hold lines for seconds, log rotation to object storage for five minutes).
const BEHIND_MILLIS: i64 = 10 * 60_000;

/// Fields that a log may carry, and gateways may stop to log: those that decisions use.
pub(crate) const FIELDS: [Field; 9] = [
    ("the user agent", |record| record.user_agent.is_some()),
    ("the host", |record| record.host.is_some()),
    ("the referer", |record| record.referer.is_some()),
    ("the size of the answer", |record| record.bytes_out.is_some()),
    ("the duration", |record| record.duration_ms.is_some()),
    ("the protocol", |record| record.protocol.is_some()),
    ("the address", |record| record.address.is_some()),
    ("the TLS fingerprint", |record| record.fingerprint.is_some()),
    ("the name of the client (key, token or consumer)", |record| {
        !matches!(record.client, Client::Ip(_))
    }),
];

/// A field: what it is called, and whether a request has it.
type Field = (&'static str, fn(&RequestRecord<'_>) -> bool);

/// What was seen of a source's requests since it was last taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    passed: u32,
    looked: u32,
    present: [u32; FIELDS.len()],
    ahead: Offset,
    behind: Offset,
    /// Majority vote over this minute (Boyer and Moore, 1991): whoever sends more than half is left.
    suspect: Option<IpAddr>,
    votes: u32,
    /// Whom the minute before left: its requests are counted exactly.
    leader: Option<IpAddr>,
    leader_requests: u32,
    leader_agents: u64,
}

/// What a minute of a source showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Surveyed {
    /// Requests that were looked at.
    pub(crate) looked: u32,
    /// How many of these had each field.
    pub(crate) present: [u32; FIELDS.len()],
    /// How many are dated later than they arrived.
    pub(crate) ahead: Offset,
    /// How many are dated long before.
    pub(crate) behind: Offset,
    /// The address that sent the most.
    pub(crate) leader: Option<Leader>,
}

impl Survey {
    /// Notes a request that arrived at `now`.
    #[inline]
    pub(crate) fn pass(&mut self, record: &RequestRecord<'_>, now: Timestamp) {
        self.passed = self.passed.wrapping_add(1);
        if self.looked < LOOKED_ALL || self.passed & (ONE_IN - 1) == 0 {
            self.look(record, now);
        }
    }

    fn look(&mut self, record: &RequestRecord<'_>, now: Timestamp) {
        self.looked = self.looked.saturating_add(1);
        for (count, (_, has)) in self.present.iter_mut().zip(&FIELDS) {
            *count += u32::from(has(record));
        }
        let late_millis = now.millis_since(record.at);
        if late_millis < -AHEAD_MILLIS {
            self.ahead.note(-late_millis);
        } else if late_millis > BEHIND_MILLIS {
            self.behind.note(late_millis);
        }
        let Some(address) = record.address else { return };
        if self.leader == Some(address) {
            self.leader_requests += 1;
            self.leader_agents |= 1 << (agent_hash(record) % 64);
        }
        if self.votes == 0 {
            self.suspect = Some(address);
            self.votes = 1;
        } else if self.suspect == Some(address) {
            self.votes += 1;
        } else {
            self.votes -= 1;
        }
    }

    /// What was seen since the last call. The next minute counts the requests of whoever the vote of this one leaves.
    pub(crate) fn take(&mut self) -> Surveyed {
        let seen = std::mem::take(self);
        self.leader = seen.suspect.or(seen.leader);
        let leader = seen.leader.map(|address| Leader {
            address,
            requests: seen.leader_requests,
            agents: seen.leader_agents.count_ones(),
        });
        Surveyed {
            looked: seen.looked,
            present: seen.present,
            ahead: seen.ahead,
            behind: seen.behind,
            leader,
        }
    }
}

impl Surveyed {
    /// Adds what another part of the same source showed: of two leaders the one with more requests, and with those of both when
    /// they are one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.looked = self.looked.saturating_add(other.looked);
        for (count, more) in self.present.iter_mut().zip(other.present) {
            *count = count.saturating_add(more);
        }
        self.ahead.add(other.ahead);
        self.behind.add(other.behind);
        self.leader = match (self.leader, other.leader) {
            (Some(one), Some(two)) if one.address == two.address => Some(Leader {
                requests: one.requests.saturating_add(two.requests),
                agents: one.agents.max(two.agents),
                ..one
            }),
            (Some(one), Some(two)) => Some(if two.requests > one.requests { two } else { one }),
            (one, two) => one.or(two),
        };
    }
}

impl Offset {
    fn note(&mut self, millis: i64) {
        self.requests = self.requests.saturating_add(1);
        self.millis = self.millis.saturating_add(millis);
    }

    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.millis = self.millis.saturating_add(other.millis);
    }
}

/// A number of a user agent, to count different ones: FNV-1a over its beginning. Who chooses agents that fall together is counted
/// as fewer, and nothing but a sentence hangs on it.
fn agent_hash(record: &RequestRecord<'_>) -> u64 {
    const BYTES_MAX: usize = 128;
    let bytes = record.user_agent.as_deref().unwrap_or_default().bytes();
    let hash = bytes
        .take(BYTES_MAX)
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash ^ (hash >> 32)
}
