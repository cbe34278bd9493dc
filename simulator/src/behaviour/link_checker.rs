//! The owner's own link checker: HEAD on everything, dead links included.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::world::Need;

pub(super) const LINK_CHECKER: Behaviour = Behaviour::benign("link_checker", Need::Pages, 120, |start| {
    let mut agent = Agent::script(start.rng);
    agent.user_agent = Some(
        "Mozilla/5.0 (compatible; LinkChecker/10.2; +https://linkchecker.github.io/linkchecker/)".into(),
    );
    let count = log_normal_ms(start.rng, 90.0, 0.8).clamp(10, 1_500) as u32;
    let median_ms = log_normal_ms(start.rng, 300.0, 0.8);
    let dead_share = if chance(start.rng, 0.2) { 0.15 } else { 0.02 };
    let checker = Repeat::new(
        count,
        Pace::Varied {
            median_ms,
            sigma: 0.4,
        },
        move |turn, number| {
            let site = turn.site;
            let index = number as usize;
            let mut request = match site.pages.get(index) {
                Some(page) => {
                    let mut request = agent.head(page.path.as_str());
                    request.query.clone_from(&page.query);
                    request
                }
                None => agent.head(site.files[index % site.files.len()].path.as_str()),
            };
            if chance(turn.rng, dead_share) {
                request.path.push_str("-moved");
            }
            request.referer = Some(site.pages[index / 20 % site.pages.len()].url.clone());
            Some(request)
        },
    )
    .when_refused(WhenRefused::LeaveAfter(20));
    FollowsRedirects::boxed(checker.boxed())
});
