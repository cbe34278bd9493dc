//! Logins that are not one's own: stuffing (many accounts), cracking (one account), takeover (it worked).

use super::{Behaviour, Start};
use crate::account::Account;
use crate::actor::{Actor, MakeRequest, Pace, Repeat, Then, attackers_nerve};
use crate::address::Neighbourhood;
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms};
use crate::world::{Need, Role, SiteKind};
use domain::ThreatKind::{AccountTakeover, CredentialCracking, CredentialStuffing};
use rand::Rng;
use std::sync::Arc;

pub(super) const STUFFING: Behaviour = Behaviour::attack(
    "credential_stuffing",
    CredentialStuffing,
    Need::Login,
    600,
    |start| {
        let count = log_normal_ms(start.rng, 450.0, 0.8).clamp(60, 5_000) as u32;
        let median_ms = log_normal_ms(start.rng, 300.0, 0.7);
        attempts(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.4,
            },
            0.006,
        )
    },
);

pub(super) const STUFFING_SLOW: Behaviour = Behaviour::attack(
    "credential_stuffing_slow",
    CredentialStuffing,
    Need::Login,
    120,
    |start| {
        let count = start.rng.gen_range(40..260);
        let median_ms = log_normal_ms(start.rng, 40_000.0, 0.5);
        attempts(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.7,
            },
            0.01,
        )
    },
);

/// Four hundred addresses, five logins each, one tool: nobody stands out alone.
pub(super) const STUFFING_CAMPAIGN: Behaviour = Behaviour::attack(
    "credential_stuffing_campaign",
    CredentialStuffing,
    Need::Login,
    5,
    |start| {
        let agent = Agent::attack_tool(&mut start.shared);
        let count = start.rng.gen_range(3..8);
        let pace = Pace::Varied {
            median_ms: 45_000,
            sigma: 0.8,
        };
        Repeat::new(count, pace, login(agent, 0.01, None)).boxed()
    },
)
.in_campaign(Neighbourhood::Anywhere);

/// A thousand addresses with a browser's name each, and a password or two: no count per client, range or agent shows it.
pub(super) const STUFFING_SINGLE: Behaviour = Behaviour::attack(
    "credential_stuffing_single",
    CredentialStuffing,
    Need::Login,
    1,
    |start| {
        let agent = Agent::browser(start.rng);
        let count = 1 + u32::from(chance(start.rng, 0.2));
        let pace = Pace::Varied {
            median_ms: 600_000,
            sigma: 0.8,
        };
        Repeat::new(count, pace, login(agent, 0.0, None)).boxed()
    },
)
.in_campaign(Neighbourhood::Anywhere);

pub(super) const CRACKING: Behaviour = Behaviour::attack(
    "credential_cracking",
    CredentialCracking,
    Need::Login,
    500,
    |start| {
        let count = log_normal_ms(start.rng, 400.0, 0.8).clamp(50, 4_000) as u32;
        let median_ms = log_normal_ms(start.rng, 450.0, 0.9);
        let uses_legacy = chance(start.rng, 0.3) && start.site.endpoint(Role::LegacyLogin).is_some();
        if !uses_legacy {
            return attempts(
                start,
                count,
                Pace::Varied {
                    median_ms,
                    sigma: 0.3,
                },
                0.0,
            );
        }
        let agent = Agent::attack_tool(start.rng);
        let body_bytes = start.rng.gen_range(190..240);
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.3,
            },
            move |turn, _| {
                Some(
                    agent
                        .post(turn.site.path_of(Role::LegacyLogin), body_bytes)
                        .hostile(),
                )
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .boxed()
    },
);

pub(super) const CRACKING_SLOW: Behaviour = Behaviour::attack(
    "credential_cracking_slow",
    CredentialCracking,
    Need::Login,
    90,
    |start| {
        let count = start.rng.gen_range(25..160);
        let median_ms = log_normal_ms(start.rng, 90_000.0, 0.6);
        attempts(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.3,
            },
            0.0,
        )
    },
);

/// Tries accounts until one opens, then uses it: profile, orders, things the owner never did.
pub(super) const TAKEOVER: Behaviour =
    Behaviour::attack("account_takeover", AccountTakeover, Need::Login, 90, |start| {
        let count = start.rng.gen_range(15..90);
        let median_ms = log_normal_ms(start.rng, 2_500.0, 0.7);
        let first = Some(attempts(
            start,
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.5,
            },
            0.0,
        ));
        let agent = Agent::browser(start.rng);
        let account = Account::new(start.rng, start.site);
        let calls = start.rng.gen_range(12..40);
        let loot = Repeat::new(
            calls,
            Pace::Varied {
                median_ms: 1_800,
                sigma: 0.7,
            },
            move |turn, number| {
                let login = turn.site.path_of(Role::Login);
                let request = match number {
                    0 => agent.post(login, 96).with_credentials(true),
                    1 => agent.get(turn.site.path_of(Role::Account)).with_session(),
                    2 => agent
                        .send("PATCH", turn.site.path_of(Role::Account))
                        .with_session(),
                    _ if turn.site.collections.is_empty() => {
                        agent.get(turn.site.path_of(Role::Account)).with_session()
                    }
                    _ => account.call(&agent, turn),
                };
                Some(request.hostile())
            },
        );
        Box::new(Then {
            first,
            pause_ms: 400,
            second: loot.boxed(),
        })
    });

fn attempts(start: &mut Start<'_>, count: u32, pace: Pace, success_chance: f64) -> Box<dyn Actor> {
    let agent = Agent::attack_tool(start.rng);
    // Browser-driven tools send the form's address; some fetch the form first, each time.
    let sends_referer = chance(start.rng, 0.35);
    let path = start.site.path_of(Role::Login);
    let referer = sends_referer.then(|| Arc::from(format!("{}{path}", start.site.origin)));
    let fetches_form = start.site.kind() != SiteKind::ShopApi && chance(start.rng, 0.3);
    let mut make_login = login(agent.clone(), success_chance, referer.clone());
    let make = move |turn: &mut crate::actor::Turn<'_>, number: u32| {
        if fetches_form && number.is_multiple_of(2) {
            let form = agent
                .get(turn.site.path_of(Role::Login))
                .referred_by(referer.clone());
            return Some(form.hostile());
        }
        make_login(turn, number)
    };
    let is_parallel = chance(start.rng, 0.4);
    let repeat = Repeat::new(count, pace, make).when_refused(attackers_nerve(start.rng));
    if is_parallel {
        repeat.parallel().boxed()
    } else {
        repeat.boxed()
    }
}

fn login(agent: Agent, success_chance: f64, referer: Option<Arc<str>>) -> MakeRequest {
    Box::new(move |turn, _| {
        // Names differ in length, so bodies do.
        let body_bytes = turn.rng.gen_range(58..96);
        let is_right = chance(turn.rng, success_chance);
        let request = agent
            .post(turn.site.path_of(Role::Login), body_bytes)
            .with_credentials(is_right);
        Some(request.referred_by(referer.clone()).hostile())
    })
}
