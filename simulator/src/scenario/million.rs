//! About a million requests by some eighteen thousand clients in a day: the load for benchmarks.

use super::baseline::DAY_SECS;
use super::{Group, Scenario, all_day, any_time, by_day};
use crate::world::SiteKind;

/// Mostly people who come once, a few machines that never rest: requests per client follow a power law.
const EVERYBODY: &[Group] = &[
    by_day("browser", 8_400),
    by_day("tab_opener", 67),
    by_day("search_user", 168),
    by_day("mobile_app", 2_352),
    by_day("spa_user", 1_120),
    by_day("office", 45),
    by_day("classroom", 11),
    by_day("partner_batch", 56),
    by_day("report_reader", 67),
    all_day("api_integration", 45),
    all_day("monitor", 34),
    by_day("port_prober", 56),
    by_day("crawler", 2_352),
    all_day("feed_reader", 336),
    by_day("link_preview", 896),
    by_day("link_checker", 22),
    by_day("script_user", 896),
    by_day("developer", 67),
    by_day("bulk_downloader", 56),
    all_day("broken_client", 67),
    by_day("password_forgetter", 224),
    any_time("credential_stuffing", 6),
    any_time("object_enumeration", 6),
    any_time("reconnaissance", 10),
    any_time("reconnaissance_few", 120),
    any_time("injection", 8),
    any_time("scraping", 6),
    any_time("denial_of_service", 3),
];

pub(super) const MILLION: Scenario = Scenario {
    name: "million",
    about: "about a million requests by 18,000 clients in a day, 160 of them attackers",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: EVERYBODY,
};
