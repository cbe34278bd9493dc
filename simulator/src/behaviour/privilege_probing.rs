//! An ordinary account that tries the functions of an administrator.

use super::Behaviour;
use crate::account::Account;
use crate::actor::{Pace, Repeat, attackers_nerve};
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms, pick};
use crate::world::{Access, Need, Role};
use domain::ThreatKind::PrivilegeProbing;
use rand::Rng;

/// Functions that administrators' interfaces tend to have.
const FUNCTIONS: [&str; 22] = [
    "/admin",
    "/admin/users",
    "/admin/roles",
    "/admin/config",
    "/admin/export",
    "/admin/orders",
    "/admin/logs",
    "/manage/users",
    "/internal/users",
    "/internal/health",
    "/internal/config",
    "/debug/vars",
    "/actuator/env",
    "/users/all",
    "/users?role=admin",
    "/roles",
    "/permissions",
    "/settings/global",
    "/billing/all",
    "/audit",
    "/feature-flags",
    "/backup",
];

pub(super) const PRIVILEGE_PROBING: Behaviour = Behaviour::attack(
    "privilege_probing",
    PrivilegeProbing,
    Need::OwnedObjects,
    60,
    |start| {
        let agent = Agent::attack_tool(start.rng);
        let account = Account::new(start.rng, start.site);
        let count = start.rng.gen_range(20..120);
        let median_ms = log_normal_ms(start.rng, 2_500.0, 1.0);
        let cover_share = if chance(start.rng, 0.4) { 0.4 } else { 0.0 };
        Repeat::new(
            count,
            Pace::Varied {
                median_ms,
                sigma: 0.7,
            },
            move |turn, _| {
                // Some hide it among ordinary calls.
                if chance(turn.rng, cover_share) {
                    return Some(account.call(&agent, turn));
                }
                let site = turn.site;
                let admin = site.endpoints_of(Role::Admin);
                let method = *pick(turn.rng, &["GET", "GET", "GET", "POST", "PUT", "DELETE", "PATCH"]);
                let path = match turn.rng.gen_range(0..10) {
                    0..4 if !admin.is_empty() => pick(turn.rng, &admin).path.clone(),
                    4..6 => site
                        .some_collection(turn.rng, Access::Session)
                        .map_or_else(|| "/".to_owned(), |c| c.some_object(turn.rng)),
                    _ => {
                        let config = site.path_of(Role::Config);
                        format!(
                            "{}{}",
                            config.trim_end_matches("/config"),
                            pick(turn.rng, &FUNCTIONS)
                        )
                    }
                };
                let (path, query) = path
                    .split_once('?')
                    .map_or((path.as_str(), None), |(p, q)| (p, Some(q)));
                let mut request = agent.send(method, path).with_session().hostile();
                request.query = query.map(str::to_owned);
                Some(request)
            },
        )
        .when_refused(attackers_nerve(start.rng))
        .boxed()
    },
);
