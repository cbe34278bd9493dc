//! A loop without an end: a token that ran out or a password that was changed, tried again every few seconds for hours.

use super::Behaviour;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, pick};
use crate::world::{Access, Need, Role};
use rand::Rng;

/// Most tries: somebody looks at the machine in the end.
const TRIES_MAX: u64 = 4_000;

pub(super) const RETRY_LOOP: Behaviour =
    Behaviour::benign("retry_loop", Need::OwnedObjects, 1_900, |start| {
        let agent = if chance(start.rng, 0.5) {
            Agent::mobile_app(start.rng)
        } else {
            Agent::script(start.rng)
        };
        let site = start.site;
        let request = match start.rng.gen_range(0..10) {
            // The password was changed: the same wrong one, again and again.
            0..3 => agent.post(site.path_of(Role::Login), 128).with_credentials(false),
            3..6 => agent.get(site.path_of(Role::Account)),
            _ => {
                let path = site
                    .some_collection(start.rng, Access::Session)
                    .map_or("/", |collection| collection.path.as_str());
                agent.get(path)
            }
        };
        let gap_ms = *pick(start.rng, &[2_000, 5_000, 10_000, 30_000]);
        let hours = start.rng.gen_range(2..9);
        let tries = (hours * 3_600_000 / gap_ms).min(TRIES_MAX) as u32;
        let pace = if chance(start.rng, 0.5) {
            Pace::Steady { gap_ms }
        } else {
            Pace::Varied {
                median_ms: gap_ms,
                sigma: 0.3,
            }
        };
        Repeat::new(tries, pace, move |_, _| Some(request.clone())).boxed()
    });
