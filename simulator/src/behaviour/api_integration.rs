//! A system that keeps a copy of its own objects: polls for changes, then fetches what changed.

use super::Behaviour;
use crate::actor::{Actor, Turn};
use crate::agent::Agent;
use crate::random::{chance, geometric};
use crate::request::Step;
use crate::world::{Access, Need};
use rand::Rng;
use std::collections::VecDeque;

pub(super) const API_INTEGRATION: Behaviour =
    Behaviour::benign("api_integration", Need::OwnedObjects, 300, |start| {
        let path = start
            .site
            .some_collection(start.rng, Access::Session)
            .map_or("/", |c| c.path.as_str());
        Box::new(Integration {
            agent: Agent::script(start.rng),
            path: path.to_owned(),
            poll_ms: start.rng.gen_range(1..16) * 30_000,
            polls_left: 100 + geometric(start.rng, 80.0),
            number: start.rng.gen_range(2_000..30_000),
            queue: VecDeque::new(),
        })
    });

struct Integration {
    agent: Agent,
    path: String,
    poll_ms: u64,
    polls_left: u32,
    /// The last object it fetched: new ones have higher numbers.
    number: u64,
    queue: VecDeque<Step>,
}

impl Actor for Integration {
    fn next(&mut self, turn: &mut Turn<'_>) -> Option<Step> {
        if let Some(step) = self.queue.pop_front() {
            return Some(step);
        }
        if self.polls_left == 0 {
            return None;
        }
        self.polls_left -= 1;
        let query = format!(
            "updated_since={}",
            1_767_571_200 + u64::from(self.polls_left) * 60
        );
        let poll = self.agent.get(self.path.as_str()).query(query).for_own_object();
        if chance(turn.rng, 0.25) {
            for _ in 0..geometric(turn.rng, 4.0) {
                self.number += turn.rng.gen_range(1..25);
                let request = self
                    .agent
                    .get(format!("{}/{}", self.path, self.number))
                    .for_own_object();
                self.queue
                    .push_back(Step::after(turn.rng.gen_range(5..40), request));
            }
        }
        let jitter_ms = turn.rng.gen_range(0..250);
        Some(Step::after(self.poll_ms + jitter_ms, poll))
    }
}
