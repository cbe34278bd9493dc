//! Taking the content: every page or product in order, no files, no pauses; or slowly and without one error.

use super::{Behaviour, Start};
use crate::actor::{Actor, FollowsRedirects, Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::world::{Access, Ids, Need};
use domain::ThreatKind::Scraping;
use rand::Rng;

pub(super) const FAST: Behaviour = Behaviour::attack("scraping", Scraping, Need::Anything, 750, |start| {
    let count = log_normal_ms(start.rng, 600.0, 0.8).clamp(100, 8_000) as u32;
    let median_ms = log_normal_ms(start.rng, 180.0, 0.7);
    harvest(
        start,
        count,
        Pace::Varied {
            median_ms,
            sigma: 0.3,
        },
    )
});

pub(super) const SLOW: Behaviour =
    Behaviour::attack("scraping_slow", Scraping, Need::Anything, 220, |start| {
        let count = start.rng.gen_range(100..450);
        let median_ms = log_normal_ms(start.rng, 9_000.0, 0.6);
        harvest(
            start,
            count,
            Pace::Bursts {
                gap_ms: median_ms,
                pause_ms: median_ms * 8,
                pause_chance: 0.05,
            },
        )
    });

fn harvest(start: &mut Start<'_>, count: u32, pace: Pace) -> Box<dyn Actor> {
    let agent = Agent::attack_tool(start.rng);
    let site = start.site;
    let catalogue = site
        .some_collection(start.rng, Access::Public)
        .map(|c| (c.path.clone(), c.ids));
    let has_pages = site.offers(Need::Pages);
    let sends_referer = chance(start.rng, 0.3);
    let is_parallel = chance(start.rng, 0.3);
    let mut at = start.rng.gen_range(0..50_u64);
    let harvest = Repeat::new(count, pace, move |turn, number| {
        at += 1;
        let site = turn.site;
        let mut request = match &catalogue {
            Some((path, _)) if !has_pages && number.is_multiple_of(25) => agent
                .get(path.as_str())
                .query(format!("page={}&limit=100", number / 25 + 1)),
            Some((path, Ids::Numbers { first, .. })) if !has_pages => {
                agent.get(format!("{path}/{}", first + at))
            }
            _ if has_pages => {
                let page = &site.pages[at as usize % site.pages.len()];
                let mut request = agent.get(page.path.as_str());
                request.query.clone_from(&page.query);
                request
            }
            _ => agent.get("/").query(format!("page={at}")),
        };
        if sends_referer && let Some(page) = site.pages.first() {
            request.referer = Some(page.url.clone());
        }
        Some(request.hostile())
    })
    .when_refused(attackers_nerve(start.rng));
    let harvest = if is_parallel { harvest.parallel() } else { harvest };
    FollowsRedirects::boxed(harvest.boxed())
}
