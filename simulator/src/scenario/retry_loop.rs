//! Clients that are refused and ask again for hours: a token that ran out, a password that was changed.

use super::baseline::DAY_SECS;
use super::everyday::amid_everyday;
use super::{Group, Scenario, by_day};
use crate::world::SiteKind;

const AROUND: &[Group] = amid_everyday![by_day("retry_loop", 30), by_day("broken_client", 30)];

pub(super) const RETRY_LOOP: Scenario = Scenario {
    name: "retry_loop",
    about: "a day of harmless clients, some of them in a loop of refused logins or expired tokens for hours",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: AROUND,
};
