//! Attacks that stay under every rate: a day of them among harmless clients.

use super::baseline::DAY_SECS;
use super::{Group, Scenario, all_day, any_time, by_day};
use crate::world::SiteKind;

const EVERYBODY: &[Group] = &[
    by_day("browser", 1_500),
    by_day("tab_opener", 12),
    by_day("search_user", 30),
    by_day("mobile_app", 420),
    by_day("spa_user", 200),
    by_day("office", 8),
    by_day("classroom", 2),
    by_day("partner_batch", 10),
    by_day("report_reader", 12),
    all_day("api_integration", 8),
    all_day("monitor", 6),
    by_day("port_prober", 10),
    by_day("crawler", 420),
    all_day("feed_reader", 60),
    by_day("link_preview", 160),
    by_day("link_checker", 4),
    by_day("script_user", 160),
    by_day("developer", 12),
    by_day("bulk_downloader", 10),
    all_day("broken_client", 12),
    by_day("password_forgetter", 40),
    any_time("credential_stuffing_slow", 12),
    any_time("credential_stuffing_campaign", 120),
    any_time("credential_cracking_slow", 12),
    any_time("object_enumeration_slow", 12),
    any_time("reconnaissance_slow", 12),
    any_time("reconnaissance_campaign", 60),
    any_time("injection_slow", 12),
    any_time("scraping_slow", 12),
];

pub(super) const LOW_AND_SLOW: Scenario = Scenario {
    name: "low_and_slow",
    about: "a day of harmless clients on four sites, and only attacks that stay under every rate",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: EVERYBODY,
};
