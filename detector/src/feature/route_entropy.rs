//! Entropy of requests over routes.

use super::{Direction, Feature, Group, Scale};
use crate::window::{Window, entropy};

pub(super) const FEATURE: Feature = Feature {
    name: "route_entropy",
    group: Group::Routes,
    unit: "bit",
    direction: Direction::Both,
    scale: Scale::Identity,
    sentence: |value, typical| {
        format!("spread its requests over routes with {value:.1} bits, where {typical:.1} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    entropy(window.route_buckets.iter().map(|count| f32::from(*count)))
}
