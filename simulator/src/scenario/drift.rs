//! Days that differ: after a release, routes are new and answers have other sizes, and nobody has done anything wrong.

use super::Scenario;
use super::baseline::{BENIGN, DAY_SECS};
use crate::world::SiteKind;

/// Ten in the morning.
const MORNING_SECS: u32 = 10 * 3_600;

/// When a release comes out: in the morning of that day.
const fn morning_of(day: u32) -> u32 {
    (day - 1) * DAY_SECS + MORNING_SECS
}

pub(super) const DRIFT: Scenario = Scenario {
    name: "drift",
    about: "six days of harmless clients; on the third and the fifth the sites are released with new routes and other sizes",
    sites: &SiteKind::ALL,
    span_secs: DAY_SECS,
    rounds: 6,
    releases_at_secs: &[morning_of(3), morning_of(5)],
    is_resizable: true,
    groups: BENIGN,
};

pub(super) const SIXTY_DAYS: Scenario = Scenario {
    name: "sixty_days",
    about: "sixty days of harmless clients, the same people day after day, with a release every twelve days",
    rounds: 60,
    releases_at_secs: &[
        morning_of(12),
        morning_of(24),
        morning_of(36),
        morning_of(48),
        morning_of(60),
    ],
    ..DRIFT
};
