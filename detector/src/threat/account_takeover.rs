//! Account takeover: many failures, then a success, then changes.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::AccountTakeover,
    is_common: false,
    assess,
    value: |window| f32::from(window.suspicion.failures_before_success),
    sentence,
    lever: Lever {
        name: "failures in a row before a success",
        read: |window| f32::from(window.suspicion.failures_before_success),
        scale: |window, factor| {
            let failures = f32::from(window.suspicion.failures_before_success) * factor;
            window.suspicion.failures_before_success = failures as u16;
        },
    },
};

/// Who forgot a password tries less often than this before it works.
const FAILURES_MIN: u16 = 8;

/// The same for somebody who goes by a browser's name and has none of a browser's habits.
const DISGUISED_FAILURES_MIN: u16 = 6;

/// Past so many user agents another one counts no more.
const CROWD_MAX: f32 = 64.0;

fn assess(window: &Window) -> Option<Claim> {
    let suspicion = &window.suspicion;
    // Whoever forgot a password sits before a page, and a browser says which.
    let (least, weight) = if window.is_disguised() {
        (DISGUISED_FAILURES_MIN, 0.25)
    } else {
        (FAILURES_MIN, 0.15)
    };
    let failures = f32::from(suspicion.failures_before_success);
    if failures < f32::from(least) + by_others(window) || suspicion.writes_after == 0 {
        return None;
    }
    let points = (failures - by_others(window)) * weight;
    claim(ThreatKind::AccountTakeover, points, 0.9)
}

/// Failures of a row that are others': where many sit behind one address and few of them sign in, several who mistype at
/// the same time make one row.
fn by_others(window: &Window) -> f32 {
    let tries = window.habit.logins.max(window.habit.login_failures);
    if window.is_crowds_aside(tries) {
        window.agents.estimate().min(CROWD_MAX) * 0.25
    } else {
        0.0
    }
}

fn sentence(window: &Window) -> String {
    format!(
        "signed in after {} failures in a row and then changed state {} times",
        window.suspicion.failures_before_success, window.suspicion.writes_after
    )
}
