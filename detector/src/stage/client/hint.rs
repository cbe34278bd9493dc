//! What a small client shows that is too little against it alone, and telling when most of a cohort show the same.

use crate::window::Window;
use crate::window::decay::HABIT;
use domain::{Client, Evidence, ThreatKind, Timestamp};

/// A client with more requests than this has to be judged by itself.
pub const SMALL_REQUESTS_MAX: u64 = 16;

/// Fewer acts than this show nothing: everybody follows a dead link once.
const ACTS_MIN: u64 = 2;

/// With a user agent so many: somebody else's page can make its readers' browsers ask once or twice for anything, and
/// a browser always sends its agent.
const ACTS_WITH_AGENT_MIN: u64 = 3;

/// Two redirected paths, a little faded.
const REDIRECTS_MIN: f32 = 1.4;

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
    /// Whether no hint of it stood before.
    pub is_first: bool,
    /// Hash of the user agent with which it showed it first, 0 for none.
    pub agent: u64,
    /// That user agent as people read it; empty for none, and when another one shows it now.
    pub agent_text: Box<str>,
    /// The route that it sends passwords to where the answers do not refuse them, 0 for none.
    pub route: u64,
    /// What the client does and hardly anything else, with the request that shows it; `None` when it no longer does.
    pub shown: Option<(ThreatKind, Evidence)>,
}

/// A sign-in is a form that somebody loads first, and a program that is let in goes on to something else. With so many
/// answered exactly alike a client tries passwords.
const SAME_ANSWERS_MIN: f32 = 1.9;

/// Whether a small client sends passwords and nothing else, and is answered alike without a refusal.
fn is_silent_try(window: &Window) -> bool {
    window.suspicion.same_answers >= SAME_ANSWERS_MIN
        && window.suspicion.is_shown_a_form
        && (ACTS_WITH_AGENT_MIN..=SMALL_REQUESTS_MAX).contains(&window.requests)
        && window.share(window.habit.logins) >= ACT_SHARE_MIN
        && !window.rhythm.may_be_slow_metronome()
}

/// The route under which a hint of passwords tried in silence is compared with its other users; 0 for none.
pub(super) fn route(window: &Window) -> u64 {
    if window.suspicion.same_answers >= SAME_ANSWERS_MIN {
        window.suspicion.sign_in_route
    } else {
        0
    }
}

/// What a small client does and hardly anything else; `None` when it is not small, or does other things too.
///
/// Redirects tell nothing of a browser: where everything is redirected, everybody is. A program without a name that asks
/// for one path after the other that nobody else asks for is told by them.
#[must_use]
pub(super) fn shown_by(window: &Window) -> Option<ThreatKind> {
    let habit = &window.habit;
    let is_without_agent = window.share(habit.without_agent) > 0.5;
    let acts_min = if is_without_agent {
        ACTS_MIN
    } else {
        ACTS_WITH_AGENT_MIN
    };
    let is_small = (acts_min..=SMALL_REQUESTS_MAX).contains(&window.requests);
    let is_visit =
        window.share(habit.successes) > SUCCESS_SHARE_MAX || window.share(habit.with_referer) > 0.5;
    if is_silent_try(window) {
        return Some(ThreatKind::CredentialStuffing);
    }
    if !is_small || is_visit {
        return None;
    }
    if u64::from(window.suspicion.failures_in_a_row) >= acts_min
        && window.share(habit.login_failures) >= ACT_SHARE_MIN
    {
        return Some(ThreatKind::CredentialStuffing);
    }
    let suspicion = &window.suspicion;
    let has_missed = if is_without_agent {
        suspicion.novel_misses + suspicion.probes >= 0.9 || suspicion.novel_redirects >= REDIRECTS_MIN
    } else {
        // The third path counts even when the first two have faded a little.
        suspicion.novel_misses > 2.0
    };
    let is_all_it_does = window.share(window.errors[HABIT] + habit.redirects) >= ACT_SHARE_MIN;
    (has_missed && is_all_it_does).then_some(ThreatKind::Reconnaissance)
}
