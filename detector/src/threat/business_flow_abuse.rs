//! Business flow abuse: signing up again and again.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::BusinessFlowAbuse,
    assess,
    value: |window| window.habit.sign_ups,
    sentence,
    lever: Lever {
        name: "sign-ups",
        read: |window| window.habit.sign_ups,
        scale: |window, factor| window.habit.sign_ups *= factor,
    },
};

/// A household or a class may sign up a few times in an hour.
const SIGN_UPS_FREE: f32 = 3.0;

fn assess(window: &Window) -> Option<Claim> {
    claim(
        ThreatKind::BusinessFlowAbuse,
        (window.habit.sign_ups - SIGN_UPS_FREE) * 0.25,
        0.95,
    )
}

fn sentence(window: &Window) -> String {
    format!("signed up {:.0} times", window.habit.sign_ups)
}
