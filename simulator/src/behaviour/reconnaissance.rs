//! Looking for what should not be there: wordlists loud and slow, a handful of probes, and many addresses together.

use super::{Behaviour, Start};
use crate::actor::{Actor, FollowsRedirects, Pace, Repeat, attackers_nerve};
use crate::address::Neighbourhood;
use crate::agent::Agent;
use crate::random::{chance, geometric, log_normal_ms, pick};
use crate::world::Need;
use domain::ThreatKind::Reconnaissance;
use rand::Rng;
use std::sync::{Arc, LazyLock};

/// Paths that scanners ask for.
static PROBES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/probes.txt").lines().collect());
/// Names of archives that careless people leave in web roots.
static BACKUPS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/backups.txt").lines().collect());
/// Words from which wordlist scanners make directories and files.
static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/words.txt").lines().collect());

pub(super) const WORDLIST: Behaviour =
    Behaviour::attack("reconnaissance", Reconnaissance, Need::Anything, 700, |start| {
        let count = log_normal_ms(start.rng, 450.0, 1.0).clamp(40, 6_000) as u32;
        let median_ms = log_normal_ms(start.rng, 70.0, 1.0);
        scan(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.5,
            },
        )
    });

pub(super) const SLOW: Behaviour = Behaviour::attack(
    "reconnaissance_slow",
    Reconnaissance,
    Need::Anything,
    110,
    |start| {
        let count = start.rng.gen_range(25..180);
        let median_ms = log_normal_ms(start.rng, 25_000.0, 0.8);
        scan(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.9,
            },
        )
    },
);

/// A few well-known paths and away: most of the scanning that any site sees.
pub(super) const FEW: Behaviour =
    Behaviour::attack("reconnaissance_few", Reconnaissance, Need::Anything, 8, |start| {
        let count = 2 + geometric(start.rng, 6.0);
        let median_ms = log_normal_ms(start.rng, 600.0, 1.4);
        scan(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.8,
            },
        )
    });

/// Hosts in a few rented ranges that ask for archives, a handful each, mostly with HEAD and without an agent.
pub(super) const CAMPAIGN: Behaviour = Behaviour::attack(
    "reconnaissance_campaign",
    Reconnaissance,
    Need::Anything,
    4,
    |start| {
        let mut agent = Agent::attack_tool(&mut start.shared);
        if chance(&mut start.shared, 0.5) {
            agent.user_agent = None;
        }
        let method = if chance(&mut start.shared, 0.7) {
            "HEAD"
        } else {
            "GET"
        };
        let is_plain = chance(&mut start.shared, 0.5);
        let count = start.rng.gen_range(1..8);
        let pace = Pace::Varied {
            median_ms: 900_000,
            sigma: 1.2,
        };
        let probe = Repeat::new(count, pace, move |turn, _| {
            let path = format!("/{}", backup_name(turn.rng, &turn.site.host));
            Some(agent.send(method, path).over_plain_http(is_plain).hostile())
        });
        // Few tools follow: a redirect tells them enough.
        if chance(&mut start.shared, 0.3) {
            FollowsRedirects::boxed(probe.boxed())
        } else {
            probe.boxed()
        }
    },
)
.in_campaign(Neighbourhood::HostingRanges);

fn scan(start: &mut Start<'_>, count: u32, pace: Pace) -> Box<dyn Actor> {
    let agent = Agent::attack_tool(start.rng);
    let method = if chance(start.rng, 0.2) { "HEAD" } else { "GET" };
    let is_plain = chance(start.rng, 0.35);
    let referer = chance(start.rng, 0.15).then(|| Arc::from(format!("{}/", start.site.origin)));
    let posts_share = if chance(start.rng, 0.25) { 0.3 } else { 0.02 };
    let style = start.rng.gen_range(0..10);
    let is_ordered = chance(start.rng, 0.6);
    let mut at = start.rng.gen_range(0..PROBES.len());
    let probe = Repeat::new(count, pace, move |turn, number| {
        // Many look at the home page first, some with its robots.txt.
        if number == 0 && style < 4 {
            return Some(agent.get("/").over_plain_http(is_plain));
        }
        let path = match style {
            0..6 => {
                at = if is_ordered {
                    (at + 1) % PROBES.len()
                } else {
                    turn.rng.gen_range(0..PROBES.len())
                };
                PROBES[at].to_owned()
            }
            6 => format!("/{}", backup_name(turn.rng, &turn.site.host)),
            7 => {
                let extension = pick(
                    turn.rng,
                    &["", "/", ".php", ".bak", ".old", ".html", ".txt", "~", ".zip"],
                );
                format!("/{}{extension}", pick(turn.rng, &WORDS))
            }
            8 => {
                let known = turn
                    .site
                    .some_page(turn.rng)
                    .map_or("/api", |page| page.path.trim_end_matches('/'));
                format!("{known}/{}", pick(turn.rng, &WORDS))
            }
            _ => {
                let prefix = pick(
                    turn.rng,
                    &["/api", "/api/v1", "/api/v2", "/v1", "/v2", "/rest", "/graphql"],
                );
                format!("{prefix}/{}", pick(turn.rng, &WORDS))
            }
        };
        let (path, query) = path
            .split_once('?')
            .map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
        let method = if chance(turn.rng, posts_share) {
            "POST"
        } else {
            method
        };
        let mut request = agent
            .send(method, path)
            .over_plain_http(is_plain)
            .referred_by(referer.clone());
        request.query = query.map(str::to_owned);
        Some(request.hostile())
    })
    .when_refused(attackers_nerve(start.rng));
    if chance(start.rng, 0.5) {
        FollowsRedirects::boxed(probe.boxed())
    } else {
        probe.boxed()
    }
}

/// A backup's name: a usual one, or made from the host's name.
fn backup_name(rng: &mut crate::random::Stream, host: &str) -> String {
    if chance(rng, 0.6) {
        return (*pick(rng, &BACKUPS)).to_owned();
    }
    let stem = match rng.gen_range(0..3) {
        0 => host.to_owned(),
        1 => host.split('.').nth(1).unwrap_or(host).to_owned(),
        _ => host.replace('.', "_"),
    };
    format!(
        "{stem}.{}",
        pick(
            rng,
            &["zip", "tar.gz", "sql", "rar", "tgz", "bak", "7z", "sql.gz"]
        )
    )
}
