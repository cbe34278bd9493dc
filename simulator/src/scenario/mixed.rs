//! Everything at once: a day of harmless clients with every attack among them.

use super::baseline::DAY_SECS;
use super::{Group, Scenario, all_day, any_time, by_day};
use crate::world::SiteKind;

/// The harmless clients of the baseline, then every attack.
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
    by_day("newsletter_reader", 30),
    by_day("retry_loop", 2),
    by_day("rude_crawler", 2),
    all_day("carrier_nat", 1),
    any_time("credential_stuffing", 3),
    any_time("credential_stuffing_slow", 3),
    any_time("credential_stuffing_campaign", 80),
    any_time("credential_stuffing_single", 4),
    any_time("credential_cracking", 3),
    any_time("credential_cracking_slow", 3),
    any_time("account_takeover", 4),
    any_time("token_abuse", 3),
    any_time("object_enumeration", 3),
    any_time("object_enumeration_random", 3),
    any_time("object_enumeration_slow", 3),
    any_time("privilege_probing", 4),
    any_time("reconnaissance", 5),
    any_time("reconnaissance_slow", 6),
    any_time("reconnaissance_few", 40),
    any_time("reconnaissance_campaign", 40),
    any_time("injection", 4),
    any_time("injection_slow", 5),
    any_time("injection_few", 15),
    any_time("scraping", 3),
    any_time("scraping_slow", 4),
    any_time("denial_of_service", 1),
    any_time("denial_of_service_reset", 1),
    any_time("denial_of_service_cache", 1),
    any_time("resource_exhaustion", 3),
    any_time("business_flow_abuse", 3),
    any_time("business_flow_abuse_coupons", 3),
    any_time("protocol_abuse", 8),
];

pub(super) const MIXED: Scenario = Scenario {
    name: "mixed",
    about: "a day of harmless clients on four sites, and every attack",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: EVERYBODY,
};

pub(super) const MIXED_CONTENT: Scenario = Scenario {
    name: "mixed_content",
    about: "a site of pages, files and feeds, and the attacks that it can suffer",
    sites: &[SiteKind::Content],
    ..MIXED
};

pub(super) const MIXED_API: Scenario = Scenario {
    name: "mixed_api",
    about: "a shop's API and a single-page application, and the attacks that they can suffer",
    sites: &[SiteKind::ShopApi, SiteKind::SinglePage],
    ..MIXED
};

pub(super) const MIXED_CMS: Scenario = Scenario {
    name: "mixed_cms",
    about: "a content management system, and the attacks that it can suffer",
    sites: &[SiteKind::Cms],
    ..MIXED
};
