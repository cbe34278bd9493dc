//! Requests per second over hours.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::HABIT;

pub(super) const FEATURE: Feature = Feature {
    name: "habit_rate",
    group: Group::Rhythm,
    unit: "requests/s",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| {
        format!("sent {value:.3} requests a second over hours, where {typical:.3} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rate_per_second(HABIT)
}
