//! Hundreds of subscribers behind a few addresses of a carrier: no client of ours is as busy or as varied.

use super::baseline::DAY_SECS;
use super::everyday::amid_everyday;
use super::{Group, Scenario, all_day};
use crate::world::SiteKind;

const AROUND: &[Group] = amid_everyday![all_day("carrier_nat", 12)];

pub(super) const CARRIER_NAT: Scenario = Scenario {
    name: "carrier_nat",
    about: "a day of harmless clients, a few of them carriers' addresses with hundreds of subscribers behind each",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 1,
    releases_at_secs: &[],
    is_resizable: true,
    groups: AROUND,
};
