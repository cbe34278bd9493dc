//! Feed readers: one URL all day, mostly answered 304.

use super::Behaviour;
use crate::actor::{FollowsRedirects, Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, pick};
use crate::world::{Need, Role};
use rand::Rng;

pub(super) const FEED_READER: Behaviour = Behaviour::benign("feed_reader", Need::Feed, 40, |start| {
    let agent = Agent::feed_reader(start.rng);
    let path = start.site.path_of(Role::Feed).to_owned();
    let gap_ms = *pick(
        start.rng,
        &[600_000, 900_000, 1_800_000, 3_600_000, 3_600_000, 14_400_000],
    );
    let is_conditional = chance(start.rng, 0.8);
    let is_plain = chance(start.rng, 0.15);
    let is_exact = chance(start.rng, 0.5);
    let pace = if is_exact {
        Pace::Steady { gap_ms }
    } else {
        Pace::Varied {
            median_ms: gap_ms,
            sigma: 0.2,
        }
    };
    let count = start.rng.gen_range(2..=(86_400_000 / gap_ms as u32).max(3));
    let poll = Repeat::new(count, pace, move |turn, number| {
        let is_new = number == 0 || chance(turn.rng, 0.08);
        Some(
            agent
                .get(path.as_str())
                .if_newer(is_conditional && !is_new)
                .over_plain_http(is_plain),
        )
    });
    FollowsRedirects::boxed(poll.boxed())
});
