//! Spread of the logarithm of the pauses.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "gap_deviation",
    group: Group::Rhythm,
    unit: "log2 ms",
    direction: Direction::Down,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("varied its pauses by a factor of 2^{value:.1}, where 2^{typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rhythm.log_deviation()
}
