//! Resource exhaustion: few requests that cost the upstream much time.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::ResourceExhaustion,
    assess,
    value: mean_millis,
    sentence,
    lever: Lever {
        name: "milliseconds for a request",
        read: mean_millis,
        scale: |window, factor| window.habit.duration_millis *= factor,
    },
};

/// Mean time of a request from which it is expensive whatever the route.
const MEAN_MILLIS_MIN: f32 = 3000.0;

/// Without a price list of the routes, a slow upstream looks the same: this is looked at, never acted on.
fn assess(window: &Window) -> Option<Claim> {
    if window.habit.with_duration < 10.0 || mean_millis(window) < MEAN_MILLIS_MIN {
        return None;
    }
    claim(
        ThreatKind::ResourceExhaustion,
        window.habit.duration_millis / 60_000.0,
        OBSERVED_ONLY,
    )
}

fn mean_millis(window: &Window) -> f32 {
    window.habit.duration_millis / window.habit.with_duration.max(1.0)
}

fn sentence(window: &Window) -> String {
    format!(
        "kept the upstream busy for {:.0} s with requests of {:.1} s each",
        window.habit.duration_millis / 1000.0,
        mean_millis(window) / 1000.0
    )
}
