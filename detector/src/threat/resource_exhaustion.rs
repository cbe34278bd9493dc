//! Resource exhaustion: few requests that cost the upstream much time.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim, tool_points};
use crate::signal::ToolKind;
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::ResourceExhaustion,
    // A slow network makes all who are on it slow.
    is_common: true,
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

/// Mean time of a request that is held open rather than worked on.
const HELD_MILLIS_MIN: f32 = 10_000.0;

/// So many at a time are a browser with several tabs that wait for news.
const SIDE_BY_SIDE_FREE: f32 = 12.0;

/// A bad line leaves so many requests unfinished.
const STALLS_FREE: f32 = 5.0;

/// Slowed down at most, whatever the score adds: a report that is wanted takes as much.
const CEILING: f32 = 0.86;

/// Without a price list of the routes, a slow upstream looks the same: time alone is looked at, never acted on.
fn assess(window: &Window) -> Option<Claim> {
    if let Some(sure) = large_answers(window).or_else(|| held(window)) {
        return Some(sure);
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

/// Requests that are held open side by side, more than a page, an app or a household needs.
fn held(window: &Window) -> Option<Claim> {
    let tool = tool_points(window, ToolKind::Stresser);
    let is_alone = window.agents.estimate() < 3.5;
    let is_slow = window.habit.with_duration >= 10.0 && mean_millis(window) >= HELD_MILLIS_MIN;
    let points = if is_slow && is_alone {
        (side_by_side(window) - SIDE_BY_SIDE_FREE) * 0.1
    } else {
        0.0
    };
    let stalls = if is_alone {
        (window.suspicion.stalls - STALLS_FREE) * 0.12
    } else {
        0.0
    };
    claim(
        ThreatKind::ResourceExhaustion,
        points.max(stalls).max(0.0) + tool,
        CEILING,
    )
}

/// Requests under way at a time, on average since it came.
fn side_by_side(window: &Window) -> f32 {
    window.habit.duration_millis / (window.age_millis().max(1000) as f32)
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
    if window.suspicion.stalls > STALLS_FREE {
        return format!(
            "began {:.0} requests and finished none of them in time",
            window.suspicion.stalls
        );
    }
    if held(window).is_some() {
        return format!(
            "kept {:.0} requests open at a time, {:.0} s each",
            side_by_side(window),
            mean_millis(window) / 1000.0
        );
    }
    format!(
        "kept the upstream busy for {:.0} s with requests of {:.1} s each",
        window.habit.duration_millis / 1000.0,
        mean_millis(window) / 1000.0
    )
}
