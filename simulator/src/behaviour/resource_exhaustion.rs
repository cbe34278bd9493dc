//! Few requests that cost much: the largest page size, the widest search, the heaviest report.

use super::Behaviour;
use crate::actor::{Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::log_normal_ms;
use crate::world::{Need, Role};
use domain::ThreatKind::ResourceExhaustion;
use rand::Rng;

pub(super) const RESOURCE_EXHAUSTION: Behaviour = Behaviour::attack(
    "resource_exhaustion",
    ResourceExhaustion,
    Need::Expensive,
    90,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = start.rng.gen_range(40..200);
        let median_ms = log_normal_ms(start.rng, 1_200.0, 0.8);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.6,
            },
            move |turn, _| {
                let site = turn.site;
                let request = match turn.rng.gen_range(0..10) {
                    0..7 => {
                        let size = turn.rng.gen_range(10_000..10_000_000);
                        agent
                            .get(site.path_of(Role::Expensive))
                            .query(format!("from=1970-01-01&to=2099-12-31&limit={size}"))
                    }
                    _ => agent
                        .get(site.path_of(Role::Search))
                        .query("q=%25&limit=1000000&depth=99"),
                };
                Some(request.with_session().hostile())
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .parallel()
        .boxed()
    },
);
