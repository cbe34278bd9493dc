//! Spread of the logarithm of the bytes sent.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "response_size_deviation",
    group: Group::Cost,
    unit: "log2 bytes",
    direction: Direction::Down,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!(
            "received answers whose size varied by a factor of 2^{value:.1}, where 2^{typical:.1} is typical"
        )
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    let count = window.habit.with_bytes;
    if count < 1.0 {
        return 0.0;
    }
    let mean = window.habit.bytes_log / count;
    (window.habit.bytes_log_square / count - mean * mean)
        .max(0.0)
        .sqrt()
}
