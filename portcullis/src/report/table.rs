//! For a terminal: who misbehaved, how, and what would be done about it. Text from logs is neutralised.

use super::Report;
use crate::analysis::{ClientOutcome, Outcome};
use api::neutralise;
use domain::Action;
use std::io::{self, Write};

/// Requests shown under each client.
const EVIDENCE_SHOWN: usize = 3;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome;
    for client in outcome.clients.iter().take(report.limit) {
        write_client(client, report.is_colored, out)?;
    }
    let left = outcome.clients.len().saturating_sub(report.limit);
    if left > 0 {
        writeln!(
            out,
            "… and {left} more (--limit {} shows all)\n",
            outcome.clients.len()
        )?;
    }
    write_summary(report, out)?;
    write_rejections(outcome, out)
}

fn write_client(client: &ClientOutcome, is_colored: bool, out: &mut dyn Write) -> io::Result<()> {
    let alert = &client.alert;
    let threats: Vec<String> = alert
        .threats
        .iter()
        .map(|claim| format!("{} {:.0}%", claim.kind, claim.confidence * 100.0))
        .collect();
    writeln!(
        out,
        "{}  {:<24} {}",
        mark(alert.action, is_colored),
        neutralise(&alert.client.to_string()),
        threats.join(", ")
    )?;
    let decided = alert.action_at.zip(alert.requests_before_action).map_or_else(
        || format!("noticed after {} requests", alert.requests_before_alert),
        |(at, requests)| {
            format!(
                "decided at {at} after {requests} requests, {} prevented",
                client.prevented
            )
        },
    );
    writeln!(
        out,
        "           {} requests from {}; {decided}; score {:.3}",
        client.requests, alert.first_seen, alert.score
    )?;
    for reason in alert.reasons.iter().take(2) {
        writeln!(out, "           {}", neutralise(&reason.sentence))?;
    }
    for member in alert.members.iter().take(EVIDENCE_SHOWN) {
        writeln!(
            out,
            "           member {} with {} requests: {}",
            member.client, member.requests, member.action
        )?;
    }
    for evidence in alert.evidence.iter().take(EVIDENCE_SHOWN) {
        writeln!(
            out,
            "           {} {} {}",
            evidence.at,
            evidence.status,
            neutralise(&evidence.request)
        )?;
    }
    if let Some(reason) = &alert.held_back {
        writeln!(out, "           held back: {}", neutralise(reason))?;
    }
    writeln!(out)
}

/// The action in a column of its own: loud when something would be done.
fn mark(action: Action, is_colored: bool) -> String {
    // SGR: bold and red, bold and yellow, dim.
    let (text, style) = match action {
        Action::Block => ("BLOCK", "1;31"),
        Action::Throttle => ("THROTTLE", "1;33"),
        Action::Challenge => ("CHALLENGE", "1;33"),
        Action::Observe => ("observe", "2"),
    };
    if is_colored {
        format!("\u{1b}[{style}m{text:<9}\u{1b}[0m")
    } else {
        format!("{text:<9}")
    }
}

fn write_summary(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome;
    let actions = outcome.actions();
    let count = |action| actions.get(&action).copied().unwrap_or(0);
    let formats: Vec<&str> = outcome.formats.keys().map(String::as_str).collect();
    writeln!(
        out,
        "{} lines from {} clients ({}): {} to block, {} to throttle, {} to look at",
        outcome.lines,
        outcome.distinct_clients,
        if formats.is_empty() {
            "no known format".to_owned()
        } else {
            formats.join(", ")
        },
        count(Action::Block),
        count(Action::Throttle) + count(Action::Challenge),
        count(Action::Observe)
    )?;
    let per_second = outcome.lines as f64 / report.seconds.max(1e-9);
    writeln!(
        out,
        "{:.2} s, {per_second:.0} lines a second, model {}",
        report.seconds,
        neutralise(&outcome.model)
    )?;
    let left_out: u64 = outcome.left_out.values().sum();
    if left_out > 0 {
        writeln!(
            out,
            "{left_out} more clients were alerted on than the report tells of: those with the weakest actions"
        )?;
    }
    for table in outcome.tables.iter().filter(|table| table.left_out > 0) {
        writeln!(
            out,
            "more {} than are remembered: {} left out, {} of at most {} at the end",
            table.name.replace('_', " "),
            table.left_out,
            table.held,
            table.most
        )?;
    }
    for learned in &outcome.roles {
        writeln!(out, "learned: {}", neutralise(&learned.to_string()))?;
    }
    Ok(())
}

fn write_rejections(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for problem in &outcome.problems {
        writeln!(out, "problem: {}", neutralise(problem))?;
    }
    if outcome.rejected == 0 {
        return Ok(());
    }
    writeln!(out, "{} lines could not be read:", outcome.rejected)?;
    for (reason, lines) in &outcome.rejections {
        writeln!(out, "  {lines} × {reason}")?;
    }
    for (file, sample) in outcome.samples.iter().take(EVIDENCE_SHOWN) {
        writeln!(
            out,
            "  {}:{}: {}: {}",
            neutralise(file),
            sample.position.line,
            sample.reject,
            neutralise(&sample.text)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_change_no_column_and_are_only_there_when_asked_for() {
        for action in [
            Action::Block,
            Action::Throttle,
            Action::Challenge,
            Action::Observe,
        ] {
            let plain = mark(action, false);
            assert_eq!(plain.len(), 9, "{plain}");
            assert!(mark(action, true).contains(&plain));
            assert!(!plain.contains('\u{1b}'));
        }
    }
}
