//! What is remembered of one client: decayed counters, small sketches, a rhythm.
//!
//! One window is a few hundred bytes whatever the client does. Memory of everything decays; nothing grows.

pub mod decay;
mod habit;
mod rhythm;
mod sketch;
mod suspicion;

pub use habit::Habit;
pub use rhythm::{GAP_BINS, Rhythm, entropy};
pub use sketch::Distinct;
pub use suspicion::Suspicion;

use crate::population::RouteStanding;
use crate::signal::{Outcome, Signals};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use decay::{BURST, Factors, HABIT, VISIT};
use domain::{RequestRecord, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use suspicion::Novelty;

/// Different objects and queries are counted for half a day: at noon and at midnight (UTC) the count begins anew. Bound to
/// the clock, so that nothing has to be kept for it.
const NAMES_MILLIS: i64 = 12 * 3_600_000;

/// The status that tells a client to wait.
const TOO_MANY_REQUESTS: u16 = 429;

/// From so many user agents on, an address is a crowd's.
const CROWD_AGENTS: f32 = 4.0;

/// Up to this share of what is done at an address, a thing is what a few in a crowd do beside all else.
const CROWD_SHARE: f32 = 0.15;

/// Buckets of the route histogram: enough to tell one route from many.
pub const ROUTE_BUCKETS: usize = 16;

/// What is remembered of one client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Time of the first request, in milliseconds.
    pub first_millis: i64,
    /// Time of the latest request, in milliseconds.
    pub last_millis: i64,
    /// Requests seen, without those that we stopped.
    pub requests: u64,
    /// Requests that we stopped.
    pub stopped: u32,
    /// Requests answered with 4xx or 5xx, without those that we stopped.
    pub failed: u32,
    /// Requests per horizon.
    pub rate: [f32; 3],
    /// Client errors per horizon.
    pub errors: [f32; 3],
    /// What it usually does, over the longest horizon.
    pub habit: Habit,
    /// Pauses between requests.
    pub rhythm: Rhythm,
    /// Requests per bucket of routes.
    pub route_buckets: [u8; ROUTE_BUCKETS],
    /// Different paths; one for each object that a query names.
    pub paths: Distinct<4>,
    /// Different routes; also decides whose first visit votes for a route.
    pub routes: Distinct<2>,
    /// Different objects named in paths within half a day.
    pub objects: Distinct<4>,
    /// Different queries within half a day.
    pub queries: Distinct<1>,
    /// Different names of the first parameter of a query within half a day.
    pub query_names: Distinct<1>,
    /// Different user agents.
    pub agents: Distinct<1>,
    /// Number of the last object, for walks.
    pub last_object: u64,
    /// The previous request's outcome.
    pub last_outcome: u8,
    /// What speaks for an attack.
    pub suspicion: Suspicion,
}

/// What one request changed, for the population.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// The client used this route for the first time (as far as its sketch tells).
    pub is_first_use_of_route: bool,
    /// The route is unknown here and the request missed.
    pub is_novel_miss: bool,
    /// The client used this user agent for the first time.
    pub is_new_agent: bool,
}

/// Hashes of one request that the window's sketches take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashes {
    /// Of the query, 0 when there is none.
    pub query: u64,
    /// Of the name of its first parameter, 0 when there is none.
    pub query_name: u64,
    /// Of the user agent, 0 when there is none.
    pub agent: u64,
}

/// What of a request's names is new for its client, as far as its sketches tell.
#[derive(Debug, Clone, Copy)]
struct Names {
    is_new_agent: bool,
    is_new_object: bool,
}

impl Window {
    /// Takes in one request that counts at `at`.
    pub fn observe(
        &mut self,
        record: &RequestRecord<'_>,
        at: Timestamp,
        signals: &Signals,
        standing: RouteStanding,
        hashes: Hashes,
    ) -> Change {
        let weights = self.move_to(at);
        self.requests += 1;
        // Told to wait, by us or by the site: a limit says nothing of what was asked for, and must not feed on itself.
        let is_error = signals.outcome.is_client_error() && record.status != TOO_MANY_REQUESTS;
        let is_failure = signals.outcome.is_client_error() || signals.outcome == Outcome::ServerError;
        self.failed = self.failed.saturating_add(u32::from(is_failure));
        for horizon in [BURST, VISIT, HABIT] {
            self.rate[horizon] += weights.0[horizon];
            if is_error {
                self.errors[horizon] += weights.0[horizon];
            }
        }
        let is_new_path = self.paths.insert(page(record));
        let is_first_use_of_route = self.routes.insert(record.route.template);
        let bucket = &mut self.route_buckets[(record.route.template >> 32) as usize % ROUTE_BUCKETS];
        *bucket = bucket.saturating_add(1);
        if *bucket == u8::MAX {
            self.route_buckets.iter_mut().for_each(|count| *count /= 2);
        }
        let Names {
            is_new_agent,
            is_new_object,
        } = self.observe_names(record, hashes);
        // What was asked for on an earlier day is not guessed; what was redirected just now is asked for the first time still.
        let is_new_object = (is_new_object && is_new_path) || self.last_outcome == Outcome::Redirect as u8;
        self.habit
            .observe(record, signals, standing, is_new_object, weights.0[HABIT]);
        let was_error = self.last_outcome != Outcome::Success as u8 && self.requests > 1;
        if was_error && signals.outcome == Outcome::Success {
            self.habit.recoveries += weights.0[HABIT];
        }
        self.last_outcome = signals.outcome as u8;
        let novelty = Novelty {
            standing,
            is_new_path,
        };
        let is_novel_miss = self.suspicion.observe(record, signals, novelty);
        Change {
            is_first_use_of_route,
            is_novel_miss,
            is_new_agent,
        }
    }

    /// Something of each of its cache lines, for whoever wants them to be read soon.
    pub(crate) fn glance(&self) -> u64 {
        let fields = [
            self.habit.successes,
            self.habit.bytes_log,
            self.suspicion.probes,
            self.suspicion.walk_steps,
        ];
        let words = [
            self.paths.first_word(),
            self.objects.first_word(),
            self.agents.first_word(),
            u64::from(self.route_buckets[0]),
        ];
        let read = words
            .iter()
            .fold(self.requests ^ self.last_object, |read, word| read ^ word);
        fields
            .iter()
            .fold(read, |read, field| read ^ u64::from(field.to_bits()))
    }

    /// Decays everything to `at` and gives the weight of a request at that time: 1, or less for a late one.
    fn move_to(&mut self, at: Timestamp) -> Factors {
        let millis = at.as_millis();
        if self.requests == 0 && self.stopped == 0 {
            (self.first_millis, self.last_millis) = (millis, millis);
            return Factors([1.0; 3]);
        }
        let gap = millis.saturating_sub(self.last_millis);
        if gap >= 0 {
            let factors = Factors::after(gap);
            for horizon in [BURST, VISIT, HABIT] {
                self.rate[horizon] *= factors.0[horizon];
                self.errors[horizon] *= factors.0[horizon];
            }
            self.habit.decay(factors.0[HABIT]);
            self.suspicion.decay(factors.0[HABIT]);
            if millis.div_euclid(NAMES_MILLIS) != self.last_millis.div_euclid(NAMES_MILLIS) {
                self.forget_names();
            }
            self.rhythm.observe(gap);
            self.last_millis = millis;
            return Factors([1.0; 3]);
        }
        self.first_millis = self.first_millis.min(millis);
        // What comes late counts as much as it would have by now.
        Factors::after(-gap)
    }

    /// Forgets what was named: a share of the last hours says nothing beside a count of months. Agents stay, which show that
    /// an address is shared, and paths and routes, which tell what is new.
    fn forget_names(&mut self) {
        self.objects = Distinct::default();
        self.queries = Distinct::default();
        self.query_names = Distinct::default();
    }

    /// Takes in what the request names, and says what of it is new for this client.
    fn observe_names(&mut self, record: &RequestRecord<'_>, hashes: Hashes) -> Names {
        if hashes.query != 0 {
            self.queries.insert(hashes.query);
            self.query_names.insert(hashes.query_name);
        }
        let is_new_agent = hashes.agent != 0 && self.agents.insert(hashes.agent);
        if is_new_agent {
            let agent = record.user_agent.as_deref().unwrap_or("");
            let is_crawler = declares_crawler(agent);
            // Its latest new name says what it is: whoever was a crawler and now goes by another name is judged as everybody,
            // until it reads robots.txt once more.
            self.suspicion.is_declared_crawler = is_crawler;
            self.suspicion.is_robot &= is_crawler || self.requests == 1;
            // Whoever says where to read about it is a program, and says so.
            let is_browser = agent.starts_with("Mozilla/") && !agent.contains("+http");
            self.suspicion.is_declared_browser |= is_browser && !is_crawler;
        }
        let mut is_new_object = false;
        if let Some(object) = record.route.object {
            is_new_object = self.objects.insert(object.hash);
            if let Some(number) = object.number {
                if is_new_object {
                    self.suspicion.observe_step(number.abs_diff(self.last_object));
                }
                self.last_object = number;
            }
        }
        Names {
            is_new_agent,
            is_new_object,
        }
    }

    /// Whether so many user agents come from its address that a crowd stands behind it.
    #[must_use]
    pub fn is_crowd(&self) -> bool {
        self.agents.estimate() >= CROWD_AGENTS
    }

    /// Whether a crowd stands behind its address, and few in it do what was counted.
    #[must_use]
    pub fn is_crowds_aside(&self, count: f32) -> bool {
        self.is_crowd() && self.share(count) < CROWD_SHARE
    }

    /// Whether it goes by a browser's name and has none of a browser's habits: no file of a page, and no page it came from.
    #[must_use]
    pub fn is_disguised(&self) -> bool {
        self.suspicion.is_declared_browser
            && !self.suspicion.is_declared_crawler
            && !self.suspicion.is_robot
            && self.share(self.habit.assets) < 0.01
            && self.share(self.habit.with_referer) < 0.02
            && self.agents.estimate() < 3.5
    }

    /// Age of the client at its latest request, in milliseconds.
    #[must_use]
    pub fn age_millis(&self) -> i64 {
        self.last_millis.saturating_sub(self.first_millis)
    }

    /// Requests per second over a horizon.
    #[must_use]
    pub fn rate_per_second(&self, horizon: usize) -> f32 {
        decay::rate_per_second(self.rate[horizon], horizon, self.age_millis())
    }

    /// Share of the requests over the longest horizon that `count` of them are.
    #[must_use]
    pub fn share(&self, count: f32) -> f32 {
        if self.rate[HABIT] <= 0.0 {
            0.0
        } else {
            (count / self.rate[HABIT]).clamp(0.0, 1.0)
        }
    }
}

/// What crawlers call themselves.
static CRAWLER_WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build(["bot", "crawl", "spider", "slurp", "feed", "archive"])
        .expect("six words make an automaton")
});

/// Whether a user agent says of itself that it is a crawler. Anybody can say so: it only asks for more evidence
/// where crawlers and scanners look alike, and never excuses a payload or a probe.
fn declares_crawler(agent: &str) -> bool {
    CRAWLER_WORDS.is_match(agent)
}

/// What a request asks for: `/item?id=7` is another page than `/item?id=8`, as `/items/7` is than `/items/8`.
fn page(record: &RequestRecord<'_>) -> u64 {
    let path = record.route.path;
    // A path that is its own template names no object: the query does.
    match record.route.object {
        Some(object) if record.route.template == path => path ^ object.hash,
        _ => path,
    }
}
