//! Payloads in what a log shows: the query, the path, the agent, the referer.

use super::{Behaviour, Start};
use crate::account::search_words;
use crate::actor::{Actor, Pace, Repeat, Turn, attackers_nerve};
use crate::agent::Agent;
use crate::random::{chance, geometric, log_normal_ms, pick};
use crate::request::Request;
use crate::world::{Access, Need};
use domain::ThreatKind::Injection;
use rand::Rng;
use std::sync::LazyLock;

/// Payloads by family, as sent (percent-encoded).
static FAMILIES: LazyLock<[Vec<&'static str>; 6]> = LazyLock::new(|| {
    [
        include_str!("../data/sqli.txt").lines().collect(),
        include_str!("../data/xss.txt").lines().collect(),
        include_str!("../data/traversal.txt").lines().collect(),
        include_str!("../data/command.txt").lines().collect(),
        include_str!("../data/template.txt").lines().collect(),
        include_str!("../data/ssrf.txt").lines().collect(),
    ]
});

/// Parameters that payloads go into.
const PARAMETERS: [&str; 18] = [
    "id", "q", "search", "page", "file", "path", "url", "cat", "user", "name", "redirect", "lang", "view",
    "sort", "order", "template", "callback", "s",
];

/// A tool that tries every payload of a family on one parameter.
pub(super) const LOUD: Behaviour = Behaviour::attack("injection", Injection, Need::Anything, 250, |start| {
    let count = log_normal_ms(start.rng, 180.0, 0.9).clamp(25, 3_000) as u32;
    let median_ms = log_normal_ms(start.rng, 250.0, 1.0);
    let family = start.rng.gen_range(0..FAMILIES.len());
    attack(
        start,
        count,
        Pace::Varied {
            median_ms,
            sigma: 0.5,
        },
        Some(family),
        0.0,
    )
});

/// A person who tries a payload now and then, with ordinary requests between.
pub(super) const SLOW: Behaviour =
    Behaviour::attack("injection_slow", Injection, Need::Anything, 50, |start| {
        let count = start.rng.gen_range(20..100);
        let median_ms = log_normal_ms(start.rng, 18_000.0, 0.8);
        let cover_share = if chance(start.rng, 0.5) { 0.5 } else { 0.15 };
        attack(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 1.0,
            },
            None,
            cover_share,
        )
    });

/// A worm that tries its one to five tricks and moves on.
pub(super) const FEW: Behaviour = Behaviour::attack("injection_few", Injection, Need::Anything, 3, |start| {
    let count = geometric(start.rng, 3.0);
    attack(
        start,
        count,
        Pace::Varied {
            median_ms: 800,
            sigma: 1.2,
        },
        None,
        0.0,
    )
});

fn attack(
    start: &mut Start<'_>,
    count: u32,
    pace: Pace,
    family: Option<usize>,
    cover_share: f64,
) -> Box<dyn Actor> {
    let agent = Agent::attack_tool(start.rng);
    let target = target(start);
    let parameter = *pick(start.rng, &PARAMETERS);
    let is_parallel = chance(start.rng, 0.3);
    let repeat = Repeat::new(count, pace, move |turn, number| {
        if chance(turn.rng, cover_share) {
            return Some(cover(&agent, turn));
        }
        let family = family.unwrap_or_else(|| turn.rng.gen_range(0..FAMILIES.len()));
        let payloads = &FAMILIES[family];
        let payload = payloads[(number as usize * 7 + turn.rng.gen_range(0..3)) % payloads.len()];
        let parameter = if chance(turn.rng, 0.7) {
            parameter
        } else {
            *pick(turn.rng, &PARAMETERS)
        };
        Some(carry(&agent, turn, &target, parameter, payload))
    })
    .when_refused(attackers_nerve(start.rng));
    if is_parallel {
        repeat.parallel().boxed()
    } else {
        repeat.boxed()
    }
}

/// Where the payloads go: something that takes parameters.
fn target(start: &mut Start<'_>) -> String {
    let site = start.site;
    let choice = start.rng.gen_range(0..4);
    let page = site.some_page(start.rng).map(|page| page.path.clone());
    let collection = site
        .some_collection(start.rng, Access::Public)
        .map(|c| c.path.clone());
    match (choice, page, collection) {
        (0, Some(page), _) | (_, Some(page), None) => page,
        (_, _, Some(collection)) => collection,
        _ => "/index.php".to_owned(),
    }
}

fn carry(agent: &Agent, turn: &mut Turn<'_>, target: &str, parameter: &str, payload: &str) -> Request {
    let mut request = match turn.rng.gen_range(0..20) {
        0 | 1 => agent.get(format!("{}/{payload}", target.trim_end_matches('/'))),
        2 => {
            let mut request = agent.get(target);
            // Raw in a header: what is percent-encoded in an address is plain there.
            request.user_agent = Some(plain(payload).into());
            request
        }
        3 => agent
            .get(target)
            .referred_by(Some(format!("{}/{payload}", turn.site.origin).into())),
        4 => agent.post(target, 240).query(format!("{parameter}={payload}")),
        _ => {
            let value = turn.rng.gen_range(1..400);
            let lead = if chance(turn.rng, 0.4) {
                value.to_string()
            } else {
                String::new()
            };
            agent.get(target).query(format!("{parameter}={lead}{payload}"))
        }
    };
    request.intent.has_payload = true;
    request.hostile()
}

/// Undoes the percent-encoding of what is printable, quotes left out so that the log stays readable.
fn plain(payload: &str) -> String {
    payload
        .replace("%20", " ")
        .replace('+', " ")
        .replace("%27", "'")
        .replace("%3C", "<")
        .replace("%3E", ">")
        .replace("%2F", "/")
        .replace("%7B", "{")
        .replace("%7D", "}")
        .replace("%24", "$")
        .replace("%3A", ":")
}

/// An ordinary request between the others.
fn cover(agent: &Agent, turn: &mut Turn<'_>) -> Request {
    match turn.site.some_page(turn.rng) {
        Some(page) => agent.get(page.path.as_str()),
        None => {
            let words = search_words(turn.rng);
            let path = turn
                .site
                .some_collection(turn.rng, Access::Public)
                .map_or("/", |c| c.path.as_str());
            agent.get(path).query(words)
        }
    }
}
