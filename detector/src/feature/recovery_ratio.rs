//! Share of requests that succeeded right after a failure.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "recovery_ratio",
    group: Group::Status,
    unit: "ratio",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "succeeded right after a failure in {:.0}% of its requests, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.recoveries)
}
