//! Injection: payloads in path, query or headers.

use super::{Claim, Lever, OBSERVED_ONLY, Threat, confidence, tool_points};
use crate::signal::{PayloadClass, ToolKind};
use crate::window::Window;
use crate::window::decay::HABIT;
use domain::ThreatKind;

pub(super) const THREAT: Threat = Threat {
    kind: ThreatKind::Injection,
    is_common: false,
    assess,
    value: |window| window.suspicion.payload_requests,
    sentence,
    lever: Lever {
        name: "requests with attack payloads",
        read: |window| window.suspicion.payload_requests,
        scale: |window, factor| {
            window.suspicion.payload_requests *= factor;
            window.suspicion.payloads *= factor;
        },
    },
};

/// A single request may be a link that somebody else planted. From about two on nobody stumbles into it.
const REQUESTS_MIN: f32 = 1.6;

/// Among thousands of searches some look odd: a crowd behind one address is not convicted by two.
const CROWD_SHARE: f32 = 0.01;

/// So many are no accident, whatever stands beside them.
const REQUESTS_MAX: f32 = 10.0;

fn requests_min(window: &Window) -> f32 {
    (REQUESTS_MIN + window.rate[HABIT] * CROWD_SHARE).min(REQUESTS_MAX)
}

fn assess(window: &Window) -> Option<Claim> {
    let suspicion = &window.suspicion;
    let tool = tool_points(window, ToolKind::Injector);
    if suspicion.payloads + tool <= 0.0 {
        return None;
    }
    let by_chance = suspicion.payload_requests < requests_min(window) && tool <= 0.0;
    let ceiling = if by_chance { OBSERVED_ONLY } else { 1.0 };
    let confidence = confidence(1.2 * suspicion.payloads + tool).min(ceiling);
    Some(Claim {
        kind: ThreatKind::Injection,
        confidence,
        is_conclusive: suspicion.payload_requests >= requests_min(window) && confidence > 0.95,
    })
}

fn sentence(window: &Window) -> String {
    if window.suspicion.payloads <= 0.0 {
        return "named itself as a program for trying payloads".to_owned();
    }
    let classes: Vec<&str> = PayloadClass::ALL
        .iter()
        .filter(|class| window.suspicion.payload_classes & (1 << **class as u8) != 0)
        .map(|class| class.as_str())
        .collect();
    let classes = classes.join(", ");
    match window.suspicion.payload_requests.round() {
        ..2.0 => format!("sent a request with an attack payload ({classes})"),
        requests => format!("sent {requests} requests with attack payloads ({classes})"),
    }
}
