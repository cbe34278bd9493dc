//! Share of requests with a referer.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "referer_ratio",
    group: Group::Protocol,
    unit: "ratio",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "named a referer in {:.0}% of its requests, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.with_referer)
}
