//! Scraping: taking page after page, fast, and none of what pages load by themselves.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use crate::window::decay::{HABIT, VISIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::Scraping,
    assess,
    value: |window| window.paths.estimate(),
    sentence,
    lever: Lever {
        name: "pages a second",
        read: |window| window.rate_per_second(VISIT),
        scale: |window, factor| window.rate[VISIT] *= factor,
    },
};

/// Fewer different paths than this are a visit.
const PATHS_MIN: f32 = 120.0;

/// log2 of the bytes from which an answer is a file: few pages have half a mebibyte.
const FILE_BYTES_LOG: f32 = 19.0;

/// Fetching files is shown, not acted on, even when the score is the oddest of all.
const FILES_CEILING: f32 = 0.65;

/// Pages within hours for one point of those who go by a browser's name.
const DISGUISED_PAGES: f32 = 60.0;

/// Sign-ins that were not refused, decayed: one within the last hours.
const SIGNED_IN_MIN: f32 = 0.3;

fn assess(window: &Window) -> Option<Claim> {
    let distinct = window.paths.estimate() / (window.requests.max(1) as f32);
    let is_harvest =
        window.paths.estimate() >= PATHS_MIN && distinct > 0.7 && window.share(window.habit.assets) < 0.1;
    // Whoever asks for heads takes nothing: a checker of links.
    let takes_nothing = window.share(window.habit.heads) > 0.5;
    if !is_harvest || takes_nothing || window.share(window.habit.successes) < 0.5 {
        return None;
    }
    let rate = window.rate_per_second(VISIT);
    if takes_files(window) {
        return claim(ThreatKind::Scraping, rate, FILES_CEILING);
    }
    if is_disguised(window) {
        return claim(ThreatKind::Scraping, window.rate[HABIT] / DISGUISED_PAGES, 0.9);
    }
    // Crawlers that say so are welcome up to a few pages a second.
    let patience = if window.suspicion.is_declared_crawler || window.suspicion.is_robot {
        0.2
    } else {
        0.8
    };
    // Whoever signed in and reads what is theirs, a partner's nightly job, looks the same: a person has to judge.
    let has_signed_in = window.habit.logins - window.habit.login_failures > SIGNED_IN_MIN;
    let ceiling = if has_signed_in { OBSERVED_ONLY } else { 0.9 };
    claim(ThreatKind::Scraping, rate * patience, ceiling)
}

/// Whether it takes files rather than pages: somebody fetches what is there to be fetched.
fn takes_files(window: &Window) -> bool {
    window.share(window.habit.files) > 0.5
        || window.habit.bytes_log / window.habit.with_bytes.max(1.0) > FILE_BYTES_LOG
}

/// Whether it goes by a browser's name and has none of a browser's habits: no file of a page, no page it came from, nor
/// a sign-in. Slow as it may be, nobody reads like that.
fn is_disguised(window: &Window) -> bool {
    let habit = &window.habit;
    window.suspicion.is_declared_browser
        && !window.suspicion.is_declared_crawler
        && !window.suspicion.is_robot
        && window.share(habit.assets) < 0.01
        && window.share(habit.with_referer) < 0.02
        && habit.logins < SIGNED_IN_MIN
        && window.agents.estimate() < 3.5
}

fn sentence(window: &Window) -> String {
    format!(
        "took {:.0} different pages at {:.1} a second and hardly any of the files that pages load",
        window.paths.estimate(),
        window.rate_per_second(VISIT)
    )
}
