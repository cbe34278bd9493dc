//! JSON Lines, as the public contract has it. Programs read this: text stays as logged, escaped by JSON itself.

use super::Report;
use crate::analysis::ClientOutcome;
use detector::Table;
use detector::population::LearnedRole;
use domain::{Action, Alert, Client, Evidence, Member, Reason, WhatIf};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
struct ClientForm {
    scope: &'static str,
    value: String,
}

#[derive(Serialize)]
struct ThreatForm {
    kind: &'static str,
    confidence: f64,
}

#[derive(Serialize)]
struct ReasonForm<'a> {
    feature: &'a str,
    value: f64,
    typical: f64,
    contribution: f64,
    sentence: &'a str,
}

#[derive(Serialize)]
struct WhatIfForm {
    threat: &'static str,
    quantity: &'static str,
    value: f64,
    silent_at: Option<f64>,
    milder_at: Option<f64>,
    blocked_at: Option<f64>,
    sentence: Option<String>,
}

#[derive(Serialize)]
struct EvidenceForm<'a> {
    file: &'a str,
    line: u64,
    at: String,
    request: &'a str,
    status: u16,
}

#[derive(Serialize)]
struct MemberForm {
    scope: &'static str,
    value: String,
    requests: u64,
    first_seen: String,
    action: &'static str,
    action_at: Option<String>,
    requests_before_action: Option<u64>,
}

#[derive(Serialize)]
struct AlertForm<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    client: ClientForm,
    threats: Vec<ThreatForm>,
    score: f64,
    p_value: f64,
    action: &'static str,
    first_seen: String,
    alerted_at: String,
    action_at: Option<String>,
    requests: u64,
    requests_before_alert: u64,
    requests_before_action: Option<u64>,
    requests_prevented: u64,
    reasons: Vec<ReasonForm<'a>>,
    what_if: Vec<WhatIfForm>,
    evidence: Vec<EvidenceForm<'a>>,
    held_back: Option<&'a str>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<MemberForm>,
}

#[derive(Serialize)]
struct RoleForm<'a> {
    route: &'a str,
    role: &'static str,
    confidence: f64,
    clients: u32,
}

#[derive(Serialize)]
struct SummaryForm<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    files: usize,
    lines: u64,
    parsed: u64,
    rejected: u64,
    clients: u64,
    alerts: usize,
    alerts_left_out: u64,
    actions: BTreeMap<&'static str, u64>,
    formats: &'a BTreeMap<String, u64>,
    rejections: &'a BTreeMap<String, u64>,
    blind_spots: Vec<&'static str>,
    problems: &'a [String],
    learned_roles: Vec<RoleForm<'a>>,
    clients_forgotten: u64,
    tables: &'a [Table],
    model: &'a str,
    seconds: f64,
    lines_per_second: u64,
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for client in report.outcome.clients.iter().take(report.limit) {
        serde_json::to_writer(&mut *out, &alert(client, &report.outcome.files))?;
        writeln!(out)?;
    }
    serde_json::to_writer(&mut *out, &summary(report))?;
    writeln!(out)
}

fn summary<'a>(report: &Report<'a>) -> SummaryForm<'a> {
    let outcome = report.outcome;
    let counted = outcome.actions();
    let shown = [
        Action::Block,
        Action::Throttle,
        Action::Challenge,
        Action::Observe,
    ];
    SummaryForm {
        kind: "summary",
        files: outcome.files.len(),
        lines: outcome.lines,
        parsed: outcome.parsed,
        rejected: outcome.rejected,
        clients: outcome.distinct_clients,
        alerts: outcome.clients.len(),
        alerts_left_out: outcome.left_out.values().sum(),
        actions: shown
            .into_iter()
            .filter_map(|action| Some((action.as_str(), *counted.get(&action)?)))
            .collect(),
        formats: &outcome.formats,
        rejections: &outcome.rejections,
        blind_spots: outcome.blind_spots(),
        problems: &outcome.problems,
        learned_roles: outcome.roles.iter().map(learned_role).collect(),
        clients_forgotten: outcome.forgotten,
        tables: &outcome.tables,
        model: &outcome.model,
        seconds: round(report.seconds, 1000.0),
        lines_per_second: (outcome.lines as f64 / report.seconds.max(1e-9)) as u64,
    }
}

fn learned_role(learned: &LearnedRole) -> RoleForm<'_> {
    RoleForm {
        route: &learned.route,
        role: learned.role.as_str(),
        confidence: round(learned.confidence, 1e4),
        clients: learned.clients,
    }
}

fn alert<'a>(client: &'a ClientOutcome, files: &'a [String]) -> AlertForm<'a> {
    let alert: &'a Alert = &client.alert;
    AlertForm {
        kind: "alert",
        client: client_form(&alert.client),
        threats: alert
            .threats
            .iter()
            .map(|claim| ThreatForm {
                kind: claim.kind.as_str(),
                confidence: round(f64::from(claim.confidence), 1e4),
            })
            .collect(),
        score: round(f64::from(alert.score), 1e6),
        p_value: alert.p_value,
        action: alert.action.as_str(),
        first_seen: alert.first_seen.to_string(),
        alerted_at: alert.alerted_at.to_string(),
        action_at: alert.action_at.map(|at| at.to_string()),
        requests: client.requests,
        requests_before_alert: alert.requests_before_alert,
        requests_before_action: alert.requests_before_action,
        requests_prevented: client.prevented,
        reasons: alert.reasons.iter().map(reason).collect(),
        what_if: alert.what_if.iter().map(what_if).collect(),
        evidence: alert
            .evidence
            .iter()
            .map(|entry| evidence(entry, files))
            .collect(),
        held_back: alert.held_back.as_deref(),
        model: &alert.model,
        campaign_id: client.is_campaign().then(|| alert.id.to_string()),
        members: alert.members.iter().map(member).collect(),
    }
}

fn client_form(client: &Client) -> ClientForm {
    ClientForm {
        scope: client.scope().as_str(),
        value: client.value().into_owned(),
    }
}

fn reason(reason: &Reason) -> ReasonForm<'_> {
    ReasonForm {
        feature: reason.feature,
        value: round(f64::from(reason.value), 1e4),
        typical: round(f64::from(reason.typical), 1e4),
        contribution: round(f64::from(reason.contribution), 1e4),
        sentence: &reason.sentence,
    }
}

fn what_if(what_if: &WhatIf) -> WhatIfForm {
    let rounded = |value: f32| round(f64::from(value), 1e2);
    WhatIfForm {
        threat: what_if.threat.as_str(),
        quantity: what_if.quantity,
        value: rounded(what_if.value),
        silent_at: what_if.silent_at.map(rounded),
        milder_at: what_if.milder_at.map(rounded),
        blocked_at: what_if.blocked_at.map(rounded),
        sentence: what_if.sentence(),
    }
}

fn evidence<'a>(evidence: &'a Evidence, files: &'a [String]) -> EvidenceForm<'a> {
    EvidenceForm {
        file: files
            .get(evidence.position.source as usize)
            .map_or("", String::as_str),
        line: evidence.position.line,
        at: evidence.at.to_string(),
        request: &evidence.request,
        status: evidence.status,
    }
}

fn member(member: &Member) -> MemberForm {
    let ClientForm { scope, value } = client_form(&member.client);
    MemberForm {
        scope,
        value,
        requests: member.requests,
        first_seen: member.first_seen.to_string(),
        action: member.action.as_str(),
        action_at: member.action_at.map(|at| at.to_string()),
        requests_before_action: member.requests_before_action,
    }
}

/// Rounds for reading. What is not finite becomes 0: JSON has no word for it.
fn round(value: f64, steps: f64) -> f64 {
    if value.is_finite() {
        (value * steps).round() / steps
    } else {
        0.0
    }
}
