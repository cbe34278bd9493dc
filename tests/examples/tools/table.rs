//! The result as a page of Markdown.

use crate::judge::Judged;
use anyhow::{Context as _, Result};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

/// Two tables, and what was run on what.
pub(crate) fn render(judged: &[Judged]) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "| tool | variant | requests | statuses | action | after | named | as expected | address |"
    )?;
    writeln!(text, "|---|---|---:|---|---|---:|---|---|---|---|")?;
    for client in judged.iter().filter(|client| client.part.attack.is_some()) {
        let (tool, variant) = client
            .part
            .name
            .split_once(", ")
            .context("a tool has no variant")?;
        writeln!(
            text,
            "| {tool} | {variant}: {} | {} | {} | {} | {} | {} | {} | {} |",
            client.part.about,
            client.traffic.requests,
            statuses(client),
            action(client),
            client
                .within()
                .map_or("-".to_owned(), |within| within.to_string()),
            names(client),
            if client.is_named_rightly() {
                "yes"
            } else if client.is_acted_on() {
                "caught, wrongly named"
            } else {
                "**missed**"
            },
            client.address,
        )?;
    }
    writeln!(
        text,
        "\n| benign client | requests | statuses | action | untouched | address |"
    )?;
    writeln!(text, "|---|---:|---|---|---|---|")?;
    for client in judged.iter().filter(|client| client.part.attack.is_none()) {
        writeln!(
            text,
            "| {}: {} | {} | {} | {} | {} | {} |",
            client.part.name,
            client.part.about,
            client.traffic.requests,
            statuses(client),
            action(client),
            if client.is_acted_on() { "**no**" } else { "yes" },
            client.address,
        )?;
    }
    writeln!(text, "\n{}", sums(judged))?;
    writeln!(text, "\nRun with {}.", versions(judged)?)?;
    Ok(text)
}

fn sums(judged: &[Judged]) -> String {
    let (tools, benign): (Vec<_>, Vec<_>) = judged.iter().partition(|client| client.part.attack.is_some());
    let acted_on = |clients: &[&Judged]| clients.iter().filter(|client| client.is_acted_on()).count();
    format!(
        "{} of {} uses of tools caught, {} of them rightly named; {} of {} benign clients untouched.",
        acted_on(&tools),
        tools.len(),
        tools.iter().filter(|client| client.is_named_rightly()).count(),
        benign.len() - acted_on(&benign),
        benign.len(),
    )
}

fn statuses(client: &Judged) -> String {
    let counts: Vec<String> = client
        .traffic
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}×{count}"))
        .collect();
    counts.join(" ")
}

fn action(client: &Judged) -> &'static str {
    client
        .verdict
        .as_ref()
        .map_or("none", |verdict| verdict.action.as_str())
}

fn names(client: &Judged) -> String {
    let threats = client.verdict.iter().flat_map(|verdict| &verdict.threats);
    let names: Vec<String> = threats
        .map(|(kind, confidence)| format!("{kind} {confidence:.2}"))
        .collect();
    names.join(", ")
}

/// The versions of what took part, as its package manager knows them.
fn versions(judged: &[Judged]) -> Result<String> {
    let mut packages: BTreeSet<&str> = ["nginx", "chromium", "curl", "cron"].into();
    packages.extend(
        judged
            .iter()
            .filter_map(|client| Some(client.part.attack.as_ref()?.package.as_str())),
    );
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${Version}, "])
        .args(packages)
        .output()
        .context("could not ask dpkg-query for versions")?;
    let found = String::from_utf8_lossy(&output.stdout);
    Ok(found.trim_end_matches(", ").to_owned())
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(())
}
