//! Share of requests that name an object.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "object_ratio",
    group: Group::Objects,
    unit: "ratio",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "named an object in {:.0}% of its requests, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.with_object)
}
