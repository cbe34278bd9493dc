//! Protocol abuse: unreadable requests, odd methods, tests for an open proxy.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::ProtocolAbuse,
    assess,
    value: |window| window.suspicion.protocol,
    sentence,
    lever: Lever {
        name: "points for odd protocol",
        read: |window| window.suspicion.protocol,
        scale: |window, factor| window.suspicion.protocol *= factor,
    },
};

fn assess(window: &Window) -> Option<Claim> {
    let share = window.share(window.habit.malformed + window.habit.odd_methods);
    // A proxy in front that breaks a request now and then is no attack.
    let weight = if share > 0.3 { 0.5 } else { 0.2 };
    claim(
        ThreatKind::ProtocolAbuse,
        window.suspicion.protocol * weight,
        0.96,
    )
}

fn sentence(window: &Window) -> String {
    format!(
        "sent unreadable requests, odd methods or proxy tests (evidence weight {:.1})",
        window.suspicion.protocol
    )
}
