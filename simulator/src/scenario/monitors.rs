//! Watchers of every kind: uptime services, health checks, probes, feed readers, link checkers.

use super::baseline::DAY_SECS;
use super::everyday::amid_everyday;
use super::{Group, Scenario, all_day, by_day};
use crate::world::SiteKind;

const AROUND: &[Group] = amid_everyday![
    all_day("monitor", 16),
    by_day("port_prober", 60),
    all_day("feed_reader", 80),
    by_day("link_checker", 30),
];

pub(super) const MONITORS: Scenario = Scenario {
    name: "monitors",
    about: "a day of harmless clients, with uptime services, health checks, port probes and link checkers",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: AROUND,
};
