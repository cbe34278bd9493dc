//! Clients that are refused and ask again for hours: a token that ran out, a password that was changed.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, by_day};

const AROUND: &[Group] = amid_everyday![by_day("retry_loop", 30), by_day("broken_client", 30)];

pub(super) const RETRY_LOOP: Scenario = Scenario {
    name: "retry_loop",
    about: "a day of harmless clients, some of them in a loop of refused logins or expired tokens for hours",
    groups: AROUND,
    ..A_DAY
};
