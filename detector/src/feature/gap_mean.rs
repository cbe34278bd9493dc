//! Mean of the logarithm of the pauses between requests.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "gap_mean",
    group: Group::Rhythm,
    unit: "log2 ms",
    direction: Direction::Down,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("paused 2^{value:.1} ms between requests on average, where 2^{typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.rhythm.log_mean()
}
