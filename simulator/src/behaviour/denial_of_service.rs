//! Too many requests: a flood, streams that are reset at once (499), addresses that no cache can hold.

use super::Behaviour;
use crate::actor::{Pace, Repeat};
use crate::agent::Agent;
use crate::random::{chance, hex, log_normal_ms};
use crate::world::{Need, Role};
use domain::ThreatKind::DenialOfService;
use rand::Rng;

pub(super) const FLOOD: Behaviour = Behaviour::attack(
    "denial_of_service",
    DenialOfService,
    Need::Anything,
    3_000,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = log_normal_ms(start.rng, 3_000.0, 0.6).clamp(600, 30_000) as u32;
        let gap_ms = start.rng.gen_range(2..25);
        let path = match start.site.some_page(start.rng) {
            Some(page) => page.path.clone(),
            None => start.site.path_of(Role::Search).to_owned(),
        };
        let is_patient = chance(start.rng, 0.6);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms: gap_ms,
                sigma: 0.7,
            },
            move |_, _| {
                let mut request = agent.get(path.as_str()).hostile();
                request.intent.patience_ms = (!is_patient).then_some(120);
                Some(request)
            },
        )
        .parallel()
        .boxed()
    },
);

/// HTTP/2 streams opened and reset: every answer is 499, many within one millisecond.
pub(super) const RAPID_RESET: Behaviour = Behaviour::attack(
    "denial_of_service_reset",
    DenialOfService,
    Need::Anything,
    1_200,
    |start| {
        let mut agent = Agent::browser(start.rng);
        agent.protocol = "HTTP/2.0";
        let count = log_normal_ms(start.rng, 1_200.0, 0.7).clamp(200, 20_000) as u32;
        Repeat::new(
            count,
            Pace::Varied {
                median_ms: 3,
                sigma: 1.0,
            },
            move |turn, _| {
                let mut request = agent.get("/").hostile();
                if chance(turn.rng, 0.5) {
                    request.query = Some(hex(turn.rng, 6));
                }
                request.intent.patience_ms = Some(0);
                Some(request)
            },
        )
        .parallel()
        .boxed()
    },
);

pub(super) const CACHE_BUSTER: Behaviour = Behaviour::attack(
    "denial_of_service_cache",
    DenialOfService,
    Need::Anything,
    1_500,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = log_normal_ms(start.rng, 1_500.0, 0.6).clamp(300, 15_000) as u32;
        let gap_ms = start.rng.gen_range(8..90);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms: gap_ms,
                sigma: 0.5,
            },
            move |turn, _| {
                let query = format!("{}", turn.rng.gen_range(10_000_000..1_000_000_000_u32));
                Some(agent.get("/").query(query).hostile())
            },
        )
        .parallel()
        .boxed()
    },
);
