//! The cohort stage: clients that are each too small to stand out, but share a range or a user agent.
//!
//! Suspects are clients with evidence of their own, and small clients that do hardly anything but one suspicious act.
//! A cohort of which more are suspects than the rest of the site explains is a campaign. That lowers the threshold for
//! its members; it never blocks whoever else shares the range or the agent.

mod history;
mod listed;

pub use history::History;
pub(crate) use listed::one_act;
pub use listed::{Act, Cohort, Suspected, Tally};

use crate::limits::COHORTS_MAX;
use crate::population::Running;
use crate::stage::client::{Candidate, Hint, SMALL_REQUESTS_MAX};
use crate::stage::kin::{Kin, KinNames};
use domain::{Action, Client, Evidence, Member, NO_USER_AGENT, Scope, ThreatKind, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net};

/// Prefix of an IPv4 cohort: the smallest range that is routed by itself.
const IPV4_PREFIX: u8 = 24;
/// Prefix of an IPv6 cohort: what one site is usually given.
const IPV6_PREFIX: u8 = 48;

/// Suspects that make a campaign of a range.
const RANGE_MEMBERS_MIN: u64 = 4;
/// Suspects that make a campaign of a user agent: agents are shared by strangers.
const AGENT_MEMBERS_MIN: u64 = 20;
/// Suspects that make a campaign of a TLS fingerprint or a virtual host: strangers share those, too.
const WIDE_MEMBERS_MIN: u64 = 20;
/// Suspects that make a campaign of an autonomous system: one that hosts servers is a few ranges, one that sells access is a
/// country.
const SYSTEM_MEMBERS_MIN: u64 = 12;
/// Clients that a site must have beside those who share a fingerprint, a system or a host: where everybody does, that tells nothing.
const OTHERS_MIN: u64 = 20;
/// Suspects that make a campaign of a route for signing in: people use it too.
const ROUTE_MEMBERS_MIN: u64 = 8;
/// Suspects that make a campaign of those who came in a surge: with the surge behind them, no more than of a route.
const SURGE_MEMBERS_MIN: u64 = 8;
/// Who came in a surge is counted as failing when it got in nowhere for so long: on the day that passwords expire everybody
/// fails at first, and is in within a minute or two.
const RIPE_MILLIS: i64 = 5 * 60 * 1000;
/// Share of a cohort's clients that must be suspects.
const SUSPECT_SHARE_MIN: f64 = 0.5;
/// The chance under which a cohort's suspects are no accident. Some ten thousand cohorts are looked at.
const CHANCE_MAX: f64 = 1e-5;
/// The share of suspects on any site is taken to be at least this: dead links, forgotten passwords.
const BASE_MIN: f64 = 0.02;
/// And at most this: a log may hold more attackers than visitors, and must not teach us that they are normal.
const BASE_MAX: f64 = 0.2;
/// Unsuspicious clients that every site is taken to have had before the first: nothing is known at the beginning.
const PRIOR_CLIENTS: f64 = 20.0;
/// When more of a site's clients than this are suspects, the site is broken, or nobody but attackers comes: small
/// clients are then only shown.
const SITE_SHARE_MAX: f64 = 0.6;

/// What clients have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CohortKey {
    /// A range of addresses.
    Range(IpNet),
    /// A user agent, by its hash; 0 for none.
    Agent(u32),
    /// A TLS fingerprint, by its hash.
    Fingerprint(u32),
    /// An autonomous system, by its number.
    System(u32),
    /// A virtual host, by its hash.
    Host(u32),
    /// A route for signing in, by the hash of its template.
    Route(u64),
    /// Those who came new to a route for signing in while far more than usual fail there.
    Surge {
        /// The route, by the hash of its template.
        template: u64,
        /// When the surge was told first, in milliseconds.
        since_millis: i64,
    },
}

impl From<Running> for CohortKey {
    fn from(surge: Running) -> Self {
        Self::Surge {
            template: surge.template,
            since_millis: surge.since_millis,
        }
    }
}

/// All cohorts.
#[derive(Debug, Clone, Default)]
pub struct Cohorts {
    cohorts: HashMap<u64, Cohort, FixedState>,
    /// Clients that joined ranges.
    pub clients: u64,
    /// Suspects of ranges, by what they did.
    pub suspects: Tally,
    /// Cohorts forgotten because the table was full.
    pub forgotten: u64,
}

/// How those of a cohort who do the same stand beside the rest of the site.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// The cohort's clients, without those against whom something else speaks and those who show too little.
    pub clients: u64,
    /// Those of them that are suspects.
    pub suspects: u64,
    /// Their share.
    pub share: f64,
    /// Share of suspects that the site's other clients let expect.
    pub base: f64,
    /// A bound of the chance of so many suspects, were the cohort like the others.
    pub p_value: f64,
    /// How surely a suspect is none of those that any cohort has.
    pub confidence: f32,
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

    /// What a client has in common with a few others: its range and its user agent.
    pub fn narrow(client: &Client, kin: Kin) -> impl Iterator<Item = Self> {
        Self::of_client(client)
            .into_iter()
            .chain([Self::Agent(kin.agent)])
    }

    /// What it has in common with many, as far as its log and the databases here tell.
    pub fn wide(kin: Kin) -> impl Iterator<Item = Self> {
        let fingerprint = (kin.fingerprint != 0).then_some(Self::Fingerprint(kin.fingerprint));
        let system = (kin.system != 0).then_some(Self::System(kin.system));
        let host = (kin.host != 0).then_some(Self::Host(kin.host));
        fingerprint.into_iter().chain(system).chain(host)
    }

    /// Whether it may be what many strangers share.
    const fn is_wide(&self) -> bool {
        matches!(self, Self::Fingerprint(_) | Self::System(_) | Self::Host(_))
    }

    /// Whether those who share it may be acted on for it. Whoever uses one virtual host may have met the same fault of it.
    #[must_use]
    pub const fn may_condemn(&self) -> bool {
        !matches!(self, Self::Host(_))
    }

    /// Its number in the table: stable across runs, unlike a hasher of the standard library.
    #[must_use]
    pub fn number(&self) -> u64 {
        use std::hash::BuildHasher;
        FixedState::with_seed(0xc0).hash_one(self)
    }

    /// As the client of a campaign's alert, with the cohort's name.
    #[must_use]
    pub fn as_client(&self, name: &str) -> Client {
        let named = |scope, hash: u64| Client::Named {
            scope,
            value: match name {
                "" => format!("{hash:016x}").into(),
                name => name.into(),
            },
        };
        match self {
            Self::Range(net) => Client::from_range(*net),
            Self::Agent(0) => named_nothing(),
            Self::Agent(hash) => named(Scope::UserAgent, u64::from(*hash)),
            Self::Fingerprint(hash) => named(Scope::Ja4, u64::from(*hash)),
            Self::Host(hash) => named(Scope::Host, u64::from(*hash)),
            Self::System(number) => Client::Named {
                scope: Scope::As,
                value: number.to_string().into(),
            },
            Self::Route(template) | Self::Surge { template, .. } => named(Scope::Route, *template),
        }
    }

    /// What its clients have in common as people read it, by what one of them shares or asked for; empty for a range.
    pub(crate) fn name(&self, names: &KinNames, evidence: Option<&Evidence>) -> Box<str> {
        match self {
            Self::Range(_) | Self::Agent(0) | Self::System(_) => Box::default(),
            Self::Agent(_) => names.agent.clone(),
            Self::Fingerprint(_) => names.fingerprint.clone(),
            Self::Host(_) => names.host.clone(),
            Self::Route(_) | Self::Surge { .. } => {
                evidence.map_or("", |shown| without_query(&shown.request)).into()
            }
        }
    }

    fn members_min(&self) -> u64 {
        match self {
            Self::Range(_) => RANGE_MEMBERS_MIN,
            Self::Agent(_) => AGENT_MEMBERS_MIN,
            Self::Fingerprint(_) | Self::Host(_) => WIDE_MEMBERS_MIN,
            Self::System(_) => SYSTEM_MEMBERS_MIN,
            Self::Route(_) => ROUTE_MEMBERS_MIN,
            Self::Surge { .. } => SURGE_MEMBERS_MIN,
        }
    }
}

impl Cohorts {
    /// Counts clients that joined cohorts in this tick; `is_range` says of each whether it is a range.
    pub fn join(&mut self, joined: &[(u64, bool)]) {
        for (number, is_range) in joined {
            let cohort = self.cohorts.entry(*number).or_default();
            cohort.clients = cohort.clients.saturating_add(1);
            self.clients += u64::from(*is_range);
        }
    }

    /// Takes in a candidate that its own evidence makes a suspect, and says whether the cohort is, or just became, a campaign.
    pub fn weigh(&mut self, key: &CohortKey, candidate: &Candidate, threat: ThreatKind) -> bool {
        if threat == ThreatKind::Anomaly || candidate.is_established {
            return false;
        }
        let member = member(&candidate.client, candidate.requests, candidate.first_seen);
        let suspected = Suspected {
            is_small: candidate.requests <= SMALL_REQUESTS_MAX
                && candidate.successes < 1.0
                && !candidate.is_claimed,
            ..Suspected::new(
                (candidate.key, candidate.owner),
                candidate.source,
                (member, threat),
                candidate.at,
            )
        };
        let shown = (candidate.evidence.last(), &candidate.names);
        self.suspect(key, suspected, shown, false)
    }

    /// Takes in what a small client shows, or no longer shows. What it does when the cohort is, or just became, a
    /// campaign of that.
    pub fn hint(&mut self, key: &CohortKey, hint: &Hint) -> Option<ThreatKind> {
        let Some((threat, evidence)) = &hint.shown else {
            self.clear(key, hint.key);
            return None;
        };
        let member = member(&hint.client, hint.requests, hint.first_seen);
        let suspected = Suspected {
            is_small: true,
            ..Suspected::new((hint.key, hint.owner), hint.source, (member, *threat), hint.at)
        };
        let threat = suspected.threat;
        let is_hot = if hint.is_faint {
            self.take_faint(key, suspected)
        } else {
            self.suspect(key, suspected, (Some(evidence), &hint.names), hint.is_first)
        };
        is_hot.then_some(threat)
    }

    fn suspect(
        &mut self,
        key: &CohortKey,
        suspected: Suspected,
        (evidence, names): (Option<&Evidence>, &KinNames),
        is_first: bool,
    ) -> bool {
        let (at, threat) = (suspected.last_at, suspected.threat);
        self.change(key, |cohort| {
            cohort.touch(at);
            if cohort.name.is_empty() {
                cohort.name = key.name(names, evidence);
            }
            cohort.note(suspected, evidence, is_first);
        });
        let cohort = &self.cohorts[&key.number()];
        // Weighed anew each time: a campaign is over when the others have joined in and behave.
        let is_hot = self.is_hot(key, cohort, (threat, at));
        if is_hot && let Some(cohort) = self.cohorts.get_mut(&key.number()) {
            cohort.act_mut(threat).hot_since.get_or_insert(at);
        }
        is_hot
    }

    /// Takes in a client that shows too little to be a suspect, and says whether its range is a campaign of that.
    fn take_faint(&mut self, key: &CohortKey, suspected: Suspected) -> bool {
        let (at, threat) = (suspected.last_at, suspected.threat);
        self.change(key, |cohort| {
            cohort.touch(at);
            cohort.note_faint(suspected);
        });
        let cohort = &self.cohorts[&key.number()];
        let was_hot = cohort.act(threat).is_some_and(|act| act.hot_since.is_some());
        was_hot && matches!(key, CohortKey::Range(_)) && self.is_hot(key, cohort, (threat, at))
    }

    fn is_hot(&self, key: &CohortKey, cohort: &Cohort, (threat, now): (ThreatKind, Timestamp)) -> bool {
        let excess = match key {
            CohortKey::Surge { .. } => Self::excess_of_surge(cohort, threat, now),
            _ => self.excess(cohort, threat),
        };
        let has_others = self.clients >= u64::from(cohort.clients) + OTHERS_MIN;
        excess.suspects >= key.members_min() && excess.is_no_accident() && (has_others || !key.is_wide())
    }

    /// Takes back what a small client showed, unless it was acted on already.
    fn clear(&mut self, key: &CohortKey, client: u64) {
        if self.cohorts.contains_key(&key.number()) {
            self.change(key, |cohort| cohort.clear(client));
        }
    }

    /// Changes a cohort, made when it is new, and counts its suspects among the site's when it is a range.
    fn change(&mut self, key: &CohortKey, change: impl FnOnce(&mut Cohort)) {
        let cohort = self.cohorts.entry(key.number()).or_default();
        if !matches!(key, CohortKey::Range(_)) {
            change(cohort);
            return;
        }
        let before = cohort.tally();
        change(cohort);
        let after = cohort.tally();
        for (kind, suspects) in self.suspects.iter_mut().enumerate() {
            *suspects = (*suspects + after[kind]).saturating_sub(before[kind]);
        }
    }

    /// How those of a cohort who do one thing stand beside the rest of the site. Whoever does something else that
    /// speaks against it, or did too little to tell, is no witness for the others: it is left out.
    ///
    /// The chance is Chernoff's bound of the binomial tail, `exp(-n KL(k/n || q))` (Hoeffding 1963), for `k` suspects
    /// among `n` clients when any client is one with probability `q`.
    #[must_use]
    pub fn excess(&self, cohort: &Cohort, threat: ThreatKind) -> Excess {
        let tally = cohort.tally();
        let seen = tally[threat as usize];
        let left_out = tally.iter().sum::<u64>() - seen + cohort.faint.len() as u64;
        let among = u64::from(cohort.clients)
            .saturating_sub(left_out)
            .max(seen)
            .max(1);
        let others = |all: u64, own: f64| (all as f64 - own).max(0.0);
        let in_all = self.suspects[threat as usize];
        let rest = others(in_all, seen as f64) / (others(self.clients, among as f64) + PRIOR_CLIENTS);
        // What it is like every day is no news.
        let base = rest.max(cohort.history.usual()).clamp(BASE_MIN, BASE_MAX);
        Excess::of(seen, among, base)
    }

    /// How those who came new in a surge and fail for a while stand beside all who came new to that route. Nothing is known of
    /// others like them: the base rate is the highest.
    #[must_use]
    pub fn excess_of_surge(cohort: &Cohort, threat: ThreatKind, now: Timestamp) -> Excess {
        let suspects = cohort.ripe(threat, now.plus_millis(-RIPE_MILLIS));
        Excess::of(suspects, u64::from(cohort.clients).max(suspects).max(1), BASE_MAX)
    }

    /// Whether so few of the site's clients are suspects that the site itself can be trusted to answer.
    #[must_use]
    pub fn is_site_sound(&self) -> bool {
        let suspects: u64 = self.suspects.iter().sum();
        suspects as f64 <= SITE_SHARE_MAX * (self.clients as f64 + PRIOR_CLIENTS)
    }

    /// The cohort of a number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Cohort> {
        self.cohorts.get(&number)
    }

    /// The cohort of a number, to change it.
    #[must_use]
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Cohort> {
        self.cohorts.get_mut(&number)
    }

    /// Forgets cohorts without evidence when there are too many, then the longest silent.
    pub fn forget(&mut self) {
        if self.cohorts.len() <= COHORTS_MAX {
            return;
        }
        let mut ranked: Vec<(usize, i64, u64)> = self
            .cohorts
            .iter()
            .map(|(number, cohort)| (cohort.suspects.len(), cohort.last_millis, *number))
            .collect();
        ranked.sort_unstable();
        let surplus = ranked.len() - COHORTS_MAX / 2;
        for (_, _, number) in &ranked[..surplus] {
            self.cohorts.remove(number);
        }
        self.forgotten += surplus as u64;
    }

    /// How many are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.cohorts.len()
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
    pub fn restore(&mut self, all: Vec<(u64, Cohort)>, (clients, suspects): (u64, Tally), forgotten: u64) {
        self.cohorts = all.into_iter().collect();
        (self.clients, self.suspects) = (clients, suspects);
        self.forgotten = forgotten;
    }
}

impl Excess {
    /// So many suspects among so many clients, where any client is one with the chance `base`.
    fn of(seen: u64, among: u64, base: f64) -> Self {
        let (suspects, clients) = (seen as f64, among as f64);
        let share = suspects / clients;
        let part = |share: f64, base: f64| {
            if share > 0.0 {
                share * (share / base).ln()
            } else {
                0.0
            }
        };
        let divergence = part(share, base) + part(1.0 - share, 1.0 - base);
        // Of those that are none, so many in a hundred look like suspects: they are among the members too.
        let by_chance = base / (1.0 - base) * (clients - suspects) / suspects.max(1.0);
        Self {
            clients: among,
            suspects: seen,
            share,
            base,
            p_value: if share > base {
                (-clients * divergence).exp()
            } else {
                1.0
            },
            confidence: (1.0 - by_chance).clamp(0.0, 0.99) as f32,
        }
    }

    /// The same of those who came in a surge: so surely is one of them none of those that an ordinary hour has.
    #[must_use]
    pub fn in_light_of(self, surge: Running) -> Self {
        Self {
            confidence: (1.0 - surge.usual_share).clamp(0.0, 0.99),
            ..self
        }
    }

    fn is_no_accident(self) -> bool {
        self.share >= SUSPECT_SHARE_MIN && self.p_value <= CHANCE_MAX
    }
}

/// Those who send no user agent.
fn named_nothing() -> Client {
    Client::Named {
        scope: Scope::UserAgent,
        value: NO_USER_AGENT.into(),
    }
}

/// A request up to its query.
fn without_query(request: &str) -> &str {
    let end = memchr::memchr(b'?', request.as_bytes());
    &request[..end.unwrap_or(request.len())]
}

fn member(client: &Client, requests: u64, first_seen: Timestamp) -> Member {
    Member {
        client: client.clone(),
        requests,
        first_seen,
        action: Action::Observe,
        action_at: None,
        requests_before_action: None,
    }
}

#[cfg(test)]
mod tests;
