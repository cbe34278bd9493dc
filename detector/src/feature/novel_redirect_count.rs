//! Different paths that nobody else uses and that were redirected.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "novel_redirect_count",
    group: Group::Routes,
    unit: "paths",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| {
        format!(
            "was redirected from {value:.0} different paths that nobody else asks for, where {typical:.0} is typical"
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.suspicion.novel_redirects
}
