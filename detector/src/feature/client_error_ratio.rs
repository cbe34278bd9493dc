//! Share of requests answered with a client error.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::HABIT;

pub(super) const FEATURE: Feature = Feature {
    name: "client_error_ratio",
    group: Group::Status,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "had {:.0}% of its requests answered with 4xx, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.errors[HABIT])
}
