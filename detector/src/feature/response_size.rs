//! Mean of the logarithm of the bytes sent.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "response_size",
    group: Group::Cost,
    unit: "log2 bytes",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("received 2^{value:.1} bytes a request on average, where 2^{typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.habit.with_bytes > 0.0 {
        window.habit.bytes_log / window.habit.with_bytes
    } else {
        0.0
    }
}
