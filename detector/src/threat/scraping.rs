//! Scraping: taking page after page, fast, and none of what pages load by themselves.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, claim};
use crate::window::Window;
use crate::window::decay::VISIT;
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

fn sentence(window: &Window) -> String {
    format!(
        "took {:.0} different pages at {:.1} a second and hardly any of the files that pages load",
        window.paths.estimate(),
        window.rate_per_second(VISIT)
    )
}
