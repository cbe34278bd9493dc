//! Share of the steps between numbered objects that go to a neighbour.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "walk_ratio",
    group: Group::Objects,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "went from one object to the next number in {:.0}% of its steps, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.suspicion.steps >= 3.0 {
        window.suspicion.walk_steps / window.suspicion.steps
    } else {
        0.0
    }
}
