//! Share of requests for files that pages load by themselves.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "asset_ratio",
    group: Group::Routes,
    unit: "ratio",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "loaded static files in {:.0}% of its requests, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.share(window.habit.assets)
}
