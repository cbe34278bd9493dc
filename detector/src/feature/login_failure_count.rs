//! Failed sign-ins and refused writes.

use super::{Direction, Feature, Group, Scale};
use crate::window::Window;

pub(super) const FEATURE: Feature = Feature {
    name: "login_failure_count",
    group: Group::Authentication,
    unit: "failures",
    direction: Direction::Up,
    scale: Scale::Log,
    sentence: |value, typical| format!("failed to sign in {value:.0} times, where {typical:.0} is typical"),
    compute,
};

fn compute(window: &Window) -> f32 {
    window.habit.login_failures
}
