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

/// log2 of the bytes of an answer from which it is expensive whatever the route: one mebibyte and a half.
const BYTES_LOG_MIN: f32 = 20.5;

/// So many different queries on a route or two for answers of that size are nobody's report.
const QUERIES_MIN: f32 = 20.0;

/// Slowed down at most: a report that is wanted takes as much.
const CEILING: f32 = 0.88;

/// Without a price list of the routes, a slow upstream looks the same: time alone is looked at, never acted on.
fn assess(window: &Window) -> Option<Claim> {
    if let Some(large) = large_answers(window) {
        return Some(large);
    }
    if window.habit.with_duration < 10.0 || mean_millis(window) < MEAN_MILLIS_MIN {
        return None;
    }
    claim(
        ThreatKind::ResourceExhaustion,
        window.habit.duration_millis / 60_000.0,
        OBSERVED_ONLY,
    )
}

/// One or two routes asked for again and again with another query each time, for more than anybody reads.
fn large_answers(window: &Window) -> Option<Claim> {
    let queries = window.queries.estimate();
    let is_large = large_bytes_log(window) >= BYTES_LOG_MIN;
    let is_varied = queries >= QUERIES_MIN && window.paths.estimate() < 3.5;
    // A partner's job pages through what it is given: it signs in first, or goes by one parameter after another.
    let is_partner = window.habit.logins > 0.3;
    if !is_large || !is_varied || is_partner || window.share(window.habit.with_query) < 0.9 {
        return None;
    }
    claim(ThreatKind::ResourceExhaustion, (queries - 8.0) * 0.08, CEILING)
}

/// log2 of the bytes of its larger answers: one deviation above the mean, for a small question may come between.
fn large_bytes_log(window: &Window) -> f32 {
    let answers = window.habit.with_bytes.max(1.0);
    let mean = window.habit.bytes_log / answers;
    let variance = window.habit.bytes_log_square / answers - mean * mean;
    mean + variance.max(0.0).sqrt()
}

fn mean_millis(window: &Window) -> f32 {
    window.habit.duration_millis / window.habit.with_duration.max(1.0)
}

fn sentence(window: &Window) -> String {
    if large_answers(window).is_some() {
        return format!(
            "asked one route for {:.0} different answers, of {:.1} MiB the larger ones",
            window.queries.estimate(),
            (large_bytes_log(window) - 20.0).exp2()
        );
    }
    format!(
        "kept the upstream busy for {:.0} s with requests of {:.1} s each",
        window.habit.duration_millis / 1000.0,
        mean_millis(window) / 1000.0
    )
}
