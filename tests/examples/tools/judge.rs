//! What `portcullis scan` says of every client, and whether that is what has to hold.

use crate::suite::{Part, Suite};
use anyhow::{Context as _, Result, ensure};
use domain::{Action, Scope, ThreatKind};
use portcullis_tests::component::{Network, binary};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

/// One client with what its log lines show and what the detector made of them.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) part: Part,
    pub(crate) address: IpAddr,
    pub(crate) traffic: Traffic,
    pub(crate) verdict: Option<Verdict>,
}

/// What the log holds of one client.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: u64,
    pub(crate) first_at: String,
    /// How often each status was answered.
    pub(crate) statuses: std::collections::BTreeMap<u64, u64>,
}

/// The strongest that the detector said.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) action: Action,
    /// Named threats, surest first, with their confidence.
    pub(crate) threats: Vec<(ThreatKind, f64)>,
    /// Requests up to and with the one that led to the action.
    pub(crate) within: Option<u64>,
}

impl Judged {
    /// Whether a gateway would have done something about it.
    pub(crate) fn is_acted_on(&self) -> bool {
        self.verdict
            .as_ref()
            .is_some_and(|verdict| verdict.action.is_enforced())
    }

    /// Requests up to and with the one that led to the action.
    pub(crate) fn within(&self) -> Option<u64> {
        self.verdict
            .as_ref()
            .filter(|verdict| verdict.action.is_enforced())?
            .within
    }

    /// Whether it was acted on, and for what it did.
    pub(crate) fn is_named_rightly(&self) -> bool {
        let surest = self.verdict.as_ref().and_then(|verdict| verdict.threats.first());
        let attack = self.part.attack.as_ref();
        self.is_acted_on()
            && surest
                .zip(attack)
                .is_some_and(|((kind, _), attack)| attack.expected.contains(kind))
    }
}

/// Has a log judged as a user would, by the program itself.
pub(crate) fn judge(log: &Path, suite: &Suite) -> Result<Vec<Judged>> {
    let output = Command::new(binary()?)
        .args(["scan", "--output", "json"])
        .arg(log)
        .output()
        .context("could not run portcullis scan")?;
    ensure!(
        output.status.success(),
        "portcullis scan ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let lines: Vec<Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect::<Result<_, _>>()
        .context("scan printed something else than JSON")?;
    let mut traffic = read_traffic(log)?;
    let parts = suite.parts()?.into_iter();
    parts.map(|part| judge_one(part, &mut traffic, &lines)).collect()
}

fn judge_one(part: Part, traffic: &mut HashMap<String, Traffic>, lines: &[Value]) -> Result<Judged> {
    let address = IpAddr::from(Network::address(part.number));
    // Who sent nothing was not tested: a command that fails must not pass for a client that is left alone.
    let traffic = traffic.remove(&address.to_string()).with_context(|| {
        format!(
            "{} sent no request: see what it printed (--keep FOLDER)",
            part.name
        )
    })?;
    let mut verdicts: Vec<Verdict> = Vec::new();
    for alert in lines.iter().filter(|line| line["type"] == "alert") {
        verdicts.extend(verdict(alert, address)?);
    }
    // The strongest; of equals the first, which `scan` lists first because it is surer.
    verdicts.reverse();
    Ok(Judged {
        part,
        address,
        traffic,
        verdict: verdicts.into_iter().max_by_key(|verdict| verdict.action),
    })
}

/// What an alert means for one address: an alert on it, on a range around it, or on a campaign with it among the members.
fn verdict(alert: &Value, address: IpAddr) -> Result<Option<Verdict>> {
    let members = alert["members"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(concerned) = std::iter::once(alert)
        .filter(|alert| concerns(&alert["client"], address))
        .chain(members.iter().filter(|member| concerns(member, address)))
        .next()
    else {
        return Ok(None);
    };
    let threats = alert["threats"]
        .as_array()
        .context("an alert has no threats")?
        .iter()
        .filter_map(|threat| {
            Some((
                ThreatKind::from_name(threat["kind"].as_str()?)?,
                threat["confidence"].as_f64()?,
            ))
        });
    Ok(Some(Verdict {
        action: concerned["action"]
            .as_str()
            .context("an alert has no action")?
            .parse()?,
        threats: threats.collect(),
        within: concerned["requests_before_action"].as_u64(),
    }))
}

fn concerns(client: &Value, address: IpAddr) -> bool {
    let scope = client["scope"].as_str().and_then(Scope::from_name);
    scope
        .zip(client["value"].as_str())
        .and_then(|(scope, value)| domain::Client::parse(scope, value).ok())
        .is_some_and(|client| client.covers_address(address))
}

fn read_traffic(log: &Path) -> Result<HashMap<String, Traffic>> {
    let text = std::fs::read_to_string(log).with_context(|| format!("could not read {}", log.display()))?;
    let mut clients: HashMap<String, Traffic> = HashMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("NGINX wrote a line that is no JSON")?;
        let client = line["remote_addr"].as_str().context("a line has no address")?;
        let traffic = clients.entry(client.to_owned()).or_default();
        if traffic.requests == 0 {
            line["time"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut traffic.first_at);
        }
        traffic.requests += 1;
        *traffic
            .statuses
            .entry(line["status"].as_u64().unwrap_or_default())
            .or_default() += 1;
    }
    Ok(clients)
}

/// Writes who attacked, in the form that `portcullis evaluate --truth` reads.
pub(crate) fn write_truth(judged: &[Judged], file: &Path) -> Result<()> {
    let mut text = "client,label,requests,first_attack_at\n".to_owned();
    for client in judged {
        let (label, first) = match client.part.attack {
            Some(_) => ("attacker", client.traffic.first_at.as_str()),
            None => ("benign", ""),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{label},{},{first}",
            client.address, client.traffic.requests
        );
    }
    std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

/// What did not hold, in sentences.
pub(crate) fn faults(judged: &[Judged]) -> Vec<String> {
    let mut faults = Vec::new();
    for client in judged {
        let name = &client.part.name;
        if client.part.untouched && client.is_acted_on() {
            faults.push(format!("FAULT: the benign client \"{name}\" was acted on"));
        }
        let Some(attack) = &client.part.attack else {
            continue;
        };
        if attack.floor.caught && !client.is_acted_on() {
            faults.push(format!("FAULT: {name} was not caught"));
        } else if attack.floor.named && !client.is_named_rightly() {
            faults.push(format!("FAULT: {name} was caught and wrongly named"));
        }
        if let (Some(most), Some(within)) = (attack.floor.within, client.within())
            && within > most
        {
            faults.push(format!(
                "FAULT: {name} was caught after {within} requests, and {most} is the most"
            ));
        }
    }
    faults
}

/// Floors that could be higher, in sentences.
pub(crate) fn above_floors(judged: &[Judged]) -> Vec<String> {
    let mut found = Vec::new();
    for client in judged {
        let name = &client.part.name;
        match &client.part.attack {
            Some(attack) if client.is_named_rightly() && !attack.floor.named => {
                found.push(format!(
                    "better than its floor: {name} is caught and rightly named"
                ));
            }
            Some(attack) if client.is_acted_on() && !attack.floor.caught => {
                found.push(format!("better than its floor: {name} is caught"));
            }
            None if !client.is_acted_on() && !client.part.untouched => {
                found.push(format!("better than its floor: \"{name}\" is untouched"));
            }
            _ => {}
        }
    }
    found
}
