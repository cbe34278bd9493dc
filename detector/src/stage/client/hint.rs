//! What a small client shows that is too little against it alone, and telling when most of a cohort show the same.

use crate::population::Running;
use crate::stage::kin::{Kin, KinNames};
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

/// Different paths in vain, two or three a little faded, of a program with a name and of somebody who goes by a browser's.
const PATHS_MIN: f32 = 1.8;
const PATHS_BROWSER_MIN: f32 = 2.7;

/// What two paths count that only scanners ask for, when both are redirected.
const SECRETS_MIN: f32 = 0.75;

/// What one such path counts.
const SECRET_MIN: f32 = 0.38;

/// Variance of the log2 of sizes that are all one, as near as sums of four bytes tell: of two that differ by two in a hundred
/// it is more.
const ONE_SIZE: f32 = 0.0002;

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
    /// Number of the source whose word it is.
    pub source: u32,
    /// When.
    pub at: Timestamp,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// The client's requests, this one included.
    pub requests: u64,
    /// Whether no hint of it stood before.
    pub is_first: bool,
    /// What it shares with others, with the user agent with which it showed it first.
    pub kin: Kin,
    /// The same as people read it; empty where something else shows it now.
    pub names: KinNames,
    /// The route that it sends passwords to where the answers do not refuse them, 0 for none.
    pub route: u64,
    /// What the client does and hardly anything else, with the request that shows it; `None` when it no longer does.
    pub shown: Option<(ThreatKind, Evidence)>,
    /// Whether that is too little to make it a suspect. It witnesses for nobody either, and in a range that is a campaign
    /// it is a member.
    pub is_faint: bool,
    /// The surge that it witnesses, and nothing else; `None` for what is said to its range and agent.
    pub surge: Option<Running>,
}

/// What a small client shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// What it does and hardly anything else.
    pub(super) threat: ThreatKind,
    /// See [`Hint::is_faint`].
    pub(super) is_faint: bool,
}

impl Shown {
    fn sure(threat: ThreatKind) -> Self {
        Self {
            threat,
            is_faint: false,
        }
    }
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

/// Whether a small client sends what proves who it is and nothing else, and each is turned down, whatever the answer is called: where
/// programs fetch tokens a wrong password is bad input, as an old token is. One that does that has kept an old one. What stuck
/// programs do on a beat is no try.
fn is_refused_try(window: &Window) -> bool {
    (ACTS_WITH_AGENT_MIN..=SMALL_REQUESTS_MAX).contains(&window.requests)
        && u64::from(window.failed) >= ACTS_WITH_AGENT_MIN
        && window.share(window.habit.logins) >= ACT_SHARE_MIN
        && window.share(window.errors[HABIT]) >= ACT_SHARE_MIN
        // What is refused by that name is told without this.
        && window.share(window.habit.login_failures) < ACT_SHARE_MIN
        && window.share(window.habit.successes) <= SUCCESS_SHARE_MAX
        && !window.rhythm.may_be_slow_metronome()
}

/// The route under which a hint of passwords that are not refused by name is compared with its other users; 0 for none.
pub(super) fn route(window: &Window) -> u64 {
    if window.suspicion.same_answers >= SAME_ANSWERS_MIN || is_refused_try(window) {
        window.suspicion.sign_in_route
    } else {
        0
    }
}

/// What a small client does and hardly anything else; `None` when it is not small, or does other things too.
#[must_use]
pub(super) fn shown_by(window: &Window) -> Option<Shown> {
    if is_silent_try(window) {
        return Some(Shown::sure(ThreatKind::CredentialStuffing));
    }
    let is_visit = window.share(window.habit.with_referer) > 0.5;
    if window.requests > SMALL_REQUESTS_MAX || is_visit {
        return None;
    }
    let acts_min = if is_without_agent(window) {
        ACTS_MIN
    } else {
        ACTS_WITH_AGENT_MIN
    };
    if window.requests >= acts_min
        && window.share(window.habit.successes) <= SUCCESS_SHARE_MAX
        && u64::from(window.suspicion.failures_in_a_row) >= acts_min
        && window.share(window.habit.login_failures) >= ACT_SHARE_MIN
    {
        return Some(Shown::sure(ThreatKind::CredentialStuffing));
    }
    if is_refused_try(window) {
        return Some(Shown::sure(ThreatKind::CredentialStuffing));
    }
    prowls(window)
}

/// Whether a small client did nothing but fail to sign in, be it once: what shows nothing by itself, and tells in a surge of
/// the same.
pub(super) fn fails_to_sign_in(window: &Window) -> bool {
    let is_visit = window.share(window.habit.with_referer) > 0.5;
    let fails = u64::from(window.suspicion.failures_in_a_row) >= 1
        && window.share(window.habit.login_failures) >= ACT_SHARE_MIN
        && window.share(window.habit.successes) <= SUCCESS_SHARE_MAX;
    window.requests <= SMALL_REQUESTS_MAX && !is_visit && (fails || is_silent_try(window))
}

fn is_without_agent(window: &Window) -> bool {
    window.share(window.habit.without_agent) > 0.5
}

/// Whether a small client asks for what is not there, or for what only scanners ask for, and for nothing else.
///
/// Redirects tell nothing of a browser: where everything is redirected, everybody is. They tell of a program without a
/// name that asks for one path after the other that nobody else asks for, and of whoever asks for what only scanners do.
fn prowls(window: &Window) -> Option<Shown> {
    let (habit, suspicion) = (&window.habit, &window.suspicion);
    let found = Found::of(window);
    let is_served = window.share(habit.successes - found.requests) > SUCCESS_SHARE_MAX;
    let in_vain = window.errors[HABIT] + habit.redirects + found.requests;
    if is_served || window.share(in_vain) < ACT_SHARE_MIN {
        return None;
    }
    // A path that is redirected first is asked for twice.
    let paths = suspicion
        .novel_redirects
        .max(suspicion.novel_misses + found.paths);
    let secrets = suspicion.probes + found.secrets;
    let asks_for_secrets = |paths_min: f32| paths >= paths_min && secrets >= SECRETS_MIN && found.is_enough();
    // The third path counts even when the first two have faded a little.
    let has_missed = window.requests >= ACTS_WITH_AGENT_MIN && suspicion.novel_misses > 2.0;
    let is_sure = if is_without_agent(window) {
        window.requests >= ACTS_MIN
            && (suspicion.novel_misses + suspicion.probes >= 0.9
                || suspicion.novel_redirects >= REDIRECTS_MIN
                || asks_for_secrets(PATHS_MIN))
    } else if suspicion.is_declared_browser {
        has_missed || (window.requests >= ACTS_WITH_AGENT_MIN && asks_for_secrets(PATHS_BROWSER_MIN))
    } else {
        // No page makes a browser send a program's name. What a program lost on some site is no secret of scanners.
        has_missed || (window.requests >= ACTS_MIN && asks_for_secrets(PATHS_MIN))
    };
    let is_faint = !is_sure && secrets >= SECRET_MIN;
    (is_sure || is_faint).then_some(Shown {
        threat: ThreatKind::Reconnaissance,
        is_faint,
    })
}

/// What was found where only scanners look, and shows that a site answers everything with its one page: no two archives are
/// as long.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Requests that got the one page.
    requests: f32,
    /// Different paths among them.
    paths: f32,
    /// Those of them that only scanners ask for.
    secrets: f32,
    /// Whether headers alone were asked for, which have no length.
    has_no_length: bool,
}

impl Found {
    fn of(window: &Window) -> Self {
        let habit = &window.habit;
        let with_bytes = habit.with_bytes.max(0.001);
        let mean = habit.bytes_log / with_bytes;
        let is_one_size = habit.bytes_log_square / with_bytes - mean * mean < ONE_SIZE;
        let has_no_length = mean < 1.0;
        let paths = window.paths.estimate();
        let secrets = f32::from(window.suspicion.probes_found).min(habit.successes);
        let is_one_page = if has_no_length {
            secrets >= (habit.successes * 0.5).max(0.9)
        } else {
            secrets >= 0.9 && paths > 1.5
        };
        if !is_one_size || !is_one_page {
            return Self::default();
        }
        Self {
            requests: habit.successes,
            paths: paths.min(habit.successes),
            secrets,
            has_no_length,
        }
    }

    /// Whether one of the paths may not be a file that a program looks for a new version of.
    fn is_enough(self) -> bool {
        !self.has_no_length || self.secrets >= PATHS_MIN
    }
}
