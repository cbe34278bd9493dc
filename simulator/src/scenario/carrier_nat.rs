//! Hundreds of subscribers behind a few addresses of a carrier: no client of ours is as busy or as varied.

use super::everyday::{A_DAY, amid_everyday};
use super::{Group, Scenario, all_day};

const AROUND: &[Group] = amid_everyday![all_day("carrier_nat", 12)];

pub(super) const CARRIER_NAT: Scenario = Scenario {
    name: "carrier_nat",
    about: "a day of harmless clients, a few of them carriers' addresses with hundreds of subscribers behind each",
    groups: AROUND,
    ..A_DAY
};
