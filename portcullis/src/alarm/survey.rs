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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Position;

    const START: i64 = 1_767_571_200_000;

    fn request(address: [u8; 4], agent: &'static str, at: Timestamp) -> RequestRecord<'static> {
        RequestRecord {
            former: None,
            claim: None,
            at,
            client: Client::Ip(address.into()),
            address: Some(address.into()),
            address_source: domain::AddressSource::Peer,
            method: "GET".into(),
            host: None,
            path: "/".into(),
            query: None,
            route: domain::Route::default(),
            status: 200,
            bytes_in: None,
            bytes_out: Some(1),
            duration_ms: None,
            upstream_ms: None,
            protocol: None,
            user_agent: Some(agent.into()),
            referer: None,
            tls: None,
            fingerprint: None,
            network: None,
            is_malformed: false,
            is_ambiguous: false,
            is_stopped: false,
            position: Position::default(),
        }
    }

    #[test]
    fn a_survey_sees_fields_clocks_and_whoever_sends_more_than_half() {
        let now = Timestamp::from_millis(START);
        let mut survey = Survey::default();
        let mut minute = || {
            for step in 0..200u8 {
                let is_proxy = step % 3 != 0;
                let address = if is_proxy {
                    [10, 0, 0, 1]
                } else {
                    [203, 0, 113, step]
                };
                let agent = ["a", "b", "c", "d"][usize::from(step / 4 % 4)];
                survey.pass(&request(address, agent, now.plus_secs(20)), now);
            }
            survey.take()
        };
        assert_eq!(minute().leader, None, "who leads is known after a minute");
        let seen = minute();
        assert_eq!(
            (seen.looked, seen.present[0], seen.present[1], seen.present[3]),
            (200, 200, 0, 200)
        );
        assert_eq!(
            (seen.ahead.requests, seen.ahead.millis, seen.behind.requests),
            (200, 200 * 20_000, 0)
        );
        let leader = seen.leader.unwrap();
        assert_eq!(
            (leader.address, leader.requests),
            (IpAddr::from([10, 0, 0, 1]), 133)
        );
        assert!((3..=4).contains(&leader.agents), "{leader:?}");
        // A busy source is looked at in part.
        let mut survey = Survey::default();
        for _ in 0..10_000 {
            survey.pass(&request([10, 0, 0, 1], "a", now), now);
        }
        let looked = survey.take().looked;
        assert!((800..1000).contains(&looked), "{looked}");
    }
}
