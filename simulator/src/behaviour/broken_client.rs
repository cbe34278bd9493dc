//! Something forgotten that asks for the same thing for ever and is refused each time, politely.

use super::Behaviour;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, pick};
use crate::world::{Access, Need, Role};
use rand::Rng;

pub(super) const BROKEN_CLIENT: Behaviour =
    Behaviour::benign("broken_client", Need::Anything, 250, |start| {
        let is_app = chance(start.rng, 0.4);
        let agent = if is_app {
            Agent::mobile_app(start.rng)
        } else {
            Agent::script(start.rng)
        };
        let site = start.site;
        let has_api = !site.collections.is_empty();
        let request = match start.rng.gen_range(0..5) {
            // A token that ran out a year ago.
            0 if has_api => agent.get(site.path_of(Role::Account)),
            1 if has_api => {
                let path = site
                    .some_collection(start.rng, Access::Session)
                    .map_or("/", |c| c.path.as_str());
                agent.get(path)
            }
            // A job whose password was changed.
            2 if site.endpoint(Role::Login).is_some() => {
                agent.post(site.path_of(Role::Login), 130).with_credentials(false)
            }
            3 => agent.get("/feeds/old/rss.xml"),
            _ => agent.get(*pick(
                start.rng,
                &["/update/latest.json", "/static/app.9f3c.js", "/img/logo-old.png"],
            )),
        };
        let gap_ms = *pick(start.rng, &[5_000, 15_000, 30_000, 60_000, 300_000, 900_000]);
        let count = start.rng.gen_range(20..500);
        Repeat::new(count, Pace::Steady { gap_ms }, move |_, _| Some(request.clone())).boxed()
    });
