//! Why a client is treated as it is: its threats beside the thresholds, what less or more of each would have done, and
//! what would hold an action back. Reading it changes nothing.

use crate::detector::Detector;
use crate::policy::PolicySettings;
use crate::score::Scorer;
use crate::threat::{self, Claim, THREATS, Threat};
use crate::view::ClientView;
use crate::window::Window;
use domain::{Action, Client, WhatIf};

/// Why a client is treated as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// What is known of it.
    pub view: ClientView,
    /// The kinds of evidence that there are against it, most of it first.
    pub traces: Vec<Trace>,
    /// What its acts name, surest first.
    pub cases: Vec<Case>,
    /// Why nothing at all would be done about it now, whatever it does.
    pub spared: Option<String>,
    /// The strongest action that its sources may lead to.
    pub most: Action,
}

/// How much there is of one kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    /// What it counts.
    pub name: &'static str,
    /// How much, decayed over the longest horizon.
    pub amount: f32,
}

/// One threat against a client, and what would have made a difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// How surely, strengthened by the score: this is what thresholds are compared with.
    pub confidence: f32,
    /// How surely, by evidence alone.
    pub by_evidence: f32,
    /// Whether the acts themselves convict, whatever the guard says.
    pub is_conclusive: bool,
    /// What was seen, as the rest of a sentence that begins with the client.
    pub sentence: String,
    /// Which threat, and what less or more of what it hangs on would have done.
    pub what_if: WhatIf,
}

/// A kind of evidence: what it counts, and how much of it a window holds.
type Kind = (&'static str, fn(&Window) -> f32);

/// The kinds of evidence that windows hold.
const TRACES: &[Kind] = &[
    ("points for probes", |window| window.suspicion.probes),
    ("paths that nobody else asks for and that are missing", |window| {
        window.suspicion.novel_misses
    }),
    ("paths that nobody else asks for and that redirect", |window| {
        window.suspicion.novel_redirects
    }),
    ("requests with attack payloads", |window| {
        window.suspicion.payload_requests
    }),
    ("points for odd protocol", |window| window.suspicion.protocol),
    ("failed sign-ins", |window| window.habit.login_failures),
    ("steps to a neighbouring object", |window| {
        window.suspicion.walk_steps
    }),
    ("objects missing or refused", |window| window.habit.object_misses),
    ("refusals on routes for administration", |window| {
        window.habit.admin_refusals
    }),
    ("sign-ups", |window| window.habit.sign_ups),
];

/// Less evidence than this has all but decayed.
const TRACE_MIN: f32 = 0.1;

impl<S: Scorer> Detector<S> {
    /// Says why a client is treated as it is; `None` when it is not remembered. Like [`Self::client_view`], of which
    /// it is the longer form.
    #[must_use]
    pub fn why(&self, client: &Client) -> Option<Why> {
        let view = self.client_view(client)?;
        let (_, slot) = self.find(client)?;
        let owner = self.owner_of(client);
        let spared =
            self.memory
                .sequencer
                .spares((client, owner), slot.is_claimed, self.now, self.allowances.list());
        let window = &slot.window;
        let case = |(place, claim): (usize, Claim)| {
            weigh(
                window,
                &THREATS[place],
                claim,
                view.score.p_value,
                &self.settings.policy,
            )
        };
        Some(Why {
            cases: threat::assess(window).into_iter().map(case).collect(),
            traces: traces(window),
            spared,
            most: slot.most,
            view,
        })
    }

    /// Thresholds and times by which it decides.
    #[must_use]
    pub fn policy(&self) -> &PolicySettings {
        &self.settings.policy
    }
}

fn traces(window: &Window) -> Vec<Trace> {
    let amounts = TRACES.iter().map(|(name, amount)| Trace {
        name,
        amount: amount(window),
    });
    let mut traces: Vec<Trace> = amounts.filter(|trace| trace.amount >= TRACE_MIN).collect();
    traces.sort_by(|left, right| right.amount.total_cmp(&left.amount));
    traces
}

/// One claim, and what less or more of its quantity would have made of it.
fn weigh(window: &Window, threat: &Threat, claim: Claim, p_value: f64, policy: &PolicySettings) -> Case {
    Case {
        confidence: threat::strengthen(claim.confidence, p_value),
        by_evidence: claim.confidence,
        is_conclusive: claim.is_conclusive,
        sentence: (threat.sentence)(window),
        what_if: threat::what_if(window, threat, claim, p_value, policy),
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::Serial;
    use crate::testing::{Line, detector, run};

    #[test]
    fn a_scanner_is_told_what_less_would_have_done() {
        let mut detector = detector(1000);
        let lines: Vec<Line> = (0..12)
            .map(|step| Line::new(step * 1000, 9, &format!("/.git/config{step}"), 404))
            .collect();
        run(&mut detector, &lines, &Serial);
        let why = detector.why(&lines[0].client()).unwrap();
        let case = &why.cases[0];
        assert!(case.confidence >= case.by_evidence && !case.sentence.is_empty());
        let (silent, milder) = (case.what_if.silent_at.unwrap(), case.what_if.milder_at.unwrap());
        assert!(silent < milder && milder < case.what_if.value, "{case:?}");
        assert_eq!((case.what_if.blocked_at, why.spared), (None, None));
        assert!(!why.traces.is_empty());
    }

    #[test]
    fn an_ordinary_client_has_no_case() {
        let mut detector = detector(1000);
        let lines: Vec<Line> = (0..12).map(|step| Line::new(step * 1000, 9, "/", 200)).collect();
        run(&mut detector, &lines, &Serial);
        let why = detector.why(&lines[0].client()).unwrap();
        assert!(why.cases.is_empty() && why.traces.is_empty());
        assert_eq!(detector.why(&Line::new(0, 8, "/", 200).client()), None);
    }
}
