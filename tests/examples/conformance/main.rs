//! `conformance DATA`: whether the lines of three other projects' test suites come out as those projects say, beside the
//! floors of `evaluation/conformance.toml`. Why a row differs is in `evaluation/differing.toml`.
//!
//! A row is right when every piece that its suite states is what was read: method, path with its query, status, bytes,
//! user agent, time, and the address. The address is the one exception, by a general rule: where a suite takes the
//! left-most entry of a forwarded chain for the client, whoever sends the header chooses the address, so we do not. Such
//! rows are counted as right and printed as differing on purpose. A line that is no request has to be rejected.

#![allow(clippy::print_stdout, reason = "a program whose output is its report")]

mod compare;
mod crowdsec;
mod lnav;
mod logstash;

use anyhow::{Context as _, Result};
use compare::{Judged, Verdict};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// One line of a suite, and what the suite says of it.
#[derive(Debug, Default)]
struct Row {
    /// Which suite, and which parser or file of it.
    group: String,
    /// Lines of one stream are read by one parser, in order.
    stream: String,
    /// Where it stands.
    place: String,
    line: String,
    /// What has to be read; `None` when the line is no request, or none that its suite reads.
    expected: Option<Expected>,
}

/// What a suite states; what it does not state is not compared.
#[derive(Debug, Default)]
struct Expected {
    method: Option<String>,
    /// With its query.
    target: Option<String>,
    status: Option<u16>,
    bytes: Option<u64>,
    /// Empty: there was none.
    agent: Option<String>,
    time: Option<String>,
    address: Option<String>,
    /// Formats of which it must be one.
    formats: Vec<&'static str>,
    /// Whether every piece has to be plausible, since the suite states none.
    is_plausible: bool,
}

fn main() -> Result<ExitCode> {
    let data = PathBuf::from(std::env::args().nth(1).context("usage: conformance DATA")?);
    let mut rows = Vec::new();
    for (name, read) in [
        (
            "crowdsec_hub/parser_suite.jsonl",
            crowdsec::rows as fn(&std::path::Path) -> Result<Vec<Row>>,
        ),
        ("logstash_patterns/cases.jsonl", logstash::rows),
        ("lnav/test", lnav::rows),
    ] {
        let path = data.join(name);
        if !path.exists() {
            println!("conformance: NOT IN THE FOLDER: {}", path.display());
            continue;
        }
        rows.extend(read(&path).with_context(|| format!("could not read {}", path.display()))?);
    }
    let judged = compare::judge(&rows);
    let reasons = reasons()?;
    print(&judged, &reasons);
    hold(&judged, &reasons)
}

/// Why some rows differ.
#[derive(Debug, serde::Deserialize)]
struct Reasons {
    differs: Vec<Reason>,
}

#[derive(Debug, serde::Deserialize)]
struct Reason {
    group: String,
    #[serde(default)]
    place: String,
    why: String,
}

impl Reasons {
    fn of(&self, row: &Row) -> Option<&str> {
        let is_it = |reason: &&Reason| reason.group == row.group && row.place.starts_with(&reason.place);
        self.differs.iter().find(is_it).map(|reason| reason.why.as_str())
    }
}

fn reasons() -> Result<Reasons> {
    let path = portcullis_tests::component::checkout().join("evaluation/differing.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("could not read {}", path.display()))
}

/// Rows and right ones of each group.
fn shares(judged: &[Judged<'_>]) -> BTreeMap<String, (usize, usize)> {
    let mut shares: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for row in judged {
        let (rows, right) = shares.entry(row.row.group.clone()).or_default();
        *rows += 1;
        *right += usize::from(row.verdict.is_right());
    }
    shares
}

fn print(judged: &[Judged<'_>], reasons: &Reasons) {
    println!("conformance: rows read as their suite says, of all");
    for (group, (rows, right)) in shares(judged) {
        let share = 100.0 * right as f64 / rows as f64;
        println!("  {group:42} {right:5} of {rows:5}  {share:5.1} %");
    }
    for (title, wanted) in [("differing on purpose", true), ("differing", false)] {
        println!("{title}:");
        for row in judged {
            let why = match &row.verdict {
                Verdict::Right => continue,
                Verdict::OnPurpose(why) if wanted => why,
                Verdict::Wrong(why) if !wanted => why,
                _ => continue,
            };
            println!("  {} {}: {why}", row.row.group, row.row.place);
            if !wanted && let Some(reason) = reasons.of(row.row) {
                println!("    because: {reason}");
            }
        }
    }
}

/// Whether every group reaches its floor, and every row that differs has a reason.
fn hold(judged: &[Judged<'_>], reasons: &Reasons) -> Result<ExitCode> {
    let path = portcullis_tests::component::checkout().join("evaluation/conformance.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let floors: toml::Table = text.parse().context("could not read the floors")?;
    let shares = shares(judged);
    let mut failed = false;
    for (group, floor) in &floors {
        let floor = usize::try_from(floor.as_integer().context("a floor is a number of rows")?)?;
        let Some((_, right)) = shares.get(group) else {
            continue;
        };
        if *right < floor {
            println!("FAILED: {group} has {right} rows right, and had {floor}");
            failed = true;
        }
    }
    for row in judged {
        if matches!(row.verdict, Verdict::Wrong(_)) && reasons.of(row.row).is_none() {
            println!(
                "FAILED: {} {} differs, and no reason is written down",
                row.row.group, row.row.place
            );
            failed = true;
        }
    }
    for group in shares.keys().filter(|group| !floors.contains_key(group.as_str())) {
        println!("FAILED: {group} has no floor in {}", path.display());
        failed = true;
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
