//! People with curl, wget or a small script: a request or two, or a loop over something public.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat, Turn, WhenRefused};
use crate::agent::Agent;
use crate::random::{chance, geometric, log_normal_ms, pick};
use crate::request::Request;
use crate::world::{Access, Need};
use rand::Rng;

pub(super) const SCRIPT_USER: Behaviour = Behaviour::benign("script_user", Need::Anything, 10, |start| {
    let agent = Agent::script(start.rng);
    let count = match start.rng.gen_range(0..10) {
        0..6 => geometric(start.rng, 1.5),
        6..9 => geometric(start.rng, 8.0),
        _ => 20 + geometric(start.rng, 60.0),
    };
    let median_ms = log_normal_ms(start.rng, 2_500.0, 1.2);
    let is_loop = count > 8;
    let pace = if is_loop {
        Pace::Steady { gap_ms: median_ms }
    } else {
        Pace::Varied {
            median_ms,
            sigma: 1.2,
        }
    };
    let is_plain = chance(start.rng, 0.2);
    let follows = chance(start.rng, 0.6);
    let same = chance(start.rng, 0.5);
    let mut first: Option<Request> = None;
    let script = Repeat::new(count, pace, move |turn, _| {
        if same && let Some(request) = &first {
            return Some(request.clone());
        }
        let request = something_public(&agent, turn).over_plain_http(is_plain);
        first = Some(request.clone());
        Some(request)
    })
    .when_refused(WhenRefused::LeaveAfter(5));
    if follows {
        FollowsRedirects::boxed(script.boxed())
    } else {
        script.boxed()
    }
});

fn something_public(agent: &Agent, turn: &mut Turn<'_>) -> Request {
    let site = turn.site;
    let kind = turn.rng.gen_range(0..10);
    if kind < 3 && !site.downloads.is_empty() {
        let index = *pick(turn.rng, &site.downloads);
        return agent.get(site.files[index as usize].path.as_str());
    }
    if kind < 6
        && let Some(collection) = site.some_collection(turn.rng, Access::Public)
    {
        return agent.get(collection.some_object(turn.rng));
    }
    match site.some_page(turn.rng) {
        Some(page) if kind == 9 => agent.head(page.path.as_str()),
        Some(page) => agent.get(page.path.as_str()),
        None => agent.get("/"),
    }
}
