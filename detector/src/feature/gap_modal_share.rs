//! Share of the pauses that are alike.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "gap_modal_share",
    group: Group::Rhythm,
    unit: "ratio",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "made {:.0}% of its pauses alike, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rhythm.modal_share()
}
