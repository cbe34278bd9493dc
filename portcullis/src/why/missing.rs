//! What was missing for a block, in sentences.

use super::Screen;
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
    sentences.extend(sure.more.clone());
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::{ThreatForm, Thresholds};

    fn screen(confidence: f32) -> Screen {
        Screen {
            thresholds: Some(Thresholds {
                observe: 0.5,
                throttle: 0.8,
                block: 0.92,
            }),
            threats: vec![ThreatForm {
                kind: "credential_cracking".to_owned(),
                confidence,
                more: Some("at least 14.2 tries".to_owned()),
                ..ThreatForm::default()
            }],
            ..Screen::default()
        }
    }

    #[test]
    fn the_distance_is_said_in_confidence_and_in_what_it_would_take() {
        let said = for_block(&screen(0.7), false);
        assert_eq!(
            said,
            [
                "confidence: credential_cracking has 0.700, a block needs 0.920; 0.220 are missing",
                "at least 14.2 tries"
            ]
        );
    }

    #[test]
    fn what_held_a_sure_case_back_is_named() {
        let mut held = screen(0.95);
        held.held_back.push("allowlist: partner".to_owned());
        assert!(for_block(&held, false)[0].ends_with("it was held back: allowlist: partner"));
        held.action = Some("block".to_owned());
        assert_eq!(for_block(&held, false), ["nothing: it was blocked"]);
        assert!(for_block(&held, true)[0].contains("shadow"));
        assert!(for_block(&Screen::default(), false)[0].contains("names a threat"));
    }
}
