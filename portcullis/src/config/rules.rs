//! What must hold between settings. Runs also when some settings are wrong, on those that are right.

mod alarms;
mod gateways;

use super::check::{Checked, Entry};
use super::document::Origin;
use super::documents;
use super::problem::Problem;
use super::value::Surroundings;
use detector::limits::ROLE_OVERRIDES_MAX;
use detector::rule::Glob;
use domain::{Client, Scope};
use ingest::source::follow;
use ingest::source::kafka::TopicSelector;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Shortest shared secret, in bytes: 128 bits written in base 64.
const SHARED_SECRET_BYTES_MIN: usize = 22;

/// Finds every contradiction.
pub(crate) fn contradictions(checked: &Checked, surroundings: &Surroundings<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_topics(checked, &mut problems);
    check_kafka_security(checked, &mut problems);
    check_files(checked, &mut problems);
    check_syslog(checked, &mut problems);
    check_policy(checked, &mut problems);
    check_models(checked, surroundings, &mut problems);
    check_budget(checked, surroundings, &mut problems);
    for at in (0..).take_while(|at| checked.entry(&format!("api.listeners[{at}].kinds")).is_some()) {
        check_listener(checked, at, &mut problems);
    }
    check_secret(checked, "lapi.registration_token", &mut problems);
    check_addresses(checked, &mut problems);
    check_allowlist(checked, &mut problems);
    check_routes(checked, &mut problems);
    documents::check(checked, surroundings, &mut problems);
    super::identities::contradictions(checked, &mut problems);
    alarms::check_alarms(checked, &mut problems);
    gateways::check_gateways(checked, &mut problems);
    problems
}

/// Reports a problem of a setting.
pub(super) fn report(
    checked: &Checked,
    problems: &mut Vec<Problem>,
    path: &str,
    found: impl Into<String>,
    expected: impl Into<String>,
) {
    // A setting that was not written is reported where the ones beside it stand.
    let beside = path.rsplit_once('.').map_or(path, |(outer, _)| outer);
    let is_written = |entry: &&Entry| entry.origin != Origin::Default;
    let entry = checked.entry(path).filter(is_written).or_else(|| {
        let mut others = checked.entries.iter().filter(is_written);
        others.find(|entry| entry.path.starts_with(beside))
    });
    problems.push(Problem {
        path: path.to_owned(),
        origin: entry.map_or(Origin::Default, |entry| entry.origin.clone()),
        found: found.into(),
        expected: expected.into(),
        suggestion: None,
    });
}

fn number(checked: &Checked, path: &str) -> Option<f64> {
    let value = checked.entry(path)?.value.as_ref()?;
    value
        .as_float()
        .or_else(|| value.as_integer().map(|number| number as f64))
}

/// A model or a database that cannot be loaded is refused, with what it was found to be.
fn check_models(checked: &Checked, surroundings: &Surroundings<'_>, problems: &mut Vec<Problem>) {
    for path in [
        "model.file",
        "model.challenger",
        "clients.networks",
        "clients.countries",
    ] {
        let Some(file) = checked.text(path).map(Path::new) else {
            continue;
        };
        let problem = match path {
            "clients.networks" => surroundings.models.networks_problem(file),
            "clients.countries" => surroundings.models.countries_problem(file),
            _ => surroundings.models.problem(file),
        };
        let file = file.display();
        if let Some((found, expected)) = problem {
            report(checked, problems, path, format!("\"{file}\", {found}"), expected);
        }
    }
}

/// A budget of wrong blocks that the model cannot show is refused, with the smallest that it can.
fn check_budget(checked: &Checked, surroundings: &Surroundings<'_>, problems: &mut Vec<Problem>) {
    let path = "policy.false_positive_budget";
    let Some(budget) = number(checked, path) else {
        return;
    };
    let model = checked.text("model.file").map(Path::new);
    if let Some(expected) = surroundings.models.least_budget(model, budget) {
        report(checked, problems, path, budget.to_string(), expected);
    }
}

fn check_topics(checked: &Checked, problems: &mut Vec<Problem>) {
    if checked.entry("kafka.group").is_none() {
        return;
    }
    let letters = checked.text("kafka.dead_letter_topic");
    let mut count = 0;
    while checked.entry(&format!("kafka.topics[{count}].format")).is_some() {
        let path = format!("kafka.topics[{count}]");
        let (name, pattern) = (format!("{path}.name"), format!("{path}.pattern"));
        match (checked.entry(&name), checked.entry(&pattern)) {
            (None, None) => report(
                checked,
                problems,
                &name,
                "neither a name nor a pattern",
                "one of them",
            ),
            (Some(_), Some(_)) => report(checked, problems, &pattern, "a name and a pattern", "one of them"),
            _ => {}
        }
        let by_name = checked
            .text(&name)
            .map(|text| TopicSelector::Name(text.to_owned()));
        let by_pattern = checked
            .text(&pattern)
            .map(|text| TopicSelector::Pattern(text.to_owned()));
        let is_read = |letters: &str| {
            [by_name.as_ref(), by_pattern.as_ref()]
                .into_iter()
                .flatten()
                .any(|found| found.matches(letters))
        };
        if letters.is_some_and(is_read) {
            let path = "kafka.dead_letter_topic";
            let found = format!("a topic that kafka.topics[{count}] reads");
            report(
                checked,
                problems,
                path,
                found,
                "another topic: dead letters would come back for ever",
            );
        }
        count += 1;
    }
    if count == 0 {
        report(
            checked,
            problems,
            "kafka.topics",
            "none",
            "at least one [[kafka.topics]]",
        );
    }
}

fn check_kafka_security(checked: &Checked, problems: &mut Vec<Problem>) {
    let has = |path: &str| checked.entry(path).is_some();
    for (one, other) in [
        ("certificate", "key"),
        ("key", "certificate"),
        ("key_password", "key"),
    ] {
        let (given, missing) = (format!("kafka.tls.{one}"), format!("kafka.tls.{other}"));
        if has(&given) && !has(&missing) {
            report(
                checked,
                problems,
                &missing,
                "nothing",
                format!("a file, because {given} is given"),
            );
        }
    }
    check_kafka_sasl(checked, problems);
}

/// The settings of each way to say who we are, those of the other way not.
fn check_kafka_sasl(checked: &Checked, problems: &mut Vec<Problem>) {
    let path = |key: &str| format!("kafka.sasl.{key}");
    let has = |key: &str| checked.entry(&path(key)).is_some();
    if !has("mechanism") {
        return;
    }
    let mechanism = checked.text("kafka.sasl.mechanism").unwrap_or_default();
    let is_token = mechanism == "OAUTHBEARER";
    let (needed, foreign): (&[&str], &[&str]) = match (is_token, has("token_file")) {
        (false, _) => (&["username", "password"], &TOKEN_SETTINGS),
        (true, false) => (&TOKEN_SETTINGS[1..4], &PASSWORD_SETTINGS),
        (true, true) => (
            &[],
            &[
                "username",
                "password",
                "token_url",
                "client_id",
                "client_secret",
                "scope",
                "token_ca",
            ],
        ),
    };
    for key in needed.iter().filter(|key| !has(key)) {
        let expected = match *key {
            "username" => "our name: the mechanism needs one",
            "password" => "our password: the mechanism needs one",
            "token_url" => {
                "where tokens come from: kafka.sasl.token_file, or this with client_id and client_secret"
            }
            "client_id" => "our id at kafka.sasl.token_url",
            _ => "our secret at kafka.sasl.token_url",
        };
        report(checked, problems, &path(key), "nothing", expected);
    }
    // Of a mechanism that is not known nobody can say what it does not use.
    for key in foreign.iter().filter(|key| has(key) && !mechanism.is_empty()) {
        let expected = if is_token && !PASSWORD_SETTINGS.contains(key) {
            "either kafka.sasl.token_file or kafka.sasl.token_url"
        } else {
            "only what the mechanism uses"
        };
        report(
            checked,
            problems,
            &path(key),
            "a setting that is not used",
            expected,
        );
    }
    check_sasl_secrecy(checked, mechanism, problems);
}

/// Settings of mechanisms with a password.
const PASSWORD_SETTINGS: [&str; 2] = ["username", "password"];

/// Settings of the mechanism with tokens: the file, then those of the endpoint, the ones that must be there first.
const TOKEN_SETTINGS: [&str; 6] = [
    "token_file",
    "token_url",
    "client_id",
    "client_secret",
    "scope",
    "token_ca",
];

/// What is secret goes over connections that nobody can read, unless a person says otherwise.
fn check_sasl_secrecy(checked: &Checked, mechanism: &str, problems: &mut Vec<Problem>) {
    if is_on(checked, "kafka.sasl.insecure_plaintext") {
        return;
    }
    let has_tls = checked.entry("kafka.tls.verify").is_some();
    if matches!(mechanism, "PLAIN" | "OAUTHBEARER") && !has_tls {
        let expected = "a [kafka.tls] section, a SCRAM mechanism, or kafka.sasl.insecure_plaintext = true";
        let found = format!("\"{mechanism}\" without TLS");
        report(checked, problems, "kafka.sasl.mechanism", found, expected);
    }
    let is_plain = |url: &str| url.starts_with("http://") && !is_loopback(url);
    if checked.text("kafka.sasl.token_url").is_some_and(is_plain) {
        let expected = "an https:// address, or kafka.sasl.insecure_plaintext = true";
        report(
            checked,
            problems,
            "kafka.sasl.token_url",
            "an address off the loopback without TLS",
            expected,
        );
    }
}

/// Whether the host of an `http://` address is a loopback address.
fn is_loopback(url: &str) -> bool {
    let host = url
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default();
    let address = host.parse::<SocketAddr>().map(|address| address.ip());
    address
        .or_else(|_| host.parse())
        .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn check_files(checked: &Checked, problems: &mut Vec<Problem>) {
    let entries = checked.entries.iter();
    for entry in entries.filter(|entry| entry.setting.path == "files[].path") {
        let Some(path) = checked.text(&entry.path) else {
            continue;
        };
        // Another working folder would be another log.
        let expected = if Path::new(path).is_absolute() {
            follow::check_pattern(path).err()
        } else {
            Some("a path that begins with /".to_owned())
        };
        if let Some(expected) = expected {
            report(checked, problems, &entry.path, format!("\"{path}\""), expected);
        }
    }
}

fn check_syslog(checked: &Checked, problems: &mut Vec<Problem>) {
    let path = |at: usize, key: &str| format!("syslog[{at}].{key}");
    let count = (0..).take_while(|at| checked.entry(&path(*at, "allow")).is_some());
    for at in count {
        let protocol = checked.text(&path(at, "protocol"));
        let certificate = path(at, "tls.certificate");
        match (protocol, checked.entry(&certificate).is_some()) {
            (Some("tls"), false) => report(
                checked,
                problems,
                &certificate,
                "nothing",
                "a [syslog.tls] section, because the protocol is tls",
            ),
            (Some("udp" | "tcp"), true) => report(
                checked,
                problems,
                &path(at, "protocol"),
                "a certificate that nobody is shown",
                "the protocol tls, or no [syslog.tls] section",
            ),
            _ => {}
        }
        let address = checked.text(&path(at, "listen"));
        let is_public = address
            .and_then(|text| text.parse::<SocketAddr>().ok())
            .is_some_and(|address| !address.ip().to_canonical().is_loopback());
        let trust = checked.text(&path(at, "trust"));
        if protocol == Some("udp") && is_public && trust != Some("observe") {
            let found = format!("\"{}\" of datagrams off the loopback", trust.unwrap_or_default());
            let expected = "\"observe\": anyone can send a datagram in another's name";
            report(checked, problems, &path(at, "trust"), found, expected);
        }
    }
}

fn check_policy(checked: &Checked, problems: &mut Vec<Problem>) {
    let number = |path: &str| number(checked, path);
    for (low, high) in [
        ("policy.observe_from", "policy.throttle_from"),
        ("policy.throttle_from", "policy.block_from"),
        ("policy.block_secs", "policy.block_secs_max"),
    ] {
        if let (Some(least), Some(most)) = (number(low), number(high))
            && most < least
        {
            let expected = format!("at least {low}, which is {least}");
            report(checked, problems, high, most.to_string(), expected);
        }
    }
    if number("policy.observe_from") == Some(0.0) {
        report(
            checked,
            problems,
            "policy.observe_from",
            "0",
            "a number above 0: otherwise every client is shown",
        );
    }
}

fn check_listener(checked: &Checked, at: usize, problems: &mut Vec<Problem>) {
    let path = |key: &str| format!("api.listeners[{at}].{key}");
    let has = |key: &str| checked.entry(&path(key)).is_some();
    let kinds: Vec<&str> = checked
        .entry(&path("kinds"))
        .and_then(|entry| entry.value.as_ref()?.as_array())
        .map(|kinds| kinds.iter().filter_map(|kind| kind.as_str()).collect())
        .unwrap_or_default();
    let address = checked
        .text(&path("address"))
        .and_then(|text| text.parse::<SocketAddr>().ok());
    let is_public = address.is_some_and(|address| !address.ip().to_canonical().is_loopback());
    if is_public && !has("tls.certificate") && !is_on(checked, &path("insecure_plaintext")) {
        let expected = format!(
            "a [api.listeners.tls] section, or {} = true",
            path("insecure_plaintext")
        );
        report(
            checked,
            problems,
            &path("address"),
            "an address off the loopback without TLS",
            expected,
        );
    }
    let hosts = checked
        .entry(&path("hosts"))
        .and_then(|entry| entry.value.as_ref()?.as_array());
    if is_public && kinds.contains(&"admin") && hosts.is_some_and(Vec::is_empty) {
        let expected = "the names under which browsers reach this listener";
        report(checked, problems, &path("hosts"), "no name", expected);
    }
    if has("shared_secret") && !kinds.is_empty() && !kinds.contains(&"check") {
        let expected = "kind \"check\" on this listener, or no shared_secret";
        report(
            checked,
            problems,
            &path("shared_secret"),
            "a secret that nobody asks for",
            expected,
        );
    }
    check_secret(checked, &path("shared_secret"), problems);
}

fn check_secret(checked: &Checked, path: &str, problems: &mut Vec<Problem>) {
    if checked
        .text(path)
        .is_some_and(|secret| secret.len() < SHARED_SECRET_BYTES_MIN)
    {
        let expected = format!("at least {SHARED_SECRET_BYTES_MIN} characters");
        report(checked, problems, path, "a secret that can be guessed", expected);
    }
}

fn check_addresses(checked: &Checked, problems: &mut Vec<Problem>) {
    let mut seen: Vec<(SocketAddr, &str)> = Vec::new();
    for entry in checked
        .entries
        .iter()
        .filter(|entry| entry.setting.path == "api.listeners[].address")
    {
        let Some(address) = checked
            .text(&entry.path)
            .and_then(|text| text.parse::<SocketAddr>().ok())
        else {
            continue;
        };
        match seen.iter().find(|(other, _)| *other == address) {
            Some((_, first)) => {
                let found = format!("\"{address}\", as {first} has it");
                report(checked, problems, &entry.path, found, "another address or port");
            }
            None => seen.push((address, &entry.path)),
        }
    }
}

fn check_allowlist(checked: &Checked, problems: &mut Vec<Problem>) {
    for entry in checked
        .entries
        .iter()
        .filter(|entry| entry.setting.path == "allowlist[].value")
    {
        let scope = entry.path.replace(".value", ".scope");
        let scope = checked.text(&scope).and_then(Scope::from_name);
        let (Some(scope), Some(value)) = (scope, checked.text(&entry.path)) else {
            continue;
        };
        if let Err(error) = Client::parse(scope, value) {
            report(
                checked,
                problems,
                &entry.path,
                format!("\"{value}\""),
                error.expected,
            );
        }
    }
}

fn check_routes(checked: &Checked, problems: &mut Vec<Problem>) {
    let entries = checked.entries.iter();
    let paths: Vec<&Entry> = entries
        .filter(|entry| entry.setting.path == "routes[].path")
        .collect();
    for entry in &paths {
        let Some(path) = checked.text(&entry.path) else {
            continue;
        };
        if let Err(expected) = Glob::new(path) {
            report(checked, problems, &entry.path, format!("\"{path}\""), expected);
        }
    }
    if paths.len() > ROLE_OVERRIDES_MAX {
        let expected = format!("at most {ROLE_OVERRIDES_MAX} entries: each is held against every request");
        report(checked, problems, "routes", paths.len().to_string(), expected);
    }
}

fn is_on(checked: &Checked, path: &str) -> bool {
    checked
        .entry(path)
        .and_then(|entry| entry.value.as_ref()?.as_bool())
        == Some(true)
}
