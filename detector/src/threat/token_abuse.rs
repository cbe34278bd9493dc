//! Token abuse: trying many different tokens or codes that are refused.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use crate::window::decay::{HABIT, VISIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::TokenAbuse,
    assess,
    value: |window| window.queries.estimate().max(window.habit.refused),
    sentence,
    lever: Lever {
        name: "different queries and refusals",
        read: |window| window.queries.estimate().max(window.habit.refused),
        scale: |window, factor| {
            window.queries = window.queries.scaled(factor);
            window.habit.refused *= factor;
            window.rate[HABIT] *= factor;
        },
    },
};

/// So many refusals pass for an app whose token ran out.
const REFUSALS_FREE: f32 = 25.0;

/// Requests a second over a visit from which nobody waits for an answer to get better.
const QUICK_PER_SECOND: f32 = 0.4;

fn assess(window: &Window) -> Option<Claim> {
    let is_refused = window.share(window.habit.refused) > 0.8 && window.share(window.habit.logins) < 0.2;
    if !is_refused {
        return None;
    }
    let points = query_points(window).max(refusal_points(window));
    claim(ThreatKind::TokenAbuse, points, 0.9)
}

/// Points for tokens tried in the query.
fn query_points(window: &Window) -> f32 {
    let tries = window.queries.estimate();
    if tries < 8.0 { 0.0 } else { (tries - 5.0) * 0.1 }
}

/// Points for refusals that do not stop: tokens tried in a header, which logs do not show. A stuck program waits and
/// keeps time.
fn refusal_points(window: &Window) -> f32 {
    let is_quick = window.rate_per_second(VISIT) > QUICK_PER_SECOND;
    if !is_quick || window.rhythm.is_metronome() || window.habit.writes > window.habit.refused * 0.5 {
        return 0.0;
    }
    (window.habit.refused - REFUSALS_FREE) * 0.05
}

fn sentence(window: &Window) -> String {
    if query_points(window) < refusal_points(window) {
        return format!("was refused {:.0} times and went on", window.habit.refused);
    }
    format!(
        "tried {:.0} different queries of which {:.0}% were refused",
        window.queries.estimate(),
        window.share(window.habit.refused) * 100.0
    )
}
