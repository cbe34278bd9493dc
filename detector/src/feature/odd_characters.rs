//! Mean of the logarithm of the number of odd characters.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::HABIT;

pub(super) const FEATURE: Feature = Feature {
    name: "odd_characters",
    group: Group::Query,
    unit: "log2 count",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("used 2^{value:.1} unusual characters in a request, where 2^{typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.rate[HABIT] > 0.0 {
        window.habit.odd_log / window.rate[HABIT]
    } else {
        0.0
    }
}
