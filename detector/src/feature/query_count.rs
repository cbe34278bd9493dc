//! Different queries.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "query_count",
    group: Group::Query,
    unit: "queries",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| format!("sent {value:.0} different queries, where {typical:.0} is typical"),
    compute,
};

fn compute(window: &Window) -> f32 {
    window.queries.estimate()
}
