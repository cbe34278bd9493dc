//! Protocol abuse: unreadable requests, odd methods, tests for an open proxy.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::ProtocolAbuse,
    is_common: false,
    assess,
    value: |window| window.suspicion.protocol,
    sentence,
    lever: Lever {
        name: "points for odd protocol",
        read: |window| window.suspicion.protocol,
        scale: |window, factor| window.suspicion.protocol *= factor,
    },
};

/// So many user agents may be a few people's.
const NAMES_FREE: f32 = 5.0;

/// Share of requests that bring a new user agent; two may share a place in the sketch.
const NEW_NAME_SHARE: f32 = 0.75;

fn assess(window: &Window) -> Option<Claim> {
    let share = window.share(window.habit.malformed + window.habit.odd_methods);
    // A proxy in front that breaks a request now and then is no attack.
    let weight = if share > 0.3 { 0.5 } else { 0.2 };
    let points = window.suspicion.protocol * weight + new_name_points(window);
    claim(ThreatKind::ProtocolAbuse, points, 0.96)
}

/// Points for another user agent with every request for one thing that is never given: behind a shared address stand many
/// who ask for different things and get them.
fn new_name_points(window: &Window) -> f32 {
    let agents = window.agents.estimate();
    let is_one_thing = window.paths.estimate() < 2.5 && window.share(window.habit.with_referer) < 0.1;
    let is_new_each_time = agents > window.requests as f32 * NEW_NAME_SHARE;
    if is_one_thing && is_new_each_time && window.share(window.habit.successes) < 0.2 {
        (agents - NAMES_FREE).max(0.0) * 0.25
    } else {
        0.0
    }
}

fn sentence(window: &Window) -> String {
    if window.suspicion.protocol * 0.2 < new_name_points(window) {
        return format!(
            "gave another name with nearly every request, {:.0} in all, and was given nothing",
            window.agents.estimate()
        );
    }
    format!(
        "sent unreadable requests, odd methods or proxy tests (evidence weight {:.1})",
        window.suspicion.protocol
    )
}
