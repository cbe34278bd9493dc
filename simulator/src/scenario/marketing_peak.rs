//! A newsletter at ten in the morning: thousands of new clients within minutes, all on one page.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, daily_at};

/// When the letter goes out.
const LETTER_SECS: u32 = 10 * 3_600;

const AROUND: &[Group] = amid_everyday![
    daily_at(LETTER_SECS, 900, "newsletter_reader", 1_100),
    daily_at(LETTER_SECS + 900, 7_200, "newsletter_reader", 700),
    daily_at(LETTER_SECS, 600, "link_preview", 80),
];

pub(super) const MARKETING_PEAK: Scenario = Scenario {
    name: "marketing_peak",
    about: "a day of harmless clients, and the readers of a newsletter who all come to one page at ten",
    groups: AROUND,
    ..A_DAY
};
