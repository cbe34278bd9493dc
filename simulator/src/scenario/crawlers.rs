//! Crawlers that keep to the rules, and crawlers that do not: whether to slow the second down is policy, no attack.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, by_day};

const AROUND: &[Group] = amid_everyday![by_day("crawler", 700), by_day("rude_crawler", 20)];

pub(super) const CRAWLERS: Scenario = Scenario {
    name: "crawlers",
    about: "a day of harmless clients, with hundreds of polite crawlers and some that take all they can get",
    groups: AROUND,
    ..A_DAY
};
