//! A policy in a running service: what it only records stops nobody and is reported, what it asks for holds without a restart once its file
//! changes, and a wrong file keeps what holds.

use anyhow::{Context as _, Result, ensure};
use portcullis_tests::component::{Portcullis, Setup};
use portcullis_tests::stream::{ago, line};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

const SCANNER: &str = "203.0.113.41";
const LATER: &str = "198.51.100.42";

/// A policy of that version, whose only clause does that to scanners.
fn policy(version: u32, lines: &str) -> String {
    format!(
        "name = \"shop\"\nversion = \"{version}\"\n[[clause]]\nname = \"scanners\"\n{lines}\n[clause.when]\nthreat = \"reconnaissance\"\n"
    )
}

/// Appends a scanner's probes, one a second.
fn append(log: &Path, client: &str, from: i64) -> Result<()> {
    let start = ago(from);
    let mut text = String::new();
    for second in 0..12 {
        let path = format!("/.git/config{second}");
        let probe = line(start.plus_secs(second), client, "GET", &path, 404, "Mozilla/5.0");
        writeln!(text, "{}", probe.text)?;
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
    Ok(file.write_all(text.as_bytes())?)
}

fn about(portcullis: &Portcullis, client: &str) -> Result<Vec<Value>> {
    let mut decisions = portcullis.decisions()?;
    decisions.retain(|decision| decision["value"] == client);
    Ok(decisions)
}

#[test]
fn a_clause_in_shadow_is_reported_and_a_changed_file_takes_effect_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| folder.path().join(name);
    let file = place("policy.toml");
    std::fs::write(&file, policy(1, "action = \"block\"\nmode = \"shadow\""))?;
    let log = place("access.log");
    append(&log, SCANNER, 900)?;
    let setup = Setup::new()
        .file(&log)
        .with("policy", &format!("file = {:?}", file.display().to_string()));
    let portcullis = Portcullis::start(&setup)?;
    portcullis.wait_until("it recorded the scanner's block", |portcullis| {
        let decisions = about(portcullis, SCANNER)?;
        Ok(decisions.iter().any(|decision| decision["action"] == "block"))
    })?;
    let recorded = about(&portcullis, SCANNER)?;
    ensure!(
        recorded.iter().all(|decision| decision["mode"] == "shadow"),
        "{recorded:?}"
    );
    let report = portcullis.command(&["policy", "report", "--output", "json"])?;
    let row: Value = serde_json::from_str(report.lines().next().context("a row")?)?;
    ensure!(
        row["source"] == "scanners of policy shop 1" && row["clients"] == 1 && row["examples"] == SCANNER,
        "{report}"
    );

    std::fs::write(&file, policy(2, "action = \"ban\""))?;
    portcullis.wait_until("it kept the clauses", |portcullis| {
        let told = portcullis.log();
        Ok(told.contains("the policy's clauses stay as they were") && told.contains("clause[0].action"))
    })?;
    std::fs::write(
        &file,
        policy(
            3,
            "action = \"throttle\"\nfor_secs = 7200\ngateways = [\"edge-1\"]",
        ),
    )?;
    portcullis.wait_until("it took the clauses over", |portcullis| {
        Ok(portcullis
            .log()
            .contains("changed: the policy shop 3; 1 clauses hold now"))
    })?;
    append(&log, LATER, 300)?;
    // What was read before the reading thread took the clauses over may still have been recorded by the old ones.
    let is_enforced = |decision: &Value| decision["mode"] == "enforced";
    portcullis.wait_until("it slowed the next scanner down", |portcullis| {
        Ok(about(portcullis, LATER)?.iter().any(is_enforced))
    })?;
    let decisions = about(&portcullis, LATER)?;
    let decision = decisions
        .iter()
        .find(|decision| is_enforced(decision))
        .context("no decision")?;
    for (field, expected) in [("action", "throttle"), ("mode", "enforced")] {
        ensure!(decision[field] == expected, "{decision}");
    }
    ensure!(
        decision["ttl_secs"] == 7200 && decision["gateways"] == serde_json::json!(["edge-1"]),
        "{decision}"
    );
    let reason = decision["reason"].as_str().unwrap_or_default();
    ensure!(reason.ends_with("(clause scanners of policy shop 3)"), "{reason}");
    Ok(())
}
