//! Very many clients with a few requests each: ten million requests come from about a million addresses. What has to be
//! remembered of clients, at its largest.

use super::baseline::DAY_SECS;
use super::{Group, Scenario, any_time, by_day};
use crate::world::SiteKind;

/// Mostly people who come once, and machines that ask for a page or two.
const EVERYBODY: &[Group] = &[
    by_day("browser", 4_000),
    by_day("search_user", 300),
    by_day("crawler", 500),
    by_day("link_preview", 3_200),
    by_day("script_user", 1_100),
    by_day("port_prober", 900),
    any_time("reconnaissance_few", 10),
    any_time("injection_few", 4),
];

pub(super) const CROWD: Scenario = Scenario {
    name: "crowd",
    about: "very many clients with some ten requests each in a day, 14 attackers among 10,000",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: EVERYBODY,
};
