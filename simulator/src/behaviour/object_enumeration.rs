//! Walking other people's objects: number after number, at random, loud or slow.

use super::{Behaviour, Start};
use crate::actor::{Actor, Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms, uuid};
use crate::world::{Access, Ids, Need};
use domain::ThreatKind::ObjectEnumeration;
use rand::Rng;

pub(super) const SEQUENTIAL: Behaviour = Behaviour::attack(
    "object_enumeration",
    ObjectEnumeration,
    Need::OwnedObjects,
    600,
    |start| {
        let count = log_normal_ms(start.rng, 500.0, 0.8).clamp(80, 6_000) as u32;
        let median_ms = log_normal_ms(start.rng, 150.0, 0.8);
        walk(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.4,
            },
            true,
        )
    },
);

pub(super) const RANDOM: Behaviour = Behaviour::attack(
    "object_enumeration_random",
    ObjectEnumeration,
    Need::OwnedObjects,
    350,
    |start| {
        let count = log_normal_ms(start.rng, 300.0, 0.7).clamp(60, 3_000) as u32;
        let median_ms = log_normal_ms(start.rng, 500.0, 0.9);
        walk(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.7,
            },
            false,
        )
    },
);

pub(super) const SLOW: Behaviour = Behaviour::attack(
    "object_enumeration_slow",
    ObjectEnumeration,
    Need::OwnedObjects,
    130,
    |start| {
        let count = start.rng.gen_range(50..280);
        let median_ms = log_normal_ms(start.rng, 30_000.0, 0.6);
        let is_sequential = chance(start.rng, 0.5);
        walk(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.8,
            },
            is_sequential,
        )
    },
);

fn walk(start: &mut Start<'_>, count: u32, pace: Pace, is_sequential: bool) -> Box<dyn Actor> {
    let agent = Agent::attack_tool(start.rng);
    let site = start.site;
    let collections: Vec<(String, Ids)> = site
        .collections
        .iter()
        .filter(|collection| collection.access == Access::Session)
        .map(|collection| (collection.path.clone(), collection.ids))
        .collect();
    let (path, ids) = collections[start.rng.gen_range(0..collections.len())].clone();
    // With an account of his own he is let in and asks for what is not his; without, he gets 401 throughout.
    let has_session = chance(start.rng, 0.8);
    let step = if chance(start.rng, 0.8) {
        1
    } else {
        start.rng.gen_range(2..12)
    };
    let suffix = if chance(start.rng, 0.15) { "/details" } else { "" };
    let mut number = match ids {
        Ids::Numbers { first, last } => start.rng.gen_range(first..=last),
        Ids::Uuids => 0,
    };
    Repeat::new(count, pace, move |turn, _| {
        let id = match ids {
            Ids::Numbers { first, last } => {
                number = if is_sequential {
                    number + step
                } else {
                    turn.rng.gen_range(first..=last)
                };
                number.to_string()
            }
            Ids::Uuids => uuid(turn.rng),
        };
        let mut request = agent.get(format!("{path}/{id}{suffix}")).hostile();
        request.intent.has_session = has_session;
        request.intent.is_invalid = matches!(ids, Ids::Uuids);
        Some(request)
    })
    .when_refused(attackers_nerve(start.rng))
    .boxed()
}
