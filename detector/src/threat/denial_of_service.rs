//! Denial of service: far more requests than anybody needs.

use super::{Claim, Lever, Threat, confidence};
use crate::window::Window;
use crate::window::decay::BURST;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::DenialOfService,
    assess,
    value: |window| window.rate_per_second(BURST),
    sentence,
    lever: Lever {
        name: "requests a second",
        read: |window| window.rate_per_second(BURST),
        scale: |window, factor| window.rate[BURST] *= factor,
    },
};

/// Requests a second that a page with many parts, or an office behind one address, may well send.
const RATE_FREE: f32 = 15.0;

/// A page load is a burst too; a flood goes on.
const REQUESTS_MIN: u64 = 60;

fn assess(window: &Window) -> Option<Claim> {
    if window.requests < REQUESTS_MIN {
        return None;
    }
    // Files that pages load come many at a time.
    let own = 1.0 - 0.7 * window.share(window.habit.assets);
    let rate = window.rate_per_second(BURST) * own;
    let points = (rate - RATE_FREE) * 0.08;
    (points > 0.0).then(|| Claim {
        kind: ThreatKind::DenialOfService,
        confidence: confidence(points),
        is_conclusive: points > 8.0,
    })
}

fn sentence(window: &Window) -> String {
    format!("sent {:.0} requests a second", window.rate_per_second(BURST))
}
