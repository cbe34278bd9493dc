//! Scenarios of CrowdSec as rules of ours: leaky, trigger and counter buckets over access logs.
//!
//! What cannot be carried over is named for every scenario. But for what is named, and for patterns, which here take
//! upper and lower case for the same and also fit what is decoded once, a rule counts no more requests than its scenario.
//! It only watches unless another action is asked for.

mod expression;
mod filter;
mod pattern;
#[cfg(test)]
mod tests;

use super::read::read;
use anyhow::Context as _;
use domain::{Action, ThreatKind};
use filter::{Filter, Keys};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Largest file of scenarios, in bytes: a hundred times the largest one of the hub.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// How long CrowdSec's own default profile bans, in seconds.
const BAN_SECS: u32 = 4 * 3600;

/// A scenario as a rule.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The scenario's name.
    pub(crate) name: String,
    /// The rule in TOML; the error says why there is none.
    pub(crate) rule: Result<String, String>,
    /// What was not carried over, or reads differently.
    pub(crate) notes: Vec<String>,
}

/// Reads every scenario of a file. `action` is what the rules are to do.
///
/// # Errors
/// When the text is no YAML, or holds no scenario.
pub(crate) fn import(text: &str, action: Action) -> anyhow::Result<Vec<Imported>> {
    anyhow::ensure!(
        text.len() <= FILE_BYTES_MAX,
        "it has {} bytes, at most {FILE_BYTES_MAX} are read",
        text.len()
    );
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("it is no YAML")?;
    let scenarios: Vec<Imported> = documents
        .iter()
        .filter_map(Value::as_object)
        .filter(|scenario| scenario.contains_key("type") || scenario.contains_key("filter"))
        .map(|scenario| import_one(scenario, action))
        .collect();
    anyhow::ensure!(
        !scenarios.is_empty(),
        "it holds no scenario: none has a type or a filter"
    );
    Ok(scenarios)
}

fn import_one(scenario: &Map<String, Value>, action: Action) -> Imported {
    let name = text_of(scenario, "name").unwrap_or_else(|| "unnamed".to_owned());
    let mut notes = Vec::new();
    let rule = write_rule(scenario, &name, action, &mut notes).and_then(|rule| {
        // What the reader would refuse is no rule: a count past its limit, a pattern too long.
        match read("imported", &rule) {
            Ok(_) => Ok(rule),
            Err(report) => Err(report
                .problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")),
        }
    });
    Imported { name, rule, notes }
}

/// Keys that change nothing about what is counted.
const SILENT: [&str; 9] = [
    "type",
    "name",
    "description",
    "filter",
    "groupby",
    "distinct",
    "capacity",
    "leakspeed",
    "labels",
];

fn write_rule(
    scenario: &Map<String, Value>,
    name: &str,
    action: Action,
    notes: &mut Vec<String>,
) -> Result<String, String> {
    let kind = text_of(scenario, "type").unwrap_or_else(|| "leaky".to_owned());
    let limit = limit(scenario, &kind, notes)?;
    let by = group(text_of(scenario, "groupby").as_deref(), notes)?;
    let distinct = text_of(scenario, "distinct")
        .map(|field| distinct(&field, notes))
        .transpose()?;
    let filter = match text_of(scenario, "filter") {
        Some(text) => {
            if text.contains("sub_type") {
                let note = "filter: sub_type is told by logs of other kinds; no line is taken to have one";
                notes.push(note.to_owned());
            }
            filter::translate(&expression::parse(&text)?)?
        }
        None => Filter {
            when: vec![Keys::new()],
            ..Filter::default()
        },
    };
    notes.extend(filter.notes.iter().cloned());
    let (threat, note) = threat(scenario);
    notes.extend(note);
    refuse_or_note(scenario, notes)?;
    let tame = rule_name(name);
    if tame != name {
        notes.push(format!("name: written {tame}"));
    }
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# From the scenario {}.", one_line(name));
    for note in notes.iter() {
        let _ = writeln!(out, "# Not carried over: {}.", one_line(note));
    }
    let _ = writeln!(out, "[[rule]]\nname = {}", quote(&tame));
    if let Some(description) = text_of(scenario, "description") {
        let _ = writeln!(out, "description = {}", quote(&one_line(&description)));
    }
    let _ = writeln!(out, "threat = {}\nby = {by}\n{limit}", quote(threat.as_str()));
    if let Some(distinct) = distinct {
        let _ = writeln!(out, "distinct = {}", quote(distinct));
    }
    let _ = writeln!(out, "action = {}\nfor_secs = {BAN_SECS}", quote(action.as_str()));
    if !filter.unless.is_empty() {
        write_keys("[rule.unless]", &filter.unless, &mut out);
    }
    for keys in filter.when.iter().filter(|keys| !keys.is_empty()) {
        write_keys("[[rule.when]]", keys, &mut out);
    }
    Ok(out)
}

fn write_keys(head: &str, keys: &Keys, out: &mut String) {
    let _ = writeln!(out, "{head}");
    for (key, values) in keys {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let quoted: Vec<String> = values.iter().map(|value| quote(value)).collect();
        let _ = match (*key, &values[..]) {
            ("status", _) => writeln!(out, "status = {}", statuses(&values)),
            (key, [only]) if key.starts_with("has_") || key == "is_asset" => writeln!(out, "{key} = {only}"),
            (key, [only]) => writeln!(out, "{key} = {}", quote(only)),
            (key, _) => writeln!(out, "{key} = [{}]", quoted.join(", ")),
        };
    }
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Statuses in runs: `[401, "403-404"]`.
fn statuses(values: &[&str]) -> String {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for status in values.iter().filter_map(|value| value.parse::<u16>().ok()) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == status => *last = status,
            _ => runs.push((status, status)),
        }
    }
    let write = |(first, last): &(u16, u16)| {
        if first == last {
            first.to_string()
        } else {
            format!("\"{first}-{last}\"")
        }
    };
    let runs: Vec<String> = runs.iter().map(write).collect();
    format!("[{}]", runs.join(", "))
}

/// The lines that say how many are too many.
fn limit(scenario: &Map<String, Value>, kind: &str, notes: &mut Vec<String>) -> Result<String, String> {
    let capacity = match scenario.get("capacity") {
        None => None,
        Some(value) => {
            Some(integer(value).ok_or_else(|| format!("its capacity {value} is no whole number"))?)
        }
    };
    let span = |key: &str| {
        let text = text_of(scenario, key).ok_or_else(|| format!("it has no {key}"))?;
        seconds(&text).ok_or_else(|| format!("its {key} {text:?} is no span such as 10s"))
    };
    match (kind, capacity) {
        ("trigger", _) => Ok("count = 1\nwithin_secs = 1".to_owned()),
        ("leaky", Some(capacity @ 0..)) => Ok(format!(
            "count = {}\nleak_secs = {}",
            capacity.saturating_add(1),
            span("leakspeed")?
        )),
        ("counter", Some(capacity @ 0..)) => {
            notes.push("type counter: it fires at once and not at the end of its time".to_owned());
            Ok(format!(
                "count = {}\nwithin_secs = {}",
                capacity.saturating_add(1),
                span("duration")?.ceil()
            ))
        }
        ("leaky" | "counter", capacity) => Err(format!(
            "a {kind} scenario of capacity {} has no count at which it fires",
            capacity.map_or("none".to_owned(), |capacity| capacity.to_string())
        )),
        (kind, _) => Err(format!("scenarios of type {kind} have no counterpart here")),
    }
}

fn integer(value: &Value) -> Option<i64> {
    let read = value.as_str().and_then(|text| text.trim().parse().ok());
    value.as_i64().or(read)
}

/// A span as Go writes it: `10s`, `0.5s`, `1m30s`.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let units = [
            ("ms", 0.001),
            ("us", 1e-6),
            ("ns", 1e-9),
            ("h", 3600.0),
            ("m", 60.0),
            ("s", 1.0),
        ];
        let (unit, factor) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        sum += number * factor;
        rest = &rest[unit.len()..];
    }
    (sum > 0.0).then_some(sum)
}

/// What the rule counts by.
fn group(expression: Option<&str>, notes: &mut Vec<String>) -> Result<String, String> {
    let Some(expression) = expression else {
        notes.push("groupby: nothing, taken as the address".to_owned());
        return Ok(quote("address"));
    };
    let mut keys = Vec::new();
    for part in expression.split('+').map(str::trim) {
        let is_text = part.starts_with(['\'', '"', '`']);
        match part {
            "evt.Meta.source_ip" => keys.push("address"),
            "evt.Parsed.target_fqdn" | "evt.Meta.target_fqdn" | "evt.Meta.target_host" => keys.push("host"),
            _ if is_text => {}
            part => return Err(format!("it counts by {part}, by which rules cannot count")),
        }
    }
    if !keys.contains(&"address") {
        return Err(format!("it counts by {expression}, not by address"));
    }
    keys.dedup();
    let keys: Vec<String> = keys.into_iter().map(quote).collect();
    Ok(format!("[{}]", keys.join(", ")))
}

fn distinct(field: &str, notes: &mut Vec<String>) -> Result<&'static str, String> {
    match field.trim() {
        "evt.Meta.http_path" | "evt.Parsed.request" => {
            notes.push("distinct: paths count without their queries".to_owned());
            Ok("path")
        }
        "evt.Parsed.http_args" => Ok("query"),
        "evt.Parsed.http_user_agent" | "evt.Meta.http_user_agent" => Ok("user_agent"),
        "evt.Parsed.target_fqdn" | "evt.Meta.target_fqdn" => Ok("host"),
        field => Err(format!(
            "it counts different values of {field}, which rules cannot"
        )),
    }
}

/// The threat that its labels name.
fn threat(scenario: &Map<String, Value>) -> (ThreatKind, Option<String>) {
    let labels = scenario.get("labels").and_then(Value::as_object);
    let label = |key: &str| labels.and_then(|labels| text_of(labels, key));
    let words: Vec<String> = ["behavior", "type"].into_iter().filter_map(label).collect();
    let known = words.iter().find_map(|word| {
        let word = word.rsplit(':').next().unwrap_or(word);
        Some(match word {
            "scan" | "discovery" | "probing" => ThreatKind::Reconnaissance,
            "bruteforce" => ThreatKind::CredentialCracking,
            "crawl" => ThreatKind::Scraping,
            "dos" => ThreatKind::DenialOfService,
            "exploit" | "sqli" | "xss" | "rce" => ThreatKind::Injection,
            "spam" | "abuse" => ThreatKind::BusinessFlowAbuse,
            _ => return None,
        })
    });
    match known {
        Some(threat) => (threat, None),
        None => (
            ThreatKind::Anomaly,
            Some(format!(
                "labels: {words:?} name no threat of ours; it claims an anomaly"
            )),
        ),
    }
}

/// Refuses what would count more without it, and names the rest.
fn refuse_or_note(scenario: &Map<String, Value>, notes: &mut Vec<String>) -> Result<(), String> {
    for (key, value) in scenario {
        match key.as_str() {
            "cancel_on" | "overflow_filter" | "condition" | "scope" => {
                return Err(format!(
                    "it has {key}, without which it would fire more often or name somebody else"
                ));
            }
            "blackhole" => notes.push(
                "blackhole: a rule is silent about a client for as long as its action holds".to_owned(),
            ),
            "data" => notes.push("data: files of lists are not read".to_owned()),
            "duration" | "debug" | "version" | "author" | "references" | "format" | "cache_size" => {}
            "reprocess" if *value == Value::Bool(true) => {
                notes.push("reprocess: what a rule says is not fed to other rules".to_owned());
            }
            "reprocess" => {}
            key if SILENT.contains(&key) => {}
            key => notes.push(format!("{key}: not known here")),
        }
    }
    Ok(())
}

fn text_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    match map.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn rule_name(name: &str) -> String {
    let tame = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        let is_allowed = letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_./".contains(letter);
        if is_allowed { letter } else { '-' }
    };
    name.chars()
        .map(tame)
        .take(detector::limits::RULE_NAME_BYTES_MAX)
        .collect()
}

/// Without line breaks and what else a terminal would obey.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
