//! Who asks what to carry out, and which decisions in force he cannot: a decision about a name means nothing to a gateway that is
//! told addresses only, and nobody would know.
//!
//! Everything is in memory: whoever has not asked this process within the hour is no gateway of its.

use crate::blocklist::{BlocklistSource, read};
use crate::metrics::{Exposition, MetricKind};
use domain::blocklist::{Blocklist, Entry};
use domain::{Scope, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Most of them that are remembered: hundreds of gateways, by both ways. For a further one whoever asked longest ago is forgotten.
const ASKERS_MAX: usize = 1_024;

/// Whoever has not asked for so long is forgotten: its gateway was taken away, or asks another process.
const FORGET_MILLIS: i64 = 3_600_000;

/// That somebody asked again is noted this often: questions come by the thousand.
const NOTE_MILLIS: i64 = 10_000;

/// Decisions are counted anew this often at most: there may be a million.
const COUNT_MILLIS: i64 = 5_000;

/// How somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Way {
    /// `/check`, at each request.
    Check,
    /// The bouncers' API.
    Bouncer,
}

impl Way {
    /// The public name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Bouncer => "bouncer",
        }
    }
}

/// Scopes of decisions, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scopes(u16);

impl Scopes {
    /// Those for which that holds.
    pub(crate) fn of(holds: impl Fn(Scope) -> bool) -> Self {
        let wanted = Scope::ALL.into_iter().filter(|scope| holds(*scope));
        Self(wanted.fold(0, |set, scope| set | bit(scope)))
    }

    /// Whether a scope is among them.
    pub(crate) fn has(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

const fn bit(scope: Scope) -> u16 {
    1 << scope as u16
}

/// What is known of one who asks.
#[derive(Debug, Clone)]
struct Asked {
    /// The gateway whose decisions he gets beside those for all.
    gateway: Option<String>,
    /// Scopes of the decisions that he has asked for so far.
    scopes: Scopes,
    at: Timestamp,
}

/// What keeps a decision from being carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Decisions of that scope are not asked for.
    Scope(Scope),
    /// Something must match as well, at which nobody who asks can look.
    Condition,
}

impl Obstacle {
    /// The public name: that of the scope, or `condition`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Scope(scope) => scope.as_str(),
            Self::Condition => "condition",
        }
    }

    /// Why it is one, and what would help.
    pub(crate) const fn why(self, way: Way) -> &'static str {
        match (self, way) {
            (Self::Condition, _) => {
                "It holds together with something else only (a route, a host), and this way of asking tells neither."
            }
            (Self::Scope(Scope::ApiKey), Way::Check) => {
                "No key is looked at: have the gateway hand the client's header on and name it in clients.key_header."
            }
            (Self::Scope(_), Way::Check) => {
                "/check is not told such names: have the gateway hand them on and name the header (clients.consumer_header and those beside \
                 it), or block it by its addresses."
            }
            (Self::Scope(_), Way::Bouncer) => {
                "The bouncer does not ask for this scope: name it in its settings if it can carry it out, otherwise block by address."
            }
        }
    }
}

/// One who asks, and what he cannot carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How he asks.
    pub(crate) way: Way,
    /// A bouncer's key; of `/check` the gateway that was named, or nothing.
    pub(crate) name: String,
    /// The gateway whose decisions he gets beside those for all.
    pub(crate) gateway: Option<String>,
    /// Scopes of the decisions that he asks for.
    pub(crate) scopes: Scopes,
    /// When he last asked, to some seconds.
    pub(crate) asked_at: Timestamp,
    /// Decisions in force that are meant for him.
    pub(crate) in_force: u64,
    /// Those of them that he cannot carry out, by what stands in the way.
    pub(crate) unexpressed: Vec<(Obstacle, u64)>,
}

/// Those who ask, by how they do and by name.
#[derive(Default)]
pub(crate) struct Askers {
    known: RwLock<BTreeMap<Way, HashMap<String, Asked>>>,
    counted: Mutex<Option<(Timestamp, Arc<Counts>)>>,
}

impl Askers {
    /// Notes that somebody asked for decisions of these scopes.
    pub(crate) fn note(
        &self,
        (way, name, gateway): (Way, &str, Option<&str>),
        scopes: Scopes,
        now: Timestamp,
    ) {
        let is_noted = |asked: &Asked| {
            let millis = now.millis_since(asked.at);
            asked.scopes.and(scopes) == asked.scopes && (0..NOTE_MILLIS).contains(&millis)
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known
            .get(&way)
            .and_then(|known| known.get(name))
            .is_some_and(is_noted)
        {
            return;
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(way).or_default();
        if known.len() >= ASKERS_MAX && !known.contains_key(name) {
            let oldest = known.iter().min_by_key(|(_, asked)| asked.at);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                known.remove(&oldest);
            }
        }
        let before = known.get(name).map_or_else(Scopes::default, |asked| asked.scopes);
        let asked = Asked {
            gateway: gateway.map(str::to_owned),
            scopes: before.and(scopes),
            at: now,
        };
        known.insert(name.to_owned(), asked);
    }

    /// Everybody who asked within the hour, in their order.
    pub(crate) fn standings(&self, blocklist: &dyn BlocklistSource, now: Timestamp) -> Vec<Standing> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for (way, known) in known.iter_mut() {
            known.retain(|_, asked| now.millis_since(asked.at) < FORGET_MILLIS);
            found.extend(
                known
                    .iter()
                    .map(|(name, asked)| (*way, name.clone(), asked.clone())),
            );
        }
        drop(known);
        if found.is_empty() {
            return Vec::new();
        }
        found.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let counts = self.counts(blocklist, now);
        found
            .into_iter()
            .map(|(way, name, asked)| counts.standing(way, name, asked))
            .collect()
    }

    fn counts(&self, blocklist: &dyn BlocklistSource, now: Timestamp) -> Arc<Counts> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |at: &Timestamp| (0..COUNT_MILLIS).contains(&now.millis_since(*at));
        if let Some((_, counts)) = counted.as_ref().filter(|(at, _)| is_fresh(at)) {
            return Arc::clone(counts);
        }
        let counts = Arc::new(read(blocklist, |list| Counts::of(list, now)));
        *counted = Some((now, Arc::clone(&counts)));
        counts
    }

    /// Writes how many decisions each cannot carry out.
    pub(crate) fn write(&self, blocklist: &dyn BlocklistSource, now: Timestamp, out: &mut Exposition) {
        let standings = self.standings(blocklist, now);
        let named: Vec<_> = standings
            .iter()
            .map(|standing| (standing, crate::neutral::neutralise(&standing.name)))
            .collect();
        let labelled: Vec<_> = named
            .iter()
            .flat_map(|(standing, name)| {
                let labels = move |obstacle: Obstacle| {
                    [
                        ("way", standing.way.as_str()),
                        ("name", name.as_ref()),
                        ("obstacle", obstacle.as_str()),
                    ]
                };
                standing
                    .unexpressed
                    .iter()
                    .map(move |(obstacle, count)| (labels(*obstacle), *count))
            })
            .collect();
        let values: Vec<(&[(&str, &str)], f64)> = labelled
            .iter()
            .map(|(labels, count)| (labels.as_slice(), *count as f64))
            .collect();
        out.add(
            MetricKind::Gauge,
            "unexpressed_decisions",
            "Decisions in force that who asks cannot carry out.",
            &values,
        );
    }
}

/// Place of the decisions about one program of an address.
const BY_AGENT: usize = Scope::ALL.len();
/// Place of those with any other condition.
const CONDITIONAL: usize = BY_AGENT + 1;

/// Decisions in force of one set of gateways: by scope, and last those with a condition.
type Row = [u64; CONDITIONAL + 1];

/// Decisions in force, counted.
#[derive(Debug, Default)]
struct Counts {
    everywhere: Row,
    /// Those that hold at some gateways only, by these.
    somewhere: HashMap<Vec<String>, Row>,
}

impl Counts {
    fn of(list: &Blocklist, now: Timestamp) -> Self {
        let mut counts = Self::default();
        for entry in list.iter().filter(|entry| entry.expires_at > now) {
            let row = match entry.gateways() {
                [] => &mut counts.everywhere,
                gateways => match counts.somewhere.get_mut(gateways) {
                    Some(row) => row,
                    None => counts.somewhere.entry(gateways.to_vec()).or_default(),
                },
            };
            row[place(entry)] += 1;
        }
        counts
    }

    fn standing(&self, way: Way, name: String, asked: Asked) -> Standing {
        let mut sum = self.everywhere;
        let is_meant = |gateways: &&Vec<String>| asked.gateway.iter().any(|name| gateways.contains(name));
        let rows = self.somewhere.iter().filter(|(gateways, _)| is_meant(gateways));
        for (_, row) in rows {
            for (sum, count) in sum.iter_mut().zip(row) {
                *sum += count;
            }
        }
        let missing = Scope::ALL.into_iter().filter(|scope| !asked.scopes.has(*scope));
        let missing = missing.map(|scope| (Obstacle::Scope(scope), sum[scope as usize]));
        // At each request the user agent is told, and nothing more that could be compared.
        let by_agent = if way == Way::Check { 0 } else { sum[BY_AGENT] };
        let conditional = (Obstacle::Condition, sum[CONDITIONAL] + by_agent);
        Standing {
            way,
            name,
            scopes: asked.scopes,
            asked_at: asked.at,
            gateway: asked.gateway,
            in_force: sum.iter().sum(),
            unexpressed: missing
                .chain([conditional])
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }
}

fn place(entry: &Entry) -> usize {
    let conditions = entry.conditions();
    if conditions.is_empty() {
        entry.client.scope() as usize
    } else if entry.client.range().is_some() && conditions.iter().all(|it| it.scope() == Scope::UserAgent) {
        BY_AGENT
    } else {
        CONDITIONAL
    }
}

#[cfg(test)]
#[path = "askers_tests.rs"]
mod tests;
