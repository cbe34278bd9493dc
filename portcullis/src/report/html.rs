//! One page that opens without a network: no script, no font, no picture from elsewhere.

use super::Report;
use crate::analysis::ClientOutcome;
use api::neutralise;
use domain::Action;
use std::io::{self, Write};

const STYLE: &str = include_str!("report.css");

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Portcullis report</title><style>{STYLE}</style></head><body>"
    )?;
    write_head(report, out)?;
    writeln!(out, "<main>")?;
    for client in report.outcome.clients.iter().take(report.limit) {
        write_client(client, &report.outcome.files, out)?;
    }
    let left = report.outcome.clients.len().saturating_sub(report.limit);
    if left > 0 {
        writeln!(
            out,
            "<p class=\"more\">… and {left} more; <code>--limit</code> shows them.</p>"
        )?;
    }
    if report.outcome.clients.is_empty() {
        writeln!(out, "<p class=\"more\">Nobody stood out.</p>")?;
    }
    write_rejections(report, out)?;
    writeln!(out, "</main></body></html>")
}

fn write_head(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome;
    let actions = outcome.actions();
    let figure = |number: u64, name: &str, class: &str| {
        format!("<div class=\"figure {class}\"><b>{number}</b>{name}</div>")
    };
    writeln!(
        out,
        "<header><h1>Who misbehaved</h1><p>{}</p><div class=\"figures\">",
        escape(&outcome.files.join(", "))
    )?;
    writeln!(out, "{}", figure(outcome.lines, "lines", ""))?;
    writeln!(out, "{}", figure(outcome.distinct_clients, "clients", ""))?;
    for (action, name) in [
        (Action::Block, "to block"),
        (Action::Throttle, "to throttle"),
        (Action::Observe, "to look at"),
    ] {
        writeln!(
            out,
            "{}",
            figure(actions.get(&action).copied().unwrap_or(0), name, action.as_str())
        )?;
    }
    writeln!(out, "{}", figure(outcome.rejected, "unreadable", ""))?;
    writeln!(out, "</div></header>")
}

fn write_client(client: &ClientOutcome, files: &[String], out: &mut dyn Write) -> io::Result<()> {
    let alert = &client.alert;
    let threats: Vec<String> = alert
        .threats
        .iter()
        .map(|claim| format!("{} {:.0}%", claim.kind, claim.confidence * 100.0))
        .collect();
    writeln!(
        out,
        "<section class=\"{0}\"><h2><span class=\"action\">{0}</span> <code>{1}</code> <span class=\"threats\">{2}</span></h2>",
        alert.action,
        escape(&alert.client.to_string()),
        escape(&threats.join(", "))
    )?;
    let decided = alert.action_at.zip(alert.requests_before_action).map_or_else(
        || format!("noticed after {} requests", alert.requests_before_alert),
        |(at, requests)| {
            format!(
                "decided at {at} after {requests} requests; {} would have been prevented",
                client.prevented
            )
        },
    );
    writeln!(
        out,
        "<p>{} requests, the first at {}; {decided}. Score {:.3}, p {:.1e}.</p>",
        client.requests, alert.first_seen, alert.score, alert.p_value
    )?;
    if let Some(reason) = &alert.held_back {
        writeln!(out, "<p class=\"held\">Held back: {}</p>", escape(reason))?;
    }
    writeln!(out, "<ul>")?;
    for reason in &alert.reasons {
        writeln!(out, "<li>{}</li>", escape(&reason.sentence))?;
    }
    writeln!(out, "</ul>")?;
    if !alert.members.is_empty() {
        let members: Vec<String> = alert
            .members
            .iter()
            .map(|member| format!("{} ({}, {})", member.client, member.requests, member.action))
            .collect();
        writeln!(
            out,
            "<details><summary>{} members</summary><p>{}</p></details>",
            members.len(),
            escape(&members.join(", "))
        )?;
    }
    writeln!(out, "<table><tbody>")?;
    for evidence in &alert.evidence {
        let file = files
            .get(evidence.position.source as usize)
            .map_or("", String::as_str);
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"where\">{}:{}</td></tr>",
            evidence.at,
            evidence.status,
            escape(&evidence.request),
            escape(file),
            evidence.position.line
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

fn write_rejections(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let outcome = report.outcome;
    if outcome.rejected == 0 && outcome.problems.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section><h2>What could not be read</h2><ul>")?;
    for problem in &outcome.problems {
        writeln!(out, "<li>{}</li>", escape(problem))?;
    }
    for (reason, lines) in &outcome.rejections {
        writeln!(out, "<li>{lines} × {}</li>", escape(reason))?;
    }
    for (file, sample) in &outcome.samples {
        writeln!(
            out,
            "<li><code>{}:{}</code> {}: <code>{}</code></li>",
            escape(file),
            sample.position.line,
            escape(&sample.reject.to_string()),
            escape(&sample.text)
        )?;
    }
    writeln!(out, "</ul></section>")
}

/// Text as text: neutralised first, then without a meaning to HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in neutralise(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_log_is_never_markup() {
        assert_eq!(
            escape("<script>\u{1b}[31m'\"&"),
            "&lt;script&gt;\\u{1b}[31m&#39;&quot;&amp;"
        );
    }
}
