//! Different user agents.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "agent_count",
    group: Group::Protocol,
    unit: "agents",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| {
        format!("used {value:.0} different user agents, where {typical:.0} is typical")
    },
    compute,
};

fn compute(window: &Window) -> f32 {
    window.agents.estimate()
}
