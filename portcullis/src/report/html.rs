//! One page that opens without a network: no script, no font, no picture from elsewhere.

use super::Report;
use crate::analysis::ClientOutcome;
use api::neutralise;
use domain::{Action, Evidence, Member};
use std::collections::BTreeMap;
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
    let of = |action| actions.get(&action).copied().unwrap_or(0);
    let throttled = of(Action::Throttle) + of(Action::Challenge);
    writeln!(
        out,
        "<header><h1>Who misbehaved</h1><p>{}</p><div class=\"figures\">",
        escape(&outcome.files.join(", "))
    )?;
    for (number, name, class) in [
        (outcome.lines, "lines", ""),
        (outcome.distinct_clients, "clients", ""),
        (of(Action::Block), "to block", "block"),
        (throttled, "to throttle", "throttle"),
        (of(Action::Observe), "to look at", "observe"),
        (outcome.rejected, "unreadable", ""),
    ] {
        writeln!(out, "<div class=\"figure {class}\"><b>{number}</b>{name}</div>")?;
    }
    writeln!(out, "</div>")?;
    write_kinds(report, out)?;
    writeln!(
        out,
        "<p>Read as {} in {:.1} s, judged by model {}. Nothing was sent anywhere and nobody was blocked: \
         this is what would have been done, each time from the lines before it alone.</p></header>",
        escape(&formats(report)),
        report.seconds,
        escape(&outcome.model)
    )
}

fn formats(report: &Report<'_>) -> String {
    let names: Vec<&str> = report.outcome.formats.keys().map(String::as_str).collect();
    if names.is_empty() {
        "no known format".to_owned()
    } else {
        names.join(", ")
    }
}

/// How many clients showed each kind of threat first of all, the most frequent first.
fn write_kinds(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let clients = report
        .outcome
        .clients
        .iter()
        .filter(|client| !client.is_campaign());
    for claim in clients.filter_map(|client| client.alert.threats.first()) {
        *kinds.entry(claim.kind.as_str()).or_default() += 1;
    }
    if kinds.is_empty() {
        return Ok(());
    }
    let mut kinds: Vec<(&str, u64)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(name, clients)| (std::cmp::Reverse(*clients), *name));
    write!(out, "<p class=\"kinds\">")?;
    for (name, clients) in kinds {
        write!(out, "<span><b>{clients}</b> {}</span> ", words(name))?;
    }
    writeln!(out, "</p>")
}

/// A public name as words: `credential_stuffing` is for programs.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn write_client(client: &ClientOutcome, files: &[String], out: &mut dyn Write) -> io::Result<()> {
    let alert = &client.alert;
    let threats: Vec<String> = alert
        .threats
        .iter()
        .map(|claim| format!("{} {:.0}%", words(claim.kind.as_str()), claim.confidence * 100.0))
        .collect();
    writeln!(
        out,
        "<section class=\"{0}\"><h2><span class=\"action\">{0}</span> <code>{1}</code> <span class=\"threats\">{2}</span></h2>",
        alert.action,
        escape(&alert.client.to_string()),
        escape(&threats.join(", "))
    )?;
    write_facts(client, out)?;
    if !alert.reasons.is_empty() {
        writeln!(out, "<ul>")?;
        for reason in &alert.reasons {
            writeln!(out, "<li>{}</li>", escape(&reason.sentence))?;
        }
        writeln!(out, "</ul>")?;
    }
    write_members(&alert.members, out)?;
    write_evidence(&alert.evidence, files, out)?;
    writeln!(out, "</section>")
}

fn write_facts(client: &ClientOutcome, out: &mut dyn Write) -> io::Result<()> {
    let alert = &client.alert;
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
    match &alert.held_back {
        Some(reason) => writeln!(out, "<p class=\"held\">Held back: {}</p>", escape(reason)),
        None => Ok(()),
    }
}

fn write_members(members: &[Member], out: &mut dyn Write) -> io::Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<details><summary>{} members</summary><table><thead><tr><th>client</th><th>requests</th><th>action</th></tr></thead><tbody>",
        members.len()
    )?;
    for member in members {
        writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escape(&member.client.to_string()),
            member.requests,
            member.action
        )?;
    }
    writeln!(out, "</tbody></table></details>")
}

fn write_evidence(evidence: &[Evidence], files: &[String], out: &mut dyn Write) -> io::Result<()> {
    if evidence.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<table><thead><tr><th>time</th><th>status</th><th>request</th><th class=\"where\">where</th></tr></thead><tbody>"
    )?;
    for entry in evidence {
        let file = files
            .get(entry.position.source as usize)
            .map_or("", String::as_str);
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td class=\"where\">{}:{}</td></tr>",
            entry.at,
            entry.status,
            escape(&entry.request),
            escape(file),
            entry.position.line
        )?;
    }
    writeln!(out, "</tbody></table>")
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
