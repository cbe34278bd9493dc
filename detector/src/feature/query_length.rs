//! Mean of the logarithm of the query's length.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;
use crate::window::decay::HABIT;

pub(super) const FEATURE: Feature = Feature {
    name: "query_length",
    group: Group::Query,
    unit: "log2 bytes",
    direction: Direction::Up,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("sent queries of 2^{value:.1} bytes on average, where 2^{typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    if window.rate[HABIT] > 0.0 {
        window.habit.query_log / window.rate[HABIT]
    } else {
        0.0
    }
}
