//! Different routes.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "route_count",
    group: Group::Routes,
    unit: "routes",
    direction: Direction::Both,
    scale: Scale::Log,
    sentence: |value, typical| format!("used {value:.0} different routes, where {typical:.0} is typical"),
    compute,
};

fn compute(window: &Window) -> f32 {
    window.routes.estimate()
}
