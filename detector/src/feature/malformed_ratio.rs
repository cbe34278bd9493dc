//! Share of requests that the gateway could not read.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "malformed_ratio",
    group: Group::Protocol,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "sent {:.0}% unreadable requests, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.malformed)
}
