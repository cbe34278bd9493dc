//! The cohort stage: clients that are each too small to stand out, but share a range or a user agent.
//!
//! A hot cohort lowers the threshold for its members; it never blocks whoever else shares the range or the agent.

use crate::limits::{CAMPAIGN_MEMBERS_MAX, COHORTS_MAX};
use crate::stage::client::Candidate;
use domain::{Action, Client, Member, Scope, ThreatKind, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net};

/// Prefix of an IPv4 cohort: the smallest range that is routed by itself.
const IPV4_PREFIX: u8 = 24;
/// Prefix of an IPv6 cohort: what one site is usually given.
const IPV6_PREFIX: u8 = 48;

/// Members with evidence that make a campaign of a range.
const RANGE_MEMBERS_MIN: u32 = 4;
/// Members with evidence that make a campaign of a user agent: agents are shared by strangers.
const AGENT_MEMBERS_MIN: u32 = 20;
/// Share of a cohort's clients that must show evidence.
const SUSPECT_SHARE_MIN: f32 = 0.5;
/// Confidence from which a client's evidence counts towards a cohort.
const MEMBER_CONFIDENCE_MIN: f32 = 0.5;
/// Evidence is forgotten after this long without more.
const MEMORY_MILLIS: i64 = 6 * 3600 * 1000;

/// What clients have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CohortKey {
    /// A range of addresses.
    Range(IpNet),
    /// A user agent, by its hash.
    Agent(u64),
}

/// One cohort.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cohort {
    /// Clients seen in it.
    pub clients: u32,
    /// Clients of it with evidence against them.
    pub suspects: u32,
    /// The latest evidence.
    pub last_millis: i64,
    /// Those, up to a limit.
    pub members: Vec<(u64, Member)>,
    /// The threat that the first of them showed.
    pub threat: Option<ThreatKind>,
    /// When it became a campaign.
    pub hot_since: Option<Timestamp>,
}

/// All cohorts.
#[derive(Debug, Clone, Default)]
pub struct Cohorts {
    cohorts: HashMap<u64, Cohort, FixedState>,
    /// Cohorts forgotten because the table was full.
    pub forgotten: u64,
}

/// What a candidate's cohorts say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// The cohort.
    pub key: CohortKey,
    /// Its number in the table.
    pub hash: u64,
    /// Whether it became a campaign by this very candidate.
    pub is_new: bool,
}

impl CohortKey {
    /// The range of a client; `None` for a named one.
    #[must_use]
    pub fn of_client(client: &Client) -> Option<Self> {
        let range = match client {
            Client::Ip(address) => IpNet::V4(Ipv4Net::new_assert(*address, IPV4_PREFIX)),
            Client::Range(net @ IpNet::V6(_)) if net.prefix_len() > IPV6_PREFIX => {
                let IpNet::V6(v6) = net else { return None };
                IpNet::V6(ipnet::Ipv6Net::new_assert(v6.addr(), IPV6_PREFIX))
            }
            _ => return None,
        };
        Some(Self::Range(range.trunc()))
    }

    /// Its number in the table: stable across runs, unlike a hasher of the standard library.
    #[must_use]
    pub fn number(&self) -> u64 {
        use std::hash::BuildHasher;
        FixedState::with_seed(0xc0).hash_one(self)
    }

    /// As the client of a campaign's alert.
    #[must_use]
    pub fn as_client(&self) -> Client {
        match self {
            Self::Range(net) => Client::from_range(*net),
            Self::Agent(hash) => Client::Named {
                scope: Scope::UserAgent,
                value: format!("{hash:016x}").into(),
            },
        }
    }

    fn members_min(&self) -> u32 {
        match self {
            Self::Range(_) => RANGE_MEMBERS_MIN,
            Self::Agent(_) => AGENT_MEMBERS_MIN,
        }
    }
}

impl Cohorts {
    /// Counts clients that joined cohorts in this tick.
    pub fn join(&mut self, joined: &[u64]) {
        for number in joined {
            let cohort = self.cohorts.entry(*number).or_default();
            cohort.clients = cohort.clients.saturating_add(1);
        }
    }

    /// Adds a candidate's evidence to a cohort and says whether the cohort is, or just became, a campaign.
    pub fn weigh(
        &mut self,
        key: CohortKey,
        candidate: &Candidate,
        confidence: f32,
        threat: ThreatKind,
    ) -> Option<Heat> {
        if confidence < MEMBER_CONFIDENCE_MIN || threat == ThreatKind::Anomaly || candidate.is_established {
            return None;
        }
        let number = key.number();
        let cohort = self.cohorts.entry(number).or_default();
        cohort.fade(candidate.at);
        cohort.last_millis = cohort.last_millis.max(candidate.at.as_millis());
        cohort.threat.get_or_insert(threat);
        cohort.note(candidate);
        let share = cohort.suspects as f32 / cohort.clients.max(cohort.suspects).max(1) as f32;
        let is_hot = cohort.hot_since.is_some()
            || (cohort.suspects >= key.members_min() && share >= SUSPECT_SHARE_MIN);
        if !is_hot {
            return None;
        }
        let is_new = cohort.hot_since.is_none();
        cohort.hot_since.get_or_insert(candidate.at);
        Some(Heat {
            key,
            hash: number,
            is_new,
        })
    }

    /// The cohort of a number.
    #[must_use]
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Cohort> {
        self.cohorts.get_mut(&number)
    }

    /// Forgets cohorts without evidence when there are too many, then the longest silent.
    pub fn forget(&mut self) {
        if self.cohorts.len() <= COHORTS_MAX {
            return;
        }
        let mut ranked: Vec<(u32, i64, u64)> = self
            .cohorts
            .iter()
            .map(|(number, cohort)| (cohort.suspects, cohort.last_millis, *number))
            .collect();
        ranked.sort_unstable();
        let surplus = ranked.len() - COHORTS_MAX / 2;
        for (_, _, number) in &ranked[..surplus] {
            self.cohorts.remove(number);
        }
        self.forgotten += surplus as u64;
    }

    /// Every cohort, in the order of their numbers.
    #[must_use]
    pub fn sorted(&self) -> Vec<(u64, Cohort)> {
        let mut all: Vec<(u64, Cohort)> = self
            .cohorts
            .iter()
            .map(|(number, cohort)| (*number, cohort.clone()))
            .collect();
        all.sort_by_key(|(number, _)| *number);
        all
    }

    /// Puts cohorts back, as a checkpoint holds them.
    pub fn restore(&mut self, all: Vec<(u64, Cohort)>, forgotten: u64) {
        self.cohorts = all.into_iter().collect();
        self.forgotten = forgotten;
    }
}

impl Cohort {
    /// Forgets evidence that is long past.
    fn fade(&mut self, now: Timestamp) {
        if now.as_millis().saturating_sub(self.last_millis) > MEMORY_MILLIS {
            *self = Self {
                clients: self.clients,
                ..Self::default()
            };
        }
    }

    fn note(&mut self, candidate: &Candidate) {
        if let Some((_, member)) = self.members.iter_mut().find(|(key, _)| *key == candidate.key) {
            member.requests = candidate.requests;
            return;
        }
        self.suspects = self.suspects.saturating_add(1);
        if self.members.len() < CAMPAIGN_MEMBERS_MAX {
            let member = Member {
                client: candidate.client.clone(),
                requests: candidate.requests,
                first_seen: candidate.first_seen,
                action: Action::Observe,
                action_at: None,
                requests_before_action: None,
            };
            self.members.push((candidate.key, member));
        }
    }
}
