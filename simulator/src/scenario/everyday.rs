//! An ordinary day: the sites, and the clients that stand beside what a scenario is about.

use super::Scenario;
use super::baseline::DAY_SECS;
use crate::world::SiteKind;

/// A day on all sites, for a scenario to fill.
pub(super) const A_DAY: Scenario = Scenario {
    name: "",
    about: "",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: &[],
};

/// A day's ordinary clients, some eight hundred, followed by what a scenario is about: arrays cannot be joined in a constant.
macro_rules! amid_everyday {
    ($($group:expr),* $(,)?) => {
        &[
            $crate::scenario::by_day("browser", 420),
            $crate::scenario::by_day("tab_opener", 4),
            $crate::scenario::by_day("search_user", 10),
            $crate::scenario::by_day("mobile_app", 120),
            $crate::scenario::by_day("spa_user", 60),
            $crate::scenario::by_day("office", 2),
            $crate::scenario::by_day("partner_batch", 2),
            $crate::scenario::by_day("report_reader", 4),
            $crate::scenario::all_day("api_integration", 2),
            $crate::scenario::all_day("monitor", 1),
            $crate::scenario::by_day("port_prober", 3),
            $crate::scenario::by_day("crawler", 110),
            $crate::scenario::all_day("feed_reader", 16),
            $crate::scenario::by_day("link_preview", 40),
            $crate::scenario::by_day("script_user", 40),
            $crate::scenario::by_day("developer", 3),
            $crate::scenario::by_day("password_forgetter", 10),
            $($group),*
        ]
    };
}

pub(super) use amid_everyday;
