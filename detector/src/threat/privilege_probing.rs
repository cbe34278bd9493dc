//! Privilege probing: a client that is otherwise served is refused on routes for administration.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::PrivilegeProbing,
    is_common: false,
    assess,
    value: |window| window.habit.admin_refusals,
    sentence,
    lever: Lever {
        name: "refusals on routes for administration",
        read: |window| window.habit.admin_refusals,
        scale: |window, factor| window.habit.admin_refusals *= factor,
    },
};

fn assess(window: &Window) -> Option<Claim> {
    if window.habit.admin_refusals < 2.5 {
        return None;
    }
    // An interface does not show what it refuses, and says which page it is: no browser gets there by itself.
    let weight = if window.is_disguised() { 0.65 } else { 0.45 };
    let points = (window.habit.admin_refusals - 1.0) * weight;
    claim(ThreatKind::PrivilegeProbing, points, 0.95)
}

fn sentence(window: &Window) -> String {
    format!(
        "was refused {:.0} times on routes for administration",
        window.habit.admin_refusals
    )
}
