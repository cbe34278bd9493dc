//! `cases DATA`: what we say about the test cases that a peer keeps for its own rules, beside the limits of
//! `evaluation/cases.toml`.
//!
//! A case is a log, usually of a few lines, with the addresses that the peer's rules name. Many are of one line: one line
//! with a known exploit convicts there. Here one act rarely does, since pages and links can make anybody send it once; the
//! table says which of them alert all the same. Private addresses are clients here.

#![allow(clippy::print_stdout, reason = "a program whose output is its report")]

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// From so many access-log lines on a case shows behaviour.
const LARGER_LINES: u64 = 5;

/// One case and what we said.
struct Judged {
    name: String,
    /// Lines that we could read, and all.
    parsed: u64,
    lines: u64,
    expected: BTreeSet<String>,
    /// Who was alerted on, with the strongest action and what was named.
    alerted: BTreeMap<String, (String, String)>,
}

/// How a case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Behaviour over several lines: it has to be alerted on.
    Larger,
    /// Too little for behaviour.
    Small,
    /// Nobody did anything.
    Nobody,
    /// No format of ours.
    Unread,
}

impl Judged {
    fn sort(&self) -> Sort {
        match (self.expected.is_empty(), self.parsed) {
            (true, _) => Sort::Nobody,
            (false, 0) => Sort::Unread,
            (false, LARGER_LINES..) => Sort::Larger,
            (false, _) => Sort::Small,
        }
    }

    fn others(&self) -> bool {
        self.alerted.keys().any(|client| !self.expected.contains(client))
    }

    fn is_right(&self) -> bool {
        !self.others()
            && self
                .expected
                .iter()
                .all(|client| self.alerted.contains_key(client))
    }

    fn verdict(&self) -> &'static str {
        match self.sort() {
            Sort::Nobody if self.parsed == 0 => "nobody; not a format of ours",
            Sort::Nobody if self.alerted.is_empty() => "nobody, as expected",
            Sort::Nobody => "WRONG: nobody was expected",
            _ if self.others() => "WRONG: somebody else",
            _ if self.is_right() => "all expected",
            Sort::Unread => "not a format of ours",
            Sort::Larger => "MISSED",
            Sort::Small => "too little to alert on",
        }
    }
}

fn main() -> Result<ExitCode> {
    let data = std::env::args().nth(1).context("usage: cases DATA")?;
    let folder = PathBuf::from(data).join("crowdsec_hub");
    let list = folder.join("cases.jsonl");
    if !list.is_file() {
        println!("peer's cases: NOT IN THE FOLDER: {}", list.display());
        return Ok(ExitCode::SUCCESS);
    }
    let binary = binary()?;
    let text =
        std::fs::read_to_string(&list).with_context(|| format!("could not read {}", list.display()))?;
    let mut judged = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        judged.push(judge(&binary, &folder, &serde_json::from_str(line)?)?);
    }
    print(&judged);
    hold(&judged)
}

fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe().context("could not find this program")?;
    let beside = own
        .parent()
        .and_then(Path::parent)
        .map(|folder| folder.join("portcullis"));
    beside
        .filter(|binary| binary.is_file())
        .context("portcullis is not built beside this program: run make evaluate, which builds both")
}

fn judge(binary: &Path, folder: &Path, case: &Value) -> Result<Judged> {
    let name = case["test"].as_str().context("a case without a name")?;
    let file = case["log_file"]
        .as_str()
        .and_then(|file| Path::new(file).file_name());
    let log = folder
        .join("tests")
        .join(name)
        .join(file.context("a case without a log")?);
    let output = Command::new(binary)
        .args(["scan", "--output", "json", "--private-clients"])
        .arg(&log)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "{name}: scan ended with {}",
        output.status
    );
    let mut judged = Judged {
        name: name.to_owned(),
        parsed: 0,
        lines: 0,
        expected: expected(case)?,
        alerted: BTreeMap::new(),
    };
    for line in String::from_utf8(output.stdout)?.lines() {
        let object: Value = serde_json::from_str(line)?;
        if object["type"] == "summary" {
            let count = |name: &str| object[name].as_u64().unwrap_or_default();
            (judged.parsed, judged.lines) = (count("parsed"), count("lines"));
        } else {
            note(&mut judged, &object);
        }
    }
    Ok(judged)
}

/// The addresses that the case expects, an IPv6 one as its /64: that is a client here.
fn expected(case: &Value) -> Result<BTreeSet<String>> {
    let addresses = case["expected_ips"]
        .as_array()
        .context("a case without expected addresses")?;
    let client = |address: &Value| -> Result<String> {
        let address: IpAddr = address.as_str().context("an address that is no text")?.parse()?;
        Ok(domain::Client::from_address(address).to_string())
    };
    addresses.iter().map(client).collect()
}

/// Notes an alert; of a campaign, its members.
fn note(judged: &mut Judged, alert: &Value) {
    let threat = alert["threats"][0]["kind"].as_str().unwrap_or("-").to_owned();
    let action = |value: &Value| value["action"].as_str().unwrap_or("-").to_owned();
    let client = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    match alert["members"].as_array().filter(|members| !members.is_empty()) {
        Some(members) => {
            for member in members {
                let said = (action(member), threat.clone());
                judged.alerted.entry(client(member)).or_insert(said);
            }
        }
        None => {
            judged
                .alerted
                .insert(client(&alert["client"]), (action(alert), threat));
        }
    }
}

fn print(judged: &[Judged]) {
    println!(
        "peer's cases: lines read of all, addresses expected, what we alerted on\n{:<32} {:>9} {:>8}  {:<28} alerts",
        "case", "lines", "expected", ""
    );
    for case in judged {
        let alerts: Vec<String> = case
            .alerted
            .iter()
            .map(|(client, (action, threat))| format!("{client} {action} ({threat})"))
            .collect();
        println!(
            "{:<32} {:>9} {:>8}  {:<28} {}",
            case.name,
            format!("{}/{}", case.parsed, case.lines),
            case.expected.len(),
            case.verdict(),
            alerts.join(", ")
        );
    }
}

/// Compares with the limits; falling short of one fails.
fn hold(judged: &[Judged]) -> Result<ExitCode> {
    let file = portcullis_tests::component::checkout().join("evaluation/cases.toml");
    let limits: toml::Table = std::fs::read_to_string(&file)
        .with_context(|| format!("could not read {}", file.display()))?
        .parse()
        .context("could not read the limits of the peer's cases")?;
    let limit = |name: &str| {
        let value = limits.get(name).and_then(toml::Value::as_integer);
        value.with_context(|| format!("{name} is not in {}", file.display()))
    };
    let counted = |holds: &dyn Fn(&Judged) -> bool| judged.iter().filter(|case| holds(case)).count() as i64;
    let is = |case: &Judged, sort: Sort| case.sort() == sort;
    let acted = |case: &Judged| case.alerted.values().any(|(action, _)| action != "observe");
    let larger = counted(&|case| is(case, Sort::Larger));
    let larger_right = counted(&|case| is(case, Sort::Larger) && case.is_right());
    let nobody = counted(&|case| is(case, Sort::Nobody));
    let at_most = [
        (
            "nobody-alerted",
            counted(&|case| is(case, Sort::Nobody) && !case.alerted.is_empty()),
        ),
        (
            "nobody-acted",
            counted(&|case| is(case, Sort::Nobody) && acted(case)),
        ),
        (
            "others-alerted",
            counted(&|case| !is(case, Sort::Nobody) && case.others()),
        ),
    ];
    println!("{larger_right} of {larger} larger cases alert on all that is expected and on nobody else");
    println!(
        "{} of {nobody} cases that expect nobody alert on somebody",
        at_most[0].1
    );
    let mut failed = Vec::new();
    if larger_right < limit("larger-right")? {
        failed.push(format!(
            "larger-right is {larger_right}, and the floor is {}",
            limit("larger-right")?
        ));
    }
    for (name, measured) in at_most {
        if measured > limit(name)? {
            failed.push(format!("{name} is {measured}, and the limit is {}", limit(name)?));
        }
    }
    for problem in &failed {
        eprintln!("peer's cases: {problem}");
    }
    Ok(if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
