//! Reconnaissance: asking for what does not exist here, or what only scanners ask for.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, confidence, tool_points};
use crate::signal::ToolKind;
use crate::window::Window;
use crate::window::decay::VISIT;
use domain::ThreatKind;

/// Share of successes up to which nothing that was asked for was there: one lucky guess in ten.
const FRUITLESS_SHARE: f32 = 0.1;

/// Weight of a miss of somebody who finds most of what it asks for.
const ASIDE_WEIGHT: f32 = 0.04;

/// Such misses are shown at most: a crawler of an old site collects any number of them.
const ASIDE_POINTS_MAX: f32 = 1.0;

/// A single miss guesses nothing.
const ONE_MISS: f32 = 1.5;

/// Share that a single success may be: many a scanner looks at the first page before it begins.
const FIRST_PAGE_SHARE: f32 = 0.17;

/// Share of such redirects of a scanner, half of whose requests may be what it was redirected to.
const REDIRECTED_SHARE: f32 = 0.35;

/// So much of what only scanners ask for may be there indeed.
const FOUND_FREE: f32 = 2.0;

/// Such paths that are answered with one page, a little faded, from which the page is known to stand for what is not there.
const ALIKE_MIN: f32 = 1.9;

/// Requests per second over a visit from which nobody reads what came back: polite crawlers wait a second and more.
const QUICK_PER_SECOND: f32 = 1.0;

/// Share of files that pages load by themselves from which a browser is at work: one that stays open asks for a site's icon
/// once, whatever number of its pages are gone.
const ASSETS_SHARE: f32 = 0.15;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::Reconnaissance,
    is_common: false,
    assess,
    value: |window| {
        let suspicion = &window.suspicion;
        suspicion.novel_misses.max(suspicion.soft_misses) + suspicion.probes
    },
    sentence,
    lever: Lever {
        name: "points for probes and for paths that nobody else asks for",
        read: |window| {
            let suspicion = &window.suspicion;
            suspicion.probes + suspicion.novel_misses + suspicion.novel_redirects + suspicion.soft_misses
        },
        scale: |window, factor| {
            window.suspicion.probes *= factor;
            window.suspicion.novel_misses *= factor;
            window.suspicion.novel_redirects *= factor;
            window.suspicion.soft_misses *= factor;
            window.suspicion.probes_found = (f32::from(window.suspicion.probes_found) * factor) as u8;
        },
    },
};

fn assess(window: &Window) -> Option<Claim> {
    let suspicion = &window.suspicion;
    let tool = tool_points(window, ToolKind::Scanner);
    let points = suspicion.probes * 1.05
        + tool
        + miss_points(window)
        + redirect_points(window)
        + soft_points(window)
        + found_points(window);
    // One path may be a mistake, or a link that somebody else planted.
    let is_one_path = window.paths.estimate() < 1.5 && tool <= 0.0;
    let ceiling = if is_one_path { OBSERVED_ONLY } else { 1.0 };
    (points > 0.0).then(|| Claim {
        kind: ThreatKind::Reconnaissance,
        confidence: confidence(points).min(ceiling),
        is_conclusive: suspicion.probes >= 3.5,
    })
}

/// Points for different paths that missed and that nobody else asks for.
///
/// Who guesses finds nothing; who follows old links finds some of what it asks for, and takes its time. So a miss
/// weighs most where nothing succeeds, and more where misses come quickly.
fn miss_points(window: &Window) -> f32 {
    let misses = window.suspicion.novel_misses;
    if misses > ONE_MISS && is_fruitless(window) {
        let points = misses * 0.5 + redirects_beside(window) * 0.15;
        let weight = if reads_no_pages(window) { 1.25 } else { 1.0 };
        return points * weight * innocence(window);
    }
    let is_quick = is_quick(window);
    let weight = match window.suspicion.share(window.suspicion.failed) {
        share if share > 0.5 && is_quick => 0.36,
        share if share > 0.5 => 0.16,
        share if share > 0.25 && is_quick => 0.16,
        _ => ASIDE_WEIGHT,
    };
    let points = misses * weight * innocence(window);
    let is_welcome = is_declared(window) && window.suspicion.share(window.suspicion.failed) <= 0.5;
    if weight > ASIDE_WEIGHT && !is_welcome {
        points
    } else {
        points.min(ASIDE_POINTS_MAX)
    }
}

fn is_quick(window: &Window) -> bool {
    window.rate_per_second(VISIT) > QUICK_PER_SECOND
}

/// Whether hardly anything that the client asked for was there.
fn is_fruitless(window: &Window) -> bool {
    let successes = window.suspicion.found;
    // A crawler begins like that, too, and waits between two requests.
    let share = if successes <= 1.01 && is_quick(window) {
        FIRST_PAGE_SHARE
    } else {
        FRUITLESS_SHARE
    };
    window.suspicion.share(successes) <= share
}

/// Whether no browser can have made most of the requests: none leaves out its name or asks for headers alone.
fn reads_no_pages(window: &Window) -> bool {
    window.share(window.habit.without_agent) > 0.5 || window.share(window.habit.heads) > 0.5
}

/// Redirected paths that tell something beside misses: no more than there are misses, for where everything is
/// redirected everybody is.
fn redirects_beside(window: &Window) -> f32 {
    window
        .suspicion
        .novel_redirects
        .min(window.suspicion.novel_misses)
}

/// Points for paths that nobody else asks for and that are redirected, when hardly anything else happens.
fn redirect_points(window: &Window) -> f32 {
    let is_answered = window.suspicion.share(window.suspicion.found) > 0.15;
    // Who does not follow to https asks for what others ask for, too.
    let is_all_it_does = window.suspicion.share(window.suspicion.novel_redirects) > REDIRECTED_SHARE;
    if is_answered || !is_all_it_does || window.suspicion.novel_redirects < 5.0 {
        return 0.0;
    }
    // What only scanners ask for among them tells what the others are.
    let weight = if window.suspicion.probes > 0.0 { 0.2 } else { 0.12 };
    window.suspicion.novel_redirects * weight * innocence(window)
}

/// Points for different routes that nobody else uses and that all get the one same page.
fn soft_points(window: &Window) -> f32 {
    // Where a path is redirected first it is asked for twice.
    let redirects = window.suspicion.novel_redirects.min(window.suspicion.soft_misses);
    let in_vain = window.suspicion.soft_misses + redirects + window.suspicion.failed;
    let is_all_it_does = window.suspicion.share(in_vain) > 0.5;
    if is_all_it_does {
        window.suspicion.soft_misses * 0.36 * innocence(window)
    } else {
        (window.suspicion.soft_misses * ASIDE_WEIGHT * innocence(window)).min(ASIDE_POINTS_MAX)
    }
}

/// Points for finding what only scanners ask for all over a site: it answers everything alike, and hardly any has so much
/// to hide.
fn found_points(window: &Window) -> f32 {
    let found = f32::from(window.suspicion.probes_found);
    // Answered alike: the one page stands for all of them, and none is there.
    let alike = window.suspicion.soft_misses + 1.0;
    if alike >= ALIKE_MIN && found >= ALIKE_MIN && window.suspicion.share(found) > 0.3 {
        return found.min(alike) * 0.6 * innocence(window);
    }
    if window.suspicion.share(found) > 0.3 {
        ((found - FOUND_FREE) * 0.6).max(0.0) * innocence(window)
    } else {
        0.0
    }
}

fn is_declared(window: &Window) -> bool {
    window.suspicion.is_declared_crawler || window.suspicion.is_robot
}

/// How much of the weight is left where an ordinary reason for misses shows: links, pages' files, a crawler's list.
fn innocence(window: &Window) -> f32 {
    let mut left = 1.0;
    if is_declared(window) {
        left *= 0.4;
    }
    if window.share(window.habit.with_referer) > 0.5 {
        left *= 0.5;
    }
    if window.share(window.habit.assets) > ASSETS_SHARE {
        left *= 0.5;
    }
    left
}

fn sentence(window: &Window) -> String {
    let suspicion = &window.suspicion;
    if tool_points(window, ToolKind::Scanner) > suspicion.probes {
        "named itself as a program for scanning sites".to_owned()
    } else if suspicion.probes >= suspicion.novel_misses * 0.5 && suspicion.probes > 0.0 {
        format!(
            "asked for secrets, backups or consoles that are not there (evidence weight {:.1})",
            suspicion.probes
        )
    } else if suspicion.soft_misses > suspicion.novel_misses.max(suspicion.novel_redirects) {
        format!(
            "asked for {:.0} different paths that nobody else asks for and got the same page each time",
            suspicion.soft_misses + 1.0
        )
    } else if suspicion.novel_misses >= suspicion.novel_redirects {
        format!(
            "asked for {:.0} different paths that do not exist and that nobody else asks for",
            suspicion.novel_misses
        )
    } else {
        format!(
            "was redirected from {:.0} different paths that nobody else asks for",
            suspicion.novel_redirects
        )
    }
}
