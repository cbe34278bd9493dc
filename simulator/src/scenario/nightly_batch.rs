//! Partners' jobs at two in the morning, when nobody else is there: most of the traffic of their hour.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, daily_at};

/// When the jobs begin, and within which time.
const NIGHT_SECS: u32 = 2 * 3_600;
const WITHIN_SECS: u32 = 1_200;

const AROUND: &[Group] = amid_everyday![
    daily_at(NIGHT_SECS, WITHIN_SECS, "partner_batch", 40),
    daily_at(NIGHT_SECS, WITHIN_SECS, "report_reader", 12),
    daily_at(NIGHT_SECS + 3_600, WITHIN_SECS, "bulk_downloader", 4),
];

pub(super) const NIGHTLY_BATCH: Scenario = Scenario {
    name: "nightly_batch",
    about: "a day of harmless clients, with the nightly jobs of forty partners from two o'clock on",
    groups: AROUND,
    ..A_DAY
};
