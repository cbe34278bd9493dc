//! Flows used as they were not meant: sign-ups by the hundred, coupon codes by trial.

use super::Behaviour;
use crate::actor::{Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::world::{Need, Role};
use domain::ThreatKind::BusinessFlowAbuse;
use rand::Rng;

pub(super) const SIGN_UPS: Behaviour = Behaviour::attack(
    "business_flow_abuse",
    BusinessFlowAbuse,
    Need::SignUp,
    160,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = log_normal_ms(start.rng, 130.0, 0.7).clamp(30, 1_500) as u32;
        let median_ms = log_normal_ms(start.rng, 2_000.0, 1.0);
        let body_bytes = start.rng.gen_range(180..260);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.3,
            },
            move |turn, _| {
                let mut request = agent.post(turn.site.path_of(Role::SignUp), body_bytes).hostile();
                request.intent.is_invalid = chance(turn.rng, 0.04);
                Some(request)
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .boxed()
    },
);

pub(super) const COUPONS: Behaviour = Behaviour::attack(
    "business_flow_abuse_coupons",
    BusinessFlowAbuse,
    Need::OwnedObjects,
    250,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let count = log_normal_ms(start.rng, 200.0, 0.7).clamp(40, 2_000) as u32;
        let median_ms = log_normal_ms(start.rng, 700.0, 0.9);
        let pays = chance(start.rng, 0.4);
        let role = if pays { Role::Checkout } else { Role::Coupon };
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.4,
            },
            move |turn, _| {
                let mut request = agent.post(turn.site.path_of(role), 64).with_session().hostile();
                request.intent.is_invalid = !chance(turn.rng, 0.02);
                Some(request)
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .boxed()
    },
);
