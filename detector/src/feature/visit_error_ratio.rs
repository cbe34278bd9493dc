//! Share of client errors over the last minutes.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::VISIT;

pub(super) const FEATURE: Feature = Feature {
    name: "visit_error_ratio",
    group: Group::Status,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "had {:.0}% of its requests of the last minutes answered with 4xx, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.rate[VISIT] > 0.0 {
        window.errors[VISIT] / window.rate[VISIT]
    } else {
        0.0
    }
}
