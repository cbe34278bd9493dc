//! Credential abuse: failed sign-ins. Access logs do not name accounts, so stuffing is told from cracking by what
//! varies: many agents or queries, or a rare success among many failures.

use super::{Claim, Lever, Threat, confidence, tool_points};
use crate::signal::ToolKind;
use crate::window::Window;
use crate::window::decay::HABIT;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::CredentialCracking,
    is_common: false,
    assess,
    value: |window| window.habit.login_failures,
    sentence,
    lever: Lever {
        name: "tries to sign in",
        read: tries,
        scale,
    },
};

/// People mistype: so many failures are nobody's attack.
const FAILURES_FREE: f32 = 3.0;

/// Past so many user agents another one counts no more.
const CROWD_MAX: f32 = 40.0;

/// Below this share of its requests, signing in is not what the client is here for.
const ASIDE_SHARE: f32 = 0.55;

/// Sign-ins that are answered 200 show no failure; so many in a visit are nobody's day.
const SIGN_INS_FREE: f32 = 6.0;

/// Who does nothing but send passwords has no form to forget one at.
const BARE_SIGN_INS_FREE: f32 = 2.0;

/// Share of sign-ins of a program that loads the form before each.
const FORM_TURN_SHARE: f32 = 0.4;

/// Ceiling of a program that holds on to an old password: shown when its score is odd too, and no member of a campaign.
const BROKEN_CEILING: f32 = 0.49;

fn assess(window: &Window) -> Option<Claim> {
    // Somebody who forgot a password does other things too; a program that guesses does hardly anything else.
    // A browser tells the page that the form is on.
    let is_at_a_form = window.share(window.habit.with_referer) > 0.5 && !takes_turns(window);
    let is_aside = is_at_a_form || (window.share(tries(window)) < ASIDE_SHARE && !is_bare(window));
    let is_nothing_else = window.share(tries(window)) > 0.95;
    let weight = match (is_aside, is_nothing_else) {
        (false, _) => 0.22,
        // A form on another host, or a tool that says it comes from one.
        (true, true) => 0.18,
        (true, false) => 0.13,
    };
    let tool = tool_points(window, ToolKind::Guesser);
    // A guesser's refusals are failed sign-ins whatever the route: HTTP asks for a password everywhere.
    let failed = if tool > 0.0 {
        window.habit.refused
    } else {
        window.habit.login_failures
    };
    let failures = (failed - failures_free(window)) * weight;
    let free = if is_bare(window) {
        BARE_SIGN_INS_FREE
    } else {
        SIGN_INS_FREE
    };
    let silent = (window.suspicion.same_answers - free) * weight;
    let points = failures.max(silent).max(0.0) + tool;
    let ceiling = if is_stuck(window) { BROKEN_CEILING } else { 1.0 };
    (points > 0.0).then(|| Claim {
        kind: kind(window),
        confidence: confidence(points).min(ceiling),
        is_conclusive: false,
    })
}

/// So many failures are nobody's attack: where many sit behind one address and few of them sign in, each mistypes.
fn failures_free(window: &Window) -> f32 {
    if window.is_crowds_aside(tries(window)) {
        FAILURES_FREE + window.agents.estimate().min(CROWD_MAX) * 0.5
    } else {
        FAILURES_FREE
    }
}

/// Whether it sends passwords and asks for nothing else, but for the form that it sends them from: a browser loads what the
/// form shows, too, and says which page it is on.
fn is_bare(window: &Window) -> bool {
    let is_at_a_page = window.share(window.habit.with_referer) > 0.5;
    takes_turns(window) || (window.share(window.habit.logins) > 0.95 && !is_at_a_page)
}

/// Whether it loads the form before each password, and nothing else: people are shown it again by the answer.
fn takes_turns(window: &Window) -> bool {
    let share = window.share(window.habit.logins);
    window.paths.estimate() < 1.5 && share > FORM_TURN_SHARE && share < 1.0 - FORM_TURN_SHARE
}

/// Whether one program sends one thing on a steady beat, or with the even pauses of somebody who is told no: whoever guesses
/// is in a hurry, or hides, and sends passwords of different lengths.
fn is_stuck(window: &Window) -> bool {
    // Where a route became known for signing in while it went on, only the latest of its tries are counted as such.
    let is_bare = window.share(tries(window).max(window.habit.writes)) > 0.9;
    // A page that says so itself is told from a sign-in that worked by people only.
    let is_told_no = window.habit.login_failures > tries(window) * 0.9;
    // A page that asks again says which it is.
    let is_browsing = window.is_disguised() || window.share(window.habit.with_referer) > 0.5;
    let is_one = is_bare && window.agents.estimate() < 1.5 && window.paths.estimate() < 2.5;
    is_one
        && window.queries.estimate() < 1.5
        && window.suspicion.sent_differs < 2.0
        && (window.rhythm.is_metronome() || is_told_no && !is_browsing && window.rhythm.is_patient())
}

/// Sign-ins, and failures where nothing else tells that they were sign-ins.
fn tries(window: &Window) -> f32 {
    window.habit.logins.max(window.habit.login_failures)
}

/// As if it had tried so many times as often and done all else as it did: requests that are not made are not counted.
fn scale(window: &mut Window, factor: f32) {
    window.rate[HABIT] = (window.rate[HABIT] + tries(window) * (factor - 1.0)).max(0.0);
    window.habit.logins *= factor;
    window.suspicion.same_answers *= factor;
    window.habit.login_failures *= factor;
}

fn kind(window: &Window) -> ThreatKind {
    let varies = window.agents.estimate() >= 3.0 || window.queries.estimate() >= 5.0;
    let has_success = window.suspicion.failures_before_success > 0;
    if varies || (has_success && window.habit.login_failures > 10.0) {
        ThreatKind::CredentialStuffing
    } else {
        ThreatKind::CredentialCracking
    }
}

fn sentence(window: &Window) -> String {
    if tries(window) < 1.0 {
        return "named itself as a program for guessing passwords".to_owned();
    }
    if window.habit.login_failures < 1.0 {
        return format!(
            "tried to sign in {:.0} times and was answered alike {:.0} times",
            window.habit.logins, window.suspicion.same_answers
        );
    }
    format!(
        "failed to sign in {:.0} times in {:.0} tries",
        window.habit.login_failures,
        tries(window)
    )
}
