//! Share of requests that broke the server.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "server_error_ratio",
    group: Group::Status,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "had {:.0}% of its requests answered with 5xx, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.server_errors)
}
