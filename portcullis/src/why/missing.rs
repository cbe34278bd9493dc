//! What was missing for a block, in sentences.

use super::{LeverForm, Screen, ThreatForm};
use domain::Action;

/// Says what was missing; needs everything else of the screen.
pub(super) fn for_block(screen: &Screen, is_shadow: bool) -> Vec<String> {
    if screen.action.as_deref() == Some(Action::Block.as_str()) {
        let answer = if is_shadow {
            "nothing: it was decided, and shadow mode alone keeps it from being carried out"
        } else {
            "nothing: it was blocked"
        };
        return vec![answer.to_owned()];
    }
    let Some(sure) = screen.threats.first() else {
        return vec!["evidence: nothing it did names a threat".to_owned()];
    };
    if sure.kind == domain::ThreatKind::Anomaly.as_str() {
        return vec!["evidence: a score alone is an anomaly to look at, and never more".to_owned()];
    }
    let Some(thresholds) = screen.thresholds else {
        return vec![
            "the service does not tell its thresholds: give its configuration with --config".to_owned(),
        ];
    };
    if sure.confidence >= thresholds.block {
        let reasons = screen.held_back.join("; ");
        return vec![match reasons.is_empty() {
            true => "nothing in the evidence: it is weighed anew at its next requests".to_owned(),
            false => format!("nothing in the evidence; it was held back: {reasons}"),
        }];
    }
    let mut sentences = vec![format!(
        "confidence: {} has {:.3}, a block needs {:.3}; {:.3} are missing",
        sure.kind,
        sure.confidence,
        thresholds.block,
        thresholds.block - sure.confidence
    )];
    sentences.extend(sure.lever.as_ref().map(|lever| enough(lever, sure)));
    sentences
}

/// What would have been enough.
fn enough(lever: &LeverForm, sure: &ThreatForm) -> String {
    match lever.blocked_at {
        Some(least) => format!(
            "at least {} {} instead of {} would be enough, all else being equal",
            at_least(least),
            lever.quantity,
            number(lever.value)
        ),
        None => format!(
            "no number of {} alone would be enough: with what else it does, {} is not certain enough for a block",
            lever.quantity, sure.kind
        ),
    }
}

/// What would have had to be less for a threat not to have fired.
pub(super) fn counterfactual(threat: &ThreatForm) -> Option<String> {
    let lever = threat.lever.as_ref()?;
    let LeverForm { quantity, value, .. } = lever;
    let silent = lever.silent_at.map(|most| {
        format!(
            "it would not have fired with at most {} {quantity} instead of {}",
            at_most(most),
            number(*value)
        )
    });
    let milder = lever.milder_at.map(|most| {
        // The last request often tips the scales: then both numbers look alike.
        let less = match at_most(most) {
            most if most == number(*value) => "a little less".to_owned(),
            most => format!("at most {most}"),
        };
        format!(
            "{less} would not have been enough to {}",
            threat.asks_for.unwrap_or("act")
        )
    });
    match (silent, milder) {
        (Some(silent), Some(milder)) => Some(format!("{silent}; {milder}")),
        (silent, milder) => silent.or(milder),
    }
}

/// Past this a tenth is noise.
const TENTHS_UP_TO: f32 = 100.0;

/// A quantity as people read it.
pub(super) fn number(value: f32) -> String {
    rounded(value, f32::round)
}

/// Rounded so that it stays true of "at most".
fn at_most(value: f32) -> String {
    rounded(value, f32::floor)
}

/// Rounded so that it stays true of "at least".
fn at_least(value: f32) -> String {
    rounded(value, f32::ceil)
}

fn rounded(value: f32, round: fn(f32) -> f32) -> String {
    let steps = if value < TENTHS_UP_TO { 10.0 } else { 1.0 };
    format!("{}", round(value * steps) / steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Thresholds;

    fn screen(confidence: f32, blocked_at: Option<f32>) -> Screen {
        let lever = LeverForm {
            quantity: "tries to sign in",
            value: 8.4,
            silent_at: Some(6.27),
            milder_at: Some(7.92),
            blocked_at,
        };
        Screen {
            thresholds: Some(Thresholds {
                observe: 0.5,
                throttle: 0.8,
                block: 0.92,
            }),
            threats: vec![ThreatForm {
                kind: "credential_cracking".to_owned(),
                confidence,
                lever: Some(lever),
                ..ThreatForm::default()
            }],
            ..Screen::default()
        }
    }

    #[test]
    fn the_distance_is_said_in_confidence_and_in_what_it_would_take() {
        let said = for_block(&screen(0.7, Some(14.2)), false);
        assert_eq!(
            said,
            [
                "confidence: credential_cracking has 0.700, a block needs 0.920; 0.220 are missing",
                "at least 14.2 tries to sign in instead of 8.4 would be enough, all else being equal"
            ]
        );
        assert!(for_block(&screen(0.7, None), false)[1].starts_with("no number of tries"));
    }

    #[test]
    fn what_held_a_sure_case_back_is_named() {
        let mut held = screen(0.95, None);
        held.held_back.push("allowlist: partner".to_owned());
        assert!(for_block(&held, false)[0].ends_with("it was held back: allowlist: partner"));
        held.action = Some("block".to_owned());
        assert_eq!(for_block(&held, false), ["nothing: it was blocked"]);
        assert!(for_block(&held, true)[0].contains("shadow"));
        assert!(for_block(&Screen::default(), false)[0].contains("names a threat"));
    }

    #[test]
    fn a_counterfactual_is_rounded_to_what_is_true() {
        let mut threat = screen(0.85, None).threats.remove(0);
        threat.asks_for = Some("throttle");
        assert_eq!(
            counterfactual(&threat).unwrap(),
            "it would not have fired with at most 6.2 tries to sign in instead of 8.4; at most 7.9 would not have been \
             enough to throttle"
        );
        threat.lever.as_mut().unwrap().milder_at = Some(8.402);
        assert!(
            counterfactual(&threat)
                .unwrap()
                .ends_with("; a little less would not have been enough to throttle")
        );
    }
}
