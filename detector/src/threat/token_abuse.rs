//! Token abuse: trying many different tokens or codes that are refused.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use crate::window::decay::{HABIT, VISIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::TokenAbuse,
    is_common: false,
    assess,
    value: tries,
    sentence,
    lever: Lever {
        name: "different tokens and refusals",
        read: tries,
        scale: |window, factor| {
            window.suspicion.resets *= factor;
            window.queries = window.queries.scaled(factor);
            window.habit.refused *= factor;
            window.rate[HABIT] *= factor;
        },
    },
};

/// So many refusals pass for an app whose token ran out.
const REFUSALS_FREE: f32 = 25.0;

/// So many refusals pass for a mistyped password.
const FEW_FREE: f32 = 3.0;

/// Ceiling of a few refusals.
const FEW_CEILING: f32 = 0.6;

/// Requests a second over a visit from which nobody waits for an answer to get better.
const QUICK_PER_SECOND: f32 = 0.4;

/// Requests a second at which no program waits before it tries again.
const HURRIED_PER_SECOND: f32 = 1.0;

/// The same for somebody who goes by a browser's name, which shows the page it came from when its page asks again.
const DISGUISED_PER_SECOND: f32 = 0.05;

/// So many refusals pass for such a one.
const DISGUISED_FREE: f32 = 10.0;

/// Different links to a new password that one address opens in hours, for all whose mail it looks through.
const RESETS_FREE: f32 = 15.0;

fn assess(window: &Window) -> Option<Claim> {
    if window.suspicion.share(window.suspicion.resets) > 0.8 {
        let points = (window.suspicion.resets - RESETS_FREE) * 0.1;
        return claim(ThreatKind::TokenAbuse, points, 0.9);
    }
    let is_refused = window.share(window.habit.refused) > 0.8 && window.share(window.habit.logins) < 0.2;
    if !is_refused {
        return None;
    }
    let points = query_points(window).max(refusal_points(window));
    let few = claim(ThreatKind::TokenAbuse, few_points(window), FEW_CEILING);
    claim(ThreatKind::TokenAbuse, points, 0.9)
        .filter(|sure| few.is_none_or(|few| few.confidence < sure.confidence))
        .or(few)
}

fn tries(window: &Window) -> f32 {
    let queries = window.queries.estimate();
    queries.max(window.habit.refused).max(window.suspicion.resets)
}

/// Points for a few refusals in a row, quick and on no beat: to be looked at, whatever the score adds.
fn few_points(window: &Window) -> f32 {
    if goes_on(window) {
        (window.habit.refused - FEW_FREE) * 0.4
    } else {
        0.0
    }
}

/// Points for tokens tried in the query.
fn query_points(window: &Window) -> f32 {
    let tries = window.queries.estimate();
    if tries < 8.0 { 0.0 } else { (tries - 5.0) * 0.1 }
}

/// Points for refusals that do not stop: tokens tried in a header, which logs do not show. A stuck program waits and
/// keeps time.
fn refusal_points(window: &Window) -> f32 {
    if !goes_on(window) {
        return 0.0;
    }
    if window.is_disguised() {
        (window.habit.refused - DISGUISED_FREE) * 0.1
    } else {
        let is_hurried = window.rate_per_second(VISIT) > HURRIED_PER_SECOND;
        let weight = if is_hurried { 0.1 } else { 0.05 };
        (window.habit.refused - REFUSALS_FREE) * weight
    }
}

/// Whether it asks for one thing again and again, quickly and on no beat, and is refused.
fn goes_on(window: &Window) -> bool {
    let is_disguised = window.is_disguised();
    let quick = if is_disguised {
        DISGUISED_PER_SECOND
    } else {
        QUICK_PER_SECOND
    };
    let is_quick = window.rate_per_second(VISIT) > quick;
    // A page or an app whose session ran out goes on asking for all that it shows.
    let is_session = window.paths.estimate() > 2.5 || window.share(window.habit.with_referer) > 0.5;
    let is_writing = window.habit.writes > window.habit.refused * 0.5;
    let waits = if is_disguised {
        window.rhythm.is_slow_metronome()
    } else {
        window.rhythm.is_metronome() || window.rhythm.is_patient()
    };
    is_quick && !is_session && !is_writing && !waits
}

fn sentence(window: &Window) -> String {
    if window.suspicion.share(window.suspicion.resets) > 0.8 {
        return format!(
            "tried {:.0} different links to a new password",
            window.suspicion.resets
        );
    }
    if query_points(window) <= 0.0 {
        return format!("was refused {:.0} times and went on", window.habit.refused);
    }
    format!(
        "tried {:.0} different queries of which {:.0}% were refused",
        window.queries.estimate(),
        window.share(window.habit.refused) * 100.0
    )
}
