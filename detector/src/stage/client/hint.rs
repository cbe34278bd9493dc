//! What a small client shows that is too little against it alone, and telling when most of a cohort show the same.

use crate::window::Window;
use crate::window::decay::HABIT;
use domain::{Client, Evidence, ThreatKind, Timestamp};

/// A client with more requests than this has to be judged by itself.
pub const SMALL_REQUESTS_MAX: u64 = 16;

/// Fewer requests than this show nothing: everybody follows a dead link once.
const SMALL_REQUESTS_MIN: u64 = 2;

/// Share of its requests that may have succeeded: somebody who came by mistake finds something.
const SUCCESS_SHARE_MAX: f32 = 0.2;

/// Share of its requests that the act must make up.
const ACT_SHARE_MIN: f32 = 0.8;

/// A small client showed something, or showed otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// The request's place in the order of arrival.
    pub seq: u64,
    /// Key of the client's window.
    pub key: u64,
    /// The client's keyed hash.
    pub owner: u64,
    /// Who.
    pub client: Client,
    /// When.
    pub at: Timestamp,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// The client's requests, this one included.
    pub requests: u64,
    /// Hash of the request's user agent, 0 for none.
    pub agent: u64,
    /// What the client does and hardly anything else, with the request that shows it; `None` when it no longer does.
    pub shown: Option<(ThreatKind, Evidence)>,
}

/// What a small client does and hardly anything else; `None` when it is not small, or does other things too.
///
/// Redirects alone tell nothing: where everything is redirected, everybody is.
#[must_use]
pub(super) fn shown_by(window: &Window) -> Option<ThreatKind> {
    let habit = &window.habit;
    let is_small = (SMALL_REQUESTS_MIN..=SMALL_REQUESTS_MAX).contains(&window.requests);
    let is_visit =
        window.share(habit.successes) > SUCCESS_SHARE_MAX || window.share(habit.with_referer) > 0.5;
    if !is_small || is_visit {
        return None;
    }
    if window.suspicion.failures_in_a_row >= 2 && window.share(habit.login_failures) >= ACT_SHARE_MIN {
        return Some(ThreatKind::CredentialStuffing);
    }
    let has_missed = window.suspicion.novel_misses + window.suspicion.probes >= 0.9;
    let is_all_it_does = window.share(window.errors[HABIT] + habit.redirects) >= ACT_SHARE_MIN;
    (has_missed && is_all_it_does).then_some(ThreatKind::Reconnaissance)
}
