//! Account takeover: many failures, then a success, then changes.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::AccountTakeover,
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

fn assess(window: &Window) -> Option<Claim> {
    let suspicion = &window.suspicion;
    if suspicion.failures_before_success < FAILURES_MIN || suspicion.writes_after == 0 {
        return None;
    }
    claim(
        ThreatKind::AccountTakeover,
        f32::from(suspicion.failures_before_success) * 0.15,
        0.9,
    )
}

fn sentence(window: &Window) -> String {
    format!(
        "signed in after {} failures in a row and then changed state {} times",
        window.suspicion.failures_before_success, window.suspicion.writes_after
    )
}
