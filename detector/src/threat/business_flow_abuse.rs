//! Business flow abuse: signing up again and again, trying codes, cards or vouchers one by one.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::BusinessFlowAbuse,
    // A class signs up together.
    is_common: true,
    assess,
    value: |window| window.habit.sign_ups.max(window.suspicion.failed_writes),
    sentence,
    lever: Lever {
        name: "sign-ups and requests turned down",
        read: |window| window.habit.sign_ups.max(window.suspicion.failed_writes),
        scale: |window, factor| {
            window.habit.sign_ups *= factor;
            window.suspicion.failed_writes *= factor;
        },
    },
};

/// A household or a class may sign up a few times in an hour.
const SIGN_UPS_FREE: f32 = 3.0;

/// Two classes at a time are no class.
const CLASS_MAX: f32 = 45.0;

/// Forms come back with errors; so many in a visit are no form's.
const FAILED_WRITES_FREE: f32 = 10.0;

fn assess(window: &Window) -> Option<Claim> {
    let points = sign_up_points(window).max(guess_points(window));
    let may_be_class = is_one_each(window) && window.habit.sign_ups < CLASS_MAX;
    let ceiling = if may_be_class && guess_points(window) <= 0.0 {
        OBSERVED_ONLY
    } else {
        0.95
    };
    claim(ThreatKind::BusinessFlowAbuse, points, ceiling)
}

/// Whether nearly everybody who signs up has a browser of its own, as in a class that signs up together.
fn is_one_each(window: &Window) -> bool {
    window.is_crowd() && window.agents.estimate() >= window.habit.sign_ups * 0.3
}

fn sign_up_points(window: &Window) -> f32 {
    let sign_ups = window.habit.sign_ups;
    let weight = match (window.is_crowds_aside(sign_ups), is_one_each(window)) {
        (true, _) => 0.05,
        (_, true) => 0.06,
        _ => 0.25,
    };
    (sign_ups - SIGN_UPS_FREE) * weight
}

/// Points for state-changing requests that are told off again and again: codes, cards or vouchers tried one by one. A
/// program that repeats one wrong request on a slow beat is stuck, not guessing.
fn guess_points(window: &Window) -> f32 {
    let failed = window.suspicion.failed_writes;
    let is_all_it_does = window.share(failed) > 0.6;
    // Tokens that ran out are turned down, too, and programs that hold one spread their tries.
    let is_token = window.share(window.habit.logins) > 0.9 && !window.is_disguised();
    let waits = window.rhythm.is_metronome() || (is_token && window.rhythm.is_patient());
    if !is_all_it_does || waits {
        return 0.0;
    }
    (failed - FAILED_WRITES_FREE) * 0.06
}

fn sentence(window: &Window) -> String {
    if guess_points(window) > sign_up_points(window) {
        let failed = window.suspicion.failed_writes;
        format!("sent {failed:.0} requests to change something that were turned down")
    } else {
        format!("signed up {:.0} times", window.habit.sign_ups)
    }
}
