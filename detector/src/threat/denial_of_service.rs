//! Denial of service: far more requests than anybody needs.

use super::{Claim, Lever, Threat, confidence};
use crate::window::Window;
use crate::window::decay::{BURST, VISIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::DenialOfService,
    is_common: false,
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

/// Requests a second past every cache that a page which polls may well send.
const UNCACHED_RATE_FREE: f32 = 1.5;

/// So many different names of a parameter on a path or two are made up: programs and forms have a few.
const UNCACHED_NAMES_MIN: f32 = 30.0;

fn assess(window: &Window) -> Option<Claim> {
    if window.requests < REQUESTS_MIN {
        return None;
    }
    // Files that pages load come many at a time.
    let own = 1.0 - 0.7 * window.share(window.habit.assets);
    let rate = window.rate_per_second(BURST) * own;
    let points = ((rate - RATE_FREE) * 0.08).max(uncached_points(window));
    (points > 0.0).then(|| Claim {
        kind: ThreatKind::DenialOfService,
        confidence: confidence(points),
        is_conclusive: points > 8.0,
    })
}

/// Points for one page asked for again and again under parameters that were never seen before: it costs the site its
/// cache.
fn uncached_points(window: &Window) -> f32 {
    let is_one_page = window.paths.estimate() < 2.5 && window.query_names.estimate() >= UNCACHED_NAMES_MIN;
    let is_all_it_does = window.share(window.habit.with_query) > 0.9 && window.habit.with_referer < 1.0;
    if is_one_page && is_all_it_does {
        (window.rate_per_second(BURST).min(window.rate_per_second(VISIT)) - UNCACHED_RATE_FREE) * 1.2
    } else {
        0.0
    }
}

fn sentence(window: &Window) -> String {
    format!("sent {:.0} requests a second", window.rate_per_second(BURST))
}
