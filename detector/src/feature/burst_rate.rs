//! Requests per second over the last seconds.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::BURST;

pub(super) const FEATURE: Feature = Feature {
    name: "burst_rate",
    group: Group::Rhythm,
    unit: "requests/s",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| {
        format!("sent {value:.1} requests a second in its busiest moment, where {typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rate_per_second(BURST)
}
