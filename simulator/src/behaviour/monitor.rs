//! Watchers: one URL at a perfect rhythm; and probes of load balancers that close before they say anything.

use super::Behaviour;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, pick};
use crate::world::{Need, Role};
use rand::Rng;

pub(super) const MONITOR: Behaviour = Behaviour::benign("monitor", Need::Anything, 2_600, |start| {
    let agent = Agent::monitor(start.rng);
    let uses_head = chance(start.rng, 0.35);
    let path = match start.site.endpoint(Role::Health) {
        Some(health) if chance(start.rng, 0.8) => health.path.clone(),
        _ => start
            .site
            .pages
            .first()
            .map_or_else(|| start.site.path_of(Role::Config).to_owned(), |p| p.path.clone()),
    };
    let gap_ms = *pick(start.rng, &[10_000, 30_000, 60_000, 60_000, 120_000, 300_000]);
    let is_plain = chance(start.rng, 0.15);
    Repeat::new(
        86_400_000 / gap_ms as u32,
        Pace::Steady { gap_ms },
        move |_, _| {
            let request = if uses_head {
                agent.head(path.as_str())
            } else {
                agent.get(path.as_str())
            };
            Some(request.over_plain_http(is_plain))
        },
    )
    .boxed()
});

/// A load balancer or a research project that opens a connection and sends nothing sensible: 400 on an empty line.
pub(super) const PORT_PROBER: Behaviour = Behaviour::benign("port_prober", Need::Anything, 2, |start| {
    let count = start.rng.gen_range(1..4);
    let agent = Agent {
        user_agent: None,
        protocol: "HTTP/1.1",
    };
    Repeat::new(
        count,
        Pace::Varied {
            median_ms: 600_000,
            sigma: 1.5,
        },
        move |turn, _| {
            let mut request = agent.send("", "");
            request.is_malformed = true;
            if chance(turn.rng, 0.5) {
                request = agent.get("/").over_plain_http(true);
            }
            Some(request)
        },
    )
    .boxed()
});
