//! A developer who tries an API out: wrong methods, missing tokens, paths that do not exist, then it works.

use super::Behaviour;
use crate::account::Account;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, geometric, pick};
use crate::world::{Need, Role};
use rand::Rng;

pub(super) const DEVELOPER: Behaviour = Behaviour::benign("developer", Need::OwnedObjects, 30, |start| {
    let agent = Agent::script(start.rng);
    let account = Account::new(start.rng, start.site);
    let count = 6 + geometric(start.rng, 25.0);
    let pace = Pace::Bursts {
        gap_ms: 9_000,
        pause_ms: 240_000,
        pause_chance: 0.1,
    };
    Repeat::new(count, pace, move |turn, number| {
        // He learns: half of the first calls are wrong, one in twenty of the later ones.
        let error_chance = (0.5 - f64::from(number) * 0.04).max(0.05);
        let request = account.call(&agent, turn);
        if !chance(turn.rng, error_chance) {
            return Some(request);
        }
        Some(match turn.rng.gen_range(0..6) {
            0 => agent.get(request.path),
            1 => agent.send("OPTIONS", request.path),
            2 => agent.send("PUT", request.path).with_session(),
            3 => agent
                .post(turn.site.path_of(Role::Login), 60)
                .with_credentials(chance(turn.rng, 0.5)),
            4 => agent
                .get(format!(
                    "{}{}",
                    request.path,
                    pick(turn.rng, &["s", "/list", "/all", ".json"])
                ))
                .with_session(),
            _ => agent.get(pick(turn.rng, &["/docs", "/openapi.json", "/swagger", "/api", "/"]).to_string()),
        })
    })
    .boxed()
});
