//! Entropy of the pauses: a metronome has none.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "gap_entropy",
    group: Group::Rhythm,
    unit: "bit",
    direction: Direction::Down,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("had {value:.1} bits of variety in its pauses, where {typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rhythm.entropy()
}
