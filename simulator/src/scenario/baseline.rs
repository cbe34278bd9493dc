//! Harmless clients only: a day of them.

use super::{Group, Scenario, all_day, by_day};
use crate::world::SiteKind;

/// Seconds of a day.
pub(super) const DAY_SECS: u32 = 86_400;

/// A day's harmless clients. Clients that need what no site offers stay away.
pub(super) const BENIGN: &[Group] = &[
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
];

pub(super) const BASELINE: Scenario = Scenario {
    name: "baseline",
    about: "a day of harmless clients on four sites",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: BENIGN,
};

pub(super) const BASELINE_CONTENT: Scenario = Scenario {
    name: "baseline_content",
    about: "a day of harmless clients on a site of pages, files and feeds",
    sites: &[SiteKind::Content],
    ..BASELINE
};

pub(super) const BASELINE_API: Scenario = Scenario {
    name: "baseline_api",
    about: "a day of harmless clients on a shop's API and a single-page application",
    sites: &[SiteKind::ShopApi, SiteKind::SinglePage],
    ..BASELINE
};

pub(super) const BASELINE_CMS: Scenario = Scenario {
    name: "baseline_cms",
    about: "a day of harmless clients on a content management system",
    sites: &[SiteKind::Cms],
    ..BASELINE
};
