//! How much of the last minutes fell into the last seconds.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::{BURST, VISIT};

pub(super) const FEATURE: Feature = Feature {
    name: "burst_share",
    group: Group::Rhythm,
    unit: "ratio",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "did {:.0}% of its last minutes' requests in the last seconds, where {:.0}% is typical",
            value * 100.0,
            typical * 100.0
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.rate[VISIT] > 0.0 {
        window.rate[BURST] / window.rate[VISIT]
    } else {
        0.0
    }
}
