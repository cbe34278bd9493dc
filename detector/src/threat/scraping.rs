//! Scraping: taking page after page, fast, and none of what pages load by themselves.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use crate::window::decay::{HABIT, VISIT};
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::Scraping,
    // Whoever signed in and reads what is theirs, a partner's nightly job, looks the same.
    is_common: true,
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

/// So many suffice of those who go by a browser's name: few people read as many within hours.
const DISGUISED_PATHS_MIN: f32 = 60.0;

/// And so many, again and again, when they come quickly: a small site has no more.
const DISGUISED_ALL_MIN: f32 = 40.0;

/// Requests a second that are quick for somebody who goes by a browser's name.
const DISGUISED_QUICK: f32 = 0.2;

/// log2 of the bytes from which an answer is a file: few pages have half a mebibyte.
const FILE_BYTES_LOG: f32 = 19.0;

/// Fetching files is shown, not acted on, even when the score is the oddest of all.
const FILES_CEILING: f32 = 0.65;

/// Pages within hours for one point of those who go by a browser's name.
const DISGUISED_PAGES: f32 = 60.0;

/// Sign-ins that were not refused, decayed: one within the last hours.
const SIGNED_IN_MIN: f32 = 0.3;

fn assess(window: &Window) -> Option<Claim> {
    // Whoever asks for heads takes nothing: a checker of links.
    let takes_nothing = window.share(window.habit.heads) > 0.5;
    if !is_harvest(window) || takes_nothing || window.share(window.habit.successes) < 0.5 {
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

/// Whether it takes page after page, and none of what pages load.
fn is_harvest(window: &Window) -> bool {
    let paths = window.paths.estimate();
    let is_ever_new = paths / (window.requests.max(1) as f32) > 0.7;
    let is_many = if is_disguised(window) {
        let is_quick = window.rate_per_second(VISIT) > DISGUISED_QUICK;
        (paths >= DISGUISED_PATHS_MIN && is_ever_new) || (paths >= DISGUISED_ALL_MIN && is_quick)
    } else {
        paths >= PATHS_MIN && is_ever_new
    };
    // Links to a new password are no pages.
    let is_page = window.suspicion.share(window.suspicion.resets) < 0.5;
    is_many && is_page && window.share(window.habit.assets) < 0.1
}

/// Whether it takes files rather than pages: somebody fetches what is there to be fetched.
fn takes_files(window: &Window) -> bool {
    window.share(window.habit.files) > 0.5
        || window.habit.bytes_log / window.habit.with_bytes.max(1.0) > FILE_BYTES_LOG
}

/// Whether it goes by a browser's name only, and never signed in. Slow as it may be, nobody reads like that.
fn is_disguised(window: &Window) -> bool {
    window.is_disguised() && window.habit.logins < SIGNED_IN_MIN
}

fn sentence(window: &Window) -> String {
    format!(
        "took {:.0} different pages at {:.1} a second and hardly any of the files that pages load",
        window.paths.estimate(),
        window.rate_per_second(VISIT)
    )
}
