//! Token abuse: trying many different tokens or codes that are refused.

use super::{Claim, Lever, Threat, claim};
use crate::window::Window;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::TokenAbuse,
    assess,
    value: |window| window.queries.estimate(),
    sentence,
    lever: Lever {
        name: "different queries",
        read: |window| window.queries.estimate(),
        scale: |window, factor| window.queries = window.queries.scaled(factor),
    },
};

fn assess(window: &Window) -> Option<Claim> {
    let is_refused = window.share(window.habit.refused) > 0.8 && window.share(window.habit.logins) < 0.2;
    let tries = window.queries.estimate();
    if !is_refused || tries < 8.0 {
        return None;
    }
    claim(ThreatKind::TokenAbuse, (tries - 5.0) * 0.1, 0.9)
}

fn sentence(window: &Window) -> String {
    format!(
        "tried {:.0} different queries of which {:.0}% were refused",
        window.queries.estimate(),
        window.share(window.habit.refused) * 100.0
    )
}
