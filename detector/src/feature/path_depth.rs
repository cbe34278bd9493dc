//! Mean number of path segments.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::HABIT;

pub(super) const FEATURE: Feature = Feature {
    name: "path_depth",
    group: Group::Routes,
    unit: "segments",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("asked for paths of {value:.1} segments on average, where {typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.rate[HABIT] > 0.0 {
        window.habit.depth / window.rate[HABIT]
    } else {
        0.0
    }
}
