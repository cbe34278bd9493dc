//! Guessed tokens: reset links, session tokens in the query, keys tried one after the other.

use super::Behaviour;
use crate::actor::{Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::{hex, log_normal_ms};
use crate::world::{Need, Role};
use domain::ThreatKind::TokenAbuse;
use rand::Rng;

pub(super) const TOKEN_ABUSE: Behaviour =
    Behaviour::attack("token_abuse", TokenAbuse, Need::OwnedObjects, 250, |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = log_normal_ms(start.rng, 200.0, 0.7).clamp(30, 2_000) as u32;
        let median_ms = log_normal_ms(start.rng, 900.0, 1.2);
        let style = start.rng.gen_range(0..3);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.4,
            },
            move |turn, _| {
                let site = turn.site;
                let request = match style {
                    0 => agent
                        .get(site.path_of(Role::Account))
                        .query(format!("token={}", hex(turn.rng, 32))),
                    1 => agent.get(format!(
                        "{}/{}",
                        site.path_of(Role::PasswordReset),
                        hex(turn.rng, 20)
                    )),
                    _ => agent.get(site.path_of(Role::Account)),
                };
                Some(request.hostile())
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .boxed()
    });
