//! Watchers of every kind: uptime services, health checks, probes, feed readers, link checkers.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, all_day, by_day};

const AROUND: &[Group] = amid_everyday![
    all_day("monitor", 16),
    by_day("port_prober", 60),
    all_day("feed_reader", 80),
    by_day("link_checker", 30),
];

pub(super) const MONITORS: Scenario = Scenario {
    name: "monitors",
    about: "a day of harmless clients, with uptime services, health checks, port probes and link checkers",
    groups: AROUND,
    ..A_DAY
};
