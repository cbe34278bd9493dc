//! How much of what a threat hangs on there would have had to be: the same window with less of it, or more.

use super::{CONFIDENCE_MIN, Claim, Threat, strengthen};
use crate::policy::PolicySettings;
use crate::window::Window;
use domain::{Action, WhatIf};

/// The one quantity that a threat hangs on.
#[derive(Debug, Clone, Copy)]
pub struct Lever {
    /// What it counts, as in "12 tries to sign in".
    pub name: &'static str,
    /// How much of it a window holds.
    pub read: fn(&Window) -> f32,
    /// Makes it so many times as much, and leaves everything else that the client did.
    pub scale: fn(&mut Window, f32),
}

/// Nobody is told what more than so many times as much would have done.
const MORE_MAX: f32 = 64.0;

/// Halvings of the interval: further ones are finer than the numbers that are shown.
const HALVINGS: u32 = 32;

/// The most of the quantity at which the threat's confidence, strengthened by the score, stays under `limit`. `None`
/// when the window does not reach the limit, or would reach it without any of the quantity.
#[must_use]
pub fn most_under(window: &Window, threat: &Threat, p_value: f64, limit: f32) -> Option<f32> {
    boundary(window, threat, (0.0, 1.0), |scaled| {
        confidence(scaled, threat, p_value) < limit
    })
    .map(|(under, _)| under)
}

/// The least of the quantity at which the threat's confidence, strengthened by the score, reaches `limit`. `None` when
/// the window reaches it as it is, or would not reach it with any amount.
#[must_use]
pub fn least_over(window: &Window, threat: &Threat, p_value: f64, limit: f32) -> Option<f32> {
    boundary(window, threat, (1.0, MORE_MAX), |scaled| {
        confidence(scaled, threat, p_value) < limit
    })
    .map(|(_, over)| over)
}

/// What less or more of its quantity would have made of a claim on a window.
#[must_use]
pub fn what_if(
    window: &Window,
    threat: &Threat,
    claim: Claim,
    p_value: f64,
    policy: &PolicySettings,
) -> WhatIf {
    let under = |limit| most_under(window, threat, p_value, limit);
    let asks_for = policy.action(strengthen(claim.confidence, p_value));
    let milder_at = match asks_for {
        Some(Action::Block) => under(policy.block_from),
        Some(Action::Throttle | Action::Challenge) => under(policy.throttle_from),
        Some(Action::Observe) | None => None,
    };
    WhatIf {
        threat: claim.kind,
        quantity: threat.lever.name,
        value: (threat.lever.read)(window),
        asks_for,
        silent_at: under(policy.observe_from),
        milder_at,
        blocked_at: least_over(window, threat, p_value, policy.block_from),
    }
}

/// The two amounts between which the window stops being under a limit, by halving an interval of factors.
fn boundary(
    window: &Window,
    threat: &Threat,
    (mut low, mut high): (f32, f32),
    is_under: impl Fn(&Window) -> bool,
) -> Option<(f32, f32)> {
    let scaled = |factor: f32| {
        let mut scaled = window.clone();
        if factor != 1.0 {
            (threat.lever.scale)(&mut scaled, factor);
        }
        scaled
    };
    if !is_under(&scaled(low)) || is_under(&scaled(high)) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f32::midpoint(low, high);
        if is_under(&scaled(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let read = |factor| (threat.lever.read)(&scaled(factor));
    Some((read(low), read(high)))
}

/// How surely the threat is named; 0 for a claim that is not worth keeping.
fn confidence(window: &Window, threat: &Threat, p_value: f64) -> f32 {
    threat
        .claim(window)
        .filter(|claim| claim.confidence >= CONFIDENCE_MIN)
        .map_or(0.0, |claim| strengthen(claim.confidence, p_value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threat::THREATS;
    use domain::ThreatKind;

    fn threat(kind: ThreatKind) -> &'static Threat {
        THREATS.iter().find(|threat| threat.kind == kind).unwrap()
    }

    /// A window with so many refused sign-ins and nothing else.
    fn guesser(failures: f32) -> Window {
        let mut window = Window {
            requests: failures as u64,
            rate: [failures; 3],
            errors: [failures; 3],
            ..Window::default()
        };
        window.habit.logins = failures;
        window.habit.login_failures = failures;
        window.habit.refused = failures;
        window
    }

    #[test]
    fn at_the_most_that_stays_under_it_does_and_a_little_more_would_not() {
        let window = guesser(40.0);
        let guessing = threat(ThreatKind::CredentialCracking);
        let most = most_under(&window, guessing, 1.0, 0.5).unwrap();
        assert!(most > 1.0 && most < 40.0, "{most}");
        let with = |tries: f32| {
            let mut scaled = window.clone();
            (guessing.lever.scale)(&mut scaled, tries / 40.0);
            confidence(&scaled, guessing, 1.0)
        };
        assert!(with(most * 0.999) < 0.5 && with(most * 1.01) >= 0.5);
        assert!(
            (0..40).all(|part| with(most * part as f32 / 40.0) < 0.5),
            "less is never worse"
        );
    }

    #[test]
    fn what_would_be_enough_is_more_than_there_is() {
        let window = guesser(8.0);
        let guessing = threat(ThreatKind::CredentialCracking);
        let least = least_over(&window, guessing, 1.0, 0.92).unwrap();
        assert!(least > 8.0, "{least}");
        assert_eq!(
            most_under(&window, guessing, 1.0, 0.92),
            None,
            "it is under anyway"
        );
        assert_eq!(least_over(&window, guessing, 1.0, 0.3), None, "it is over anyway");
    }

    #[test]
    fn a_threat_that_is_only_looked_at_is_never_enough() {
        let mut window = guesser(12.0);
        window.habit.with_duration = 12.0;
        window.habit.duration_millis = 120_000.0;
        let slow = threat(ThreatKind::ResourceExhaustion);
        assert_eq!(least_over(&window, slow, 1.0, 0.92), None);
    }

    #[test]
    fn every_lever_has_a_name_and_none_of_it_names_nothing() {
        for threat in THREATS {
            assert!(!threat.lever.name.is_empty());
            let mut window = guesser(50.0);
            (threat.lever.scale)(&mut window, 0.0);
            assert!((threat.lever.read)(&window) < 1.0, "{}", threat.kind);
        }
    }
}
