//! Requests per second over the last minutes.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::VISIT;

pub(super) const FEATURE: Feature = Feature {
    name: "visit_rate",
    group: Group::Rhythm,
    unit: "requests/s",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| {
        format!("sent {value:.2} requests a second over minutes, where {typical:.2} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rate_per_second(VISIT)
}
