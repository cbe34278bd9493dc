//! The screen of a client from finished logs: one causal pass, as `scan` makes it.

use super::missing::for_block;
use super::{
    AmountForm, ClientForm, EVIDENCE_SHOWN, EvidenceForm, FeatureForm, Screen, ThreatForm, Thresholds,
    WhatIfForm, furthest,
};
use crate::analysis::{self, Outcome, Pass};
use crate::progress::Bar;
use crate::scorer::BundleScorer;
use crate::wiring::{self, PassOptions};
use anyhow::bail;
use detector::policy::PolicySettings;
use detector::{Case, Detector, FeatureView, Output, Scorer, Why};
use domain::{Action, Alert, Client, Evidence, WhatIf};
use std::path::PathBuf;

/// Members of a campaign that are named.
const MEMBERS_SHOWN: usize = 8;

/// What is kept of one client during a pass.
struct Seen {
    client: Client,
    /// Its strongest alert; of equals the one that says what was held back.
    alert: Option<Alert>,
    /// What spoke against it when it was alerted on.
    at_alert: Option<Why>,
    /// What is known of it at the end.
    at_end: Option<Why>,
    /// Campaigns that list it.
    campaigns: Vec<Client>,
}

/// Makes a pass over the files and explains one client.
///
/// # Errors
/// When a file cannot be opened, a setting or the model is wrong, or the client is in no line.
pub(crate) fn from_files(
    client: &Client,
    options: &PassOptions,
    files: &[PathBuf],
) -> anyhow::Result<Screen> {
    let readers = wiring::open(files)?;
    let parts = options.parts()?;
    let policy = parts.settings.policy.clone();
    let pass = Pass {
        scorer: BundleScorer::load(parts.model.as_deref())?,
        parser: parts.parser,
        settings: parts.settings,
        threads: parts.threads,
    };
    let bar = Bar::over(&readers);
    let mut seen = Seen::new(client);
    let outcome = analysis::run_watched(pass, readers, |detector, outputs, _| {
        seen.take(detector, outputs);
        bar.tick();
    });
    bar.finish();
    seen.screen(&outcome, &policy)
}

impl Seen {
    fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            alert: None,
            at_alert: None,
            at_end: None,
            campaigns: Vec::new(),
        }
    }

    /// Takes in what was said after a slice, and how the client stands.
    fn take<S: Scorer>(&mut self, detector: &Detector<S>, outputs: &[Output]) {
        for output in outputs {
            let Output::Alert(alert) = output else { continue };
            let is_listed = alert.members.iter().any(|member| member.client == self.client);
            if is_listed && !self.campaigns.contains(&alert.client) {
                self.campaigns.push(alert.client.clone());
            }
            if alert.client == self.client && self.is_better(alert) {
                self.alert = Some(alert.clone());
                self.at_alert = detector.why(&self.client);
            }
        }
        if let Some(requests) = detector.requests_of(&self.client)
            && self.at_end.as_ref().map(counted) != Some(requests)
        {
            self.at_end = detector.why(&self.client);
        }
    }

    fn is_better(&self, new: &Alert) -> bool {
        self.alert.as_ref().is_none_or(|kept| {
            new.action > kept.action || (new.action == kept.action && new.held_back.is_some())
        })
    }

    fn screen(self, outcome: &Outcome, policy: &PolicySettings) -> anyhow::Result<Screen> {
        if self.at_end.is_none() && self.alert.is_none() {
            bail!("{}", unknown(&self.client, outcome));
        }
        let mut screen = Screen {
            client: ClientForm::new(&self.client),
            thresholds: Some(Thresholds::of(policy)),
            blind_spots: outcome.blind_spots().into_iter().map(str::to_owned).collect(),
            problems: outcome.problems.clone(),
            ..Screen::default()
        };
        if let Some(why) = &self.at_end {
            count(&mut screen, why);
        }
        if let Some(why) = self.at_alert.as_ref().or(self.at_end.as_ref()) {
            weigh(&mut screen, why, &outcome.files);
        }
        if let Some(alert) = &self.alert {
            judge(&mut screen, alert, &outcome.files);
        }
        self.restrain(&mut screen, policy);
        screen.notes.extend(self.campaigns.iter().map(|campaign| {
            format!(
                "it is one of the campaign {campaign}: its members are blocked from a lower confidence on"
            )
        }));
        // Of a block only shadow mode is said to have held it back, and that by a clause.
        let in_shadow = |alert: &Alert| alert.action == Action::Block && alert.held_back.is_some();
        let is_shadow = policy.is_shadow || self.alert.as_ref().is_some_and(in_shadow);
        screen.missing_for_block = for_block(&screen, is_shadow);
        Ok(screen)
    }

    /// Says what the evidence asks for, and what holds that back or would.
    fn restrain(&self, screen: &mut Screen, policy: &PolicySettings) {
        let sure = screen.threats.first();
        let wanted = sure.and_then(|sure| policy.action(sure.confidence));
        screen.wanted = wanted.map(|action| action.to_string());
        let held_back = self.alert.as_ref().and_then(|alert| alert.held_back.clone());
        screen.held_back.extend(held_back);
        if let Some(why) = &self.at_end {
            if let Some(reason) = why
                .spared
                .iter()
                .find(|reason| !screen.held_back.contains(reason))
            {
                screen.held_back.push(format!("{reason} (whatever it does)"));
            }
            if why.most < Action::Block && screen.held_back.is_empty() {
                screen.held_back.push(format!("its source may only {}", why.most));
            }
        }
        if policy.is_shadow && !screen.threats.is_empty() {
            screen
                .held_back
                .push("shadow mode: decisions are recorded and not carried out".to_owned());
        }
    }
}

fn counted(why: &Why) -> (u64, u64) {
    (why.view.requests, why.view.stopped)
}

/// What was seen of it at all.
fn count(screen: &mut Screen, why: &Why) {
    let view = &why.view;
    screen.requests = Some(view.requests + view.stopped);
    screen.stopped = Some(view.stopped);
    screen.failed = Some(view.failed);
    screen.first_seen = Some(view.first_seen.to_string());
    screen.last_seen = Some(view.last_seen.to_string());
    let until = view.blocked_until.iter();
    screen
        .notes
        .extend(until.map(|until| format!("a block of it holds until {until}")));
    if view.is_established {
        screen
            .notes
            .push("it has a successful history: the guard has a say about it".to_owned());
    }
}

/// What spoke against it.
fn weigh(screen: &mut Screen, why: &Why, files: &[String]) {
    let view = &why.view;
    screen.score = Some(f64::from(view.score.value));
    screen.p_value = Some(view.score.p_value);
    screen.threats = why.cases.iter().map(threat).collect();
    let amount = |trace: &detector::Trace| AmountForm {
        name: trace.name.to_owned(),
        amount: trace.amount,
    };
    screen.kinds_of_evidence = why.traces.iter().map(amount).collect();
    screen.features = furthest(view.features.iter().map(feature).collect());
    screen.evidence = evidence(&view.evidence, files);
}

/// What was said and done about it.
fn judge(screen: &mut Screen, alert: &Alert, files: &[String]) {
    screen.action = Some(alert.action.to_string());
    screen.action_at = Some(alert.action_at.unwrap_or(alert.alerted_at).to_string());
    let before = alert.requests_before_action;
    screen.requests_before_action = Some(before.unwrap_or(alert.requests_before_alert));
    screen.score = Some(f64::from(alert.score));
    screen.p_value = Some(alert.p_value);
    screen
        .first_seen
        .get_or_insert_with(|| alert.first_seen.to_string());
    if screen.threats.is_empty() {
        let claims = alert.threats.iter();
        screen.threats = claims
            .map(|claim| ThreatForm {
                kind: claim.kind.to_string(),
                confidence: claim.confidence,
                sentence: alert
                    .reasons
                    .first()
                    .map_or_else(String::new, |reason| reason.sentence.clone()),
                ..ThreatForm::default()
            })
            .collect();
    }
    screen.notes.extend(members(alert));
    screen.notes.extend(by_clause(alert));
    if screen.evidence.is_empty() {
        screen.evidence = evidence(&alert.evidence, files);
    }
}

/// By which clause of the policy it was decided, where that is not said anyway.
fn by_clause(alert: &Alert) -> Option<String> {
    let mut reasons = alert.reasons.iter();
    let reason = reasons.find(|reason| reason.feature == "policy")?;
    (alert.held_back.as_ref() != Some(&reason.sentence)).then(|| reason.sentence.clone())
}

/// The members of a campaign that are named, and how many more there are.
fn members(alert: &Alert) -> Option<String> {
    let named = alert.members.iter().take(MEMBERS_SHOWN);
    let named: Vec<String> = named.map(|member| member.client.to_string()).collect();
    let more = match alert.members.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| format!("it is a campaign of {}{more}", named.join(", ")))
}

fn threat(case: &Case) -> ThreatForm {
    ThreatForm {
        by_evidence: Some(case.by_evidence),
        confidence: case.confidence,
        sentence: format!("it {}", case.sentence),
        ..ThreatForm::of(&case.what_if)
    }
}

impl ThreatForm {
    /// What less or more would have done.
    fn of(what_if: &WhatIf) -> Self {
        Self {
            kind: what_if.threat.to_string(),
            asks_for: what_if.asks_for.map(Action::as_str),
            less: what_if.less(),
            more: what_if.more(),
            what_if: Some(WhatIfForm {
                quantity: what_if.quantity.to_owned(),
                value: what_if.value,
                silent_at: what_if.silent_at,
                milder_at: what_if.milder_at,
                blocked_at: what_if.blocked_at,
            }),
            ..Self::default()
        }
    }
}

fn feature(feature: &FeatureView) -> FeatureForm {
    FeatureForm {
        name: feature.name.to_owned(),
        unit: feature.unit.to_owned(),
        value: f64::from(feature.value) + 0.0,
        typical: feature.typical.map(f64::from),
        contribution: f64::from(feature.contribution),
    }
}

fn evidence(kept: &[Evidence], files: &[String]) -> Vec<EvidenceForm> {
    let shown = kept.iter().take(EVIDENCE_SHOWN);
    shown
        .map(|entry| EvidenceForm {
            file: files
                .get(entry.position.source as usize)
                .cloned()
                .unwrap_or_default(),
            line: entry.position.line,
            at: entry.at.to_string(),
            request: entry.request.clone(),
            status: u64::from(entry.status),
        })
        .collect()
}

/// Why nothing can be said, and what to do next.
fn unknown(client: &Client, outcome: &Outcome) -> String {
    let mut text = format!(
        "{client} sent none of the {} requests that were read, of {} clients",
        outcome.parsed, outcome.distinct_clients
    );
    if outcome.forgotten > 0 {
        text.push_str(", or was forgotten: remember more with --clients-max");
    } else {
        text.push_str(
            ": `portcullis parse` shows whom each line names; behind a load balancer give --trusted-proxy",
        );
    }
    outcome.problems.iter().for_each(|problem| {
        text.push('\n');
        text.push_str(problem);
    });
    text
}
