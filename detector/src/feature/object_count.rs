//! Different objects named in paths.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "object_count",
    group: Group::Objects,
    unit: "objects",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| format!("named {value:.0} different objects, where {typical:.0} is typical"),
    compute,
};

fn compute(window: &Window) -> f32 {
    window.objects.estimate()
}
