//! Search engines and the like: robots.txt, many distinct pages, no files, some pages that are long gone.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, geometric, log_normal_ms, pick};
use crate::request::Request;
use crate::world::{Need, Role, Site};
use rand::Rng;

pub(super) const CRAWLER: Behaviour = Behaviour::benign("crawler", Need::Pages, 22, |start| {
    let agent = Agent::crawler(start.rng);
    // A crawler has many addresses: most ask for a page or two, a few walk the whole site.
    let count = match start.rng.gen_range(0..100) {
        0..60 => geometric(start.rng, 2.0),
        60..90 => geometric(start.rng, 12.0),
        _ => 40 + geometric(start.rng, 150.0),
    };
    let median_ms = match start.rng.gen_range(0..100) {
        0..25 => log_normal_ms(start.rng, 1_500.0, 0.5),
        25..60 => log_normal_ms(start.rng, 15_000.0, 0.8),
        _ => log_normal_ms(start.rng, 400_000.0, 1.0),
    };
    let sigma = if chance(start.rng, 0.3) { 0.15 } else { 0.9 };
    let reads_robots = chance(start.rng, 0.5);
    let gone_share = if chance(start.rng, 0.15) { 0.3 } else { 0.05 };
    let is_plain = chance(start.rng, 0.12);
    let sends_referer = chance(start.rng, 0.08);
    let loads_images = chance(start.rng, 0.1);
    let mut at = start.rng.gen_range(0..start.site.pages.len());
    let crawl = Repeat::new(count, Pace::Varied { median_ms, sigma }, move |turn, number| {
        if number == 0 && reads_robots || number % 90 == 89 {
            return Some(agent.get("/robots.txt").over_plain_http(is_plain));
        }
        if number == 1 && reads_robots && chance(turn.rng, 0.3) {
            return Some(agent.get(turn.site.path_of(Role::SiteMap)));
        }
        at = (at + turn.rng.gen_range(1..4)) % turn.site.pages.len();
        let mut request = next_page(&agent, turn.site, at);
        if loads_images && chance(turn.rng, 0.5) && turn.site.files.len() > 20 {
            let file = pick(turn.rng, &turn.site.files);
            request = agent.get(file.path.as_str());
        } else if chance(turn.rng, gone_share) {
            let ending = *pick(turn.rng, &["-old", "/feed/", "amp/", "/page/2/", "-2019"]);
            request.path.push_str(ending);
        }
        if sends_referer {
            request.referer = Some(turn.site.pages[0].url.clone());
        }
        let has_copy = chance(turn.rng, 0.12);
        Some(request.if_newer(has_copy).over_plain_http(is_plain))
    })
    .when_refused(WhenRefused::BackOff { ms: 120_000 });
    FollowsRedirects::boxed(crawl.boxed())
});

fn next_page(agent: &Agent, site: &Site, index: usize) -> Request {
    let page = &site.pages[index];
    let mut request = agent.get(page.path.as_str());
    request.query.clone_from(&page.query);
    request
}
