//! A signed-in person's use of an API: listings, own objects, public objects, the calls that apps make.

use crate::actor::Turn;
use crate::agent::Agent;
use crate::random::{Stream, chance, log_normal_ms, pick};
use crate::request::{Request, Step};
use crate::world::{Access, Role, Site};
use rand::Rng;
use std::collections::VecDeque;
use std::sync::Arc;

/// What belongs to one account.
pub(crate) struct Account {
    /// Paths of its own objects.
    own: Vec<String>,
    /// The page that scripts send as referer; apps send none.
    pub(crate) referer: Option<Arc<str>>,
}

impl Account {
    pub(crate) fn new(rng: &mut Stream, site: &Site) -> Self {
        let count = rng.gen_range(2..14);
        let own = (0..count)
            .filter_map(|_| {
                site.some_collection(rng, Access::Session)
                    .map(|c| c.some_object(rng))
            })
            .collect();
        Self { own, referer: None }
    }

    /// One API call of an ordinary user.
    pub(crate) fn call(&self, agent: &Agent, turn: &mut Turn<'_>) -> Request {
        let site = turn.site;
        let kind = turn.rng.gen_range(0..100);
        let request = match kind {
            0..12 => agent
                .get(site.path_of(Role::Account))
                .if_newer(chance(turn.rng, 0.3)),
            12..20 => agent
                .get(site.path_of(Role::Config))
                .if_newer(chance(turn.rng, 0.7)),
            20..30 => agent.post(site.path_of(Role::Background), turn.rng.gen_range(80..2_000)),
            30..50 => listing(agent, turn),
            50..68 if !self.own.is_empty() => {
                return agent
                    .get(pick(turn.rng, &self.own).as_str())
                    .for_own_object()
                    .referred_by(self.referer.clone());
            }
            68..72 => agent
                .get(site.path_of(Role::Search))
                .query(search_words(turn.rng)),
            72..76 => agent.post(site.path_of(Role::Cart), turn.rng.gen_range(60..200)),
            76..77 => agent.post(site.path_of(Role::Checkout), turn.rng.gen_range(300..900)),
            _ => match site.some_collection(turn.rng, Access::Public) {
                Some(collection) => agent.get(collection.some_object(turn.rng)),
                None => agent.get("/"),
            },
        };
        request.with_session().referred_by(self.referer.clone())
    }

    /// Queues the burst of calls that one screen makes.
    pub(crate) fn open_screen(
        &self,
        agent: &Agent,
        turn: &mut Turn<'_>,
        queue: &mut VecDeque<Step>,
        gap_ms: u64,
    ) {
        let request = self.call(agent, turn);
        queue.push_back(Step::after(gap_ms, request));
        for _ in 0..turn.rng.gen_range(0..6) {
            let gap_ms = log_normal_ms(turn.rng, 40.0, 1.0);
            let request = self.call(agent, turn);
            queue.push_back(Step::beside(gap_ms, request));
        }
    }
}

/// A page of a public or own listing.
fn listing(agent: &Agent, turn: &mut Turn<'_>) -> Request {
    let access = if chance(turn.rng, 0.5) {
        Access::Public
    } else {
        Access::Session
    };
    let path = turn
        .site
        .some_collection(turn.rng, access)
        .map_or("/", |c| c.path.as_str());
    let request = agent.get(path);
    match turn.rng.gen_range(0..4) {
        0 => request,
        1 => request.query(format!("page={}&limit=20", turn.rng.gen_range(1..5))),
        2 => request.query(format!("sort=-created&page={}", turn.rng.gen_range(1..3))),
        _ => request.query("limit=10"),
    }
}

/// What people search for, odd but harmless characters included.
pub(crate) fn search_words(rng: &mut Stream) -> String {
    const SEARCHES: [&str; 24] = [
        "red+shoes",
        "garden+chair",
        "coffee",
        "how+to+install",
        "o%27reilly",
        "d%27angelo+jacket",
        "rock+%26+roll",
        "select+union+jobs",
        "c%2B%2B+templates",
        "%3Cdiv%3E+tag",
        "what%27s+new",
        "price+%3C+100",
        "..%2Fconfig+not+found",
        "drop+shipping+table",
        "50%25+off",
        "caf%C3%A9",
        "M%C3%BCnchen",
        "size+9%2F10",
        "%22exact+phrase%22",
        "order+by+phone",
        "script+for+windows",
        "etc+passwd+explained",
        "sleep+mask",
        "1+or+2+seats",
    ];
    let key = *pick(rng, &["q", "q", "s", "search", "query"]);
    format!("{key}={}", pick(rng, &SEARCHES))
}
