//! Tests of rules, as data beside them: requests, and for whom the rule is to fire.

use super::reader::Reader;
use super::{read::Written, rule_set};
use crate::analysis::{self, Pass, scan_key};
use crate::config::Problem;
use crate::config::document::{Origin, Table};
use crate::scorer::BundleScorer;
use crate::wiring::format_choice;
use detector::{Detector, Output, Serial, Settings};
use domain::{AddressSource, Alert, Client, Origin as DecidedBy, Position, RequestRecord, Scope, Timestamp};
use ingest::{FormatChoice, LineReader, ParserConfig};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Requests that one test may hold, repetitions included.
const REQUESTS_MAX: usize = 10_000;

/// When the requests of a table begin: a moment that every log could have.
const START_SECS: i64 = 1_795_000_000;

/// A test of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    /// What it shows.
    pub(crate) name: String,
    input: Input,
    /// For whom the rule is to fire.
    fires: Vec<Client>,
}

#[derive(Debug, Clone)]
enum Input {
    /// Requests in short.
    Table(Vec<Short>),
    /// Lines of a log.
    Log { format: FormatChoice, text: String },
}

/// A request in short.
#[derive(Debug, Clone)]
struct Short {
    millis: i64,
    client: Client,
    method: String,
    path: String,
    query: Option<String>,
    status: u16,
    host: Option<String>,
    user_agent: Option<String>,
    referer: Option<String>,
}

/// What a test came to.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// For whom the rule fired, and what it said.
    pub(crate) fired: BTreeMap<Client, String>,
    /// For whom it was to fire.
    pub(crate) expected: Vec<Client>,
}

impl Verdict {
    /// Whether the rule fired for those and nobody else.
    pub(crate) fn is_right(&self) -> bool {
        self.fired.len() == self.expected.len()
            && self.expected.iter().all(|client| self.fired.contains_key(client))
    }
}

const REQUESTS_FORM: &str = "lines of SECONDS CLIENT METHOD TARGET STATUS, then if wanted xCOUNT or xCOUNT/SECONDS \
                             for so many at such a pace, host=…, agent=…, referer=… (in double quotes if they hold \
                             spaces)";

/// Reads a test.
pub(super) fn read(path: String, table: &Table, origin: &Origin, problems: &mut Vec<Problem>) -> Trial {
    let mut reader = Reader::new(path, table, origin, problems);
    reader.required("name", "what the test shows");
    let name = reader.text("name").unwrap_or_default();
    reader.required(
        "fires",
        "a list of clients for which the rule fires; an empty one for silence",
    );
    let fires = reader.several("fires", |node| {
        let text = super::reader::text(node);
        text.and_then(|text| client(&text))
            .ok_or_else(|| CLIENT_FORM.to_owned())
    });
    let requests = reader.text("requests");
    let log = reader.text("log");
    let format = reader.text("format");
    let input = match (requests, log) {
        (Some(text), None) => match table_of(&text) {
            Ok(requests) => Input::Table(requests),
            Err(line) => {
                reader.refuse("requests", format!("{line:?}"), REQUESTS_FORM);
                Input::Table(Vec::new())
            }
        },
        (None, Some(text)) => {
            let format = format_choice(format.as_deref().unwrap_or("auto")).unwrap_or_else(|error| {
                reader.refuse("format", format!("{format:?}"), error.to_string());
                FormatChoice::Auto
            });
            Input::Log { format, text }
        }
        (Some(_), Some(_)) => {
            reader.refuse("log", "requests and log", "one of them");
            Input::Table(Vec::new())
        }
        (None, None) => {
            reader.refuse("requests", "neither requests nor log", "one of them");
            Input::Table(Vec::new())
        }
    };
    reader.finish();
    Trial { name, input, fires }
}

const CLIENT_FORM: &str = "an address such as 203.0.113.9, or a scope and a name such as api_key:abc";

fn client(text: &str) -> Option<Client> {
    if let Ok(client) = Client::parse(Scope::Ip, text) {
        return Some(client);
    }
    if let Ok(client) = Client::parse(Scope::Range, text) {
        return Some(client);
    }
    let (scope, value) = text.split_once(':')?;
    Client::parse(Scope::from_name(scope)?, value).ok()
}

/// Reads the lines; the error is the line that could not be read.
fn table_of(text: &str) -> Result<Vec<Short>, String> {
    let mut requests = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || line.chars().take(80).collect::<String>();
        let (first, count, pause_millis) = short(line).ok_or_else(wrong)?;
        if requests.len() + count > REQUESTS_MAX {
            return Err(format!("more than {REQUESTS_MAX} requests"));
        }
        requests.extend((0..count as i64).map(|step| Short {
            millis: first.millis + step * pause_millis,
            ..first.clone()
        }));
    }
    // Lines may be written client by client.
    requests.sort_by_key(|request| request.millis);
    Ok(requests)
}

/// A line: its request, how many of it, and the pause between two in milliseconds.
fn short(line: &str) -> Option<(Short, usize, i64)> {
    let words = words(line)?;
    let [at, who, method, target, status, rest @ ..] = &words[..] else {
        return None;
    };
    let seconds: f64 = at.parse().ok().filter(|secs| (0.0..=1e8).contains(secs))?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target.clone(), None),
    };
    let mut request = Short {
        millis: (seconds * 1000.0) as i64,
        client: client(who)?,
        method: method.clone(),
        path,
        query,
        status: status.parse().ok().filter(|status| *status <= 599)?,
        host: None,
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0".to_owned()),
        referer: None,
    };
    let (mut count, mut pause_millis) = (1, 1000);
    for word in rest {
        let value = |name: &str| word.strip_prefix(name).map(str::to_owned);
        if let Some(host) = value("host=") {
            request.host = Some(host);
        } else if let Some(agent) = value("agent=") {
            request.user_agent = Some(agent).filter(|agent| !agent.is_empty());
        } else if let Some(referer) = value("referer=") {
            request.referer = Some(referer);
        } else {
            let (times, pause) = word
                .strip_prefix('x')?
                .split_once('/')
                .unwrap_or((&word[1..], "1"));
            count = times
                .parse()
                .ok()
                .filter(|count| (1..=REQUESTS_MAX).contains(count))?;
            let secs: f64 = pause.parse().ok().filter(|secs| (0.0..=1e6).contains(secs))?;
            pause_millis = (secs * 1000.0) as i64;
        }
    }
    Some((request, count, pause_millis))
}

/// Cuts a line at spaces outside double quotes; the quotes go.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut is_quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '"' => (is_quoted, is_word) = (!is_quoted, true),
            letter if letter.is_whitespace() && !is_quoted => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => {
                word.push(letter);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    (!is_quoted).then_some(words)
}

impl Short {
    fn record(&self, line: u64) -> RequestRecord<'_> {
        fn text(field: Option<&String>) -> Option<Cow<'_, str>> {
            field.map(|text| Cow::Borrowed(text.as_str()))
        }
        RequestRecord {
            at: Timestamp::from_millis(START_SECS * 1000 + self.millis),
            client: self.client.clone(),
            former: None,
            claim: None,
            address: self.client.range().map(|range| range.addr()),
            address_source: AddressSource::Peer,
            method: Cow::Borrowed(&self.method),
            host: text(self.host.as_ref()),
            path: Cow::Borrowed(&self.path),
            query: text(self.query.as_ref()),
            route: ingest::route::of(&self.path, self.query.as_deref(), &scan_key()),
            status: self.status,
            bytes_in: None,
            bytes_out: None,
            duration_ms: None,
            upstream_ms: None,
            protocol: None,
            user_agent: text(self.user_agent.as_ref()),
            referer: text(self.referer.as_ref()),
            tls: None,
            fingerprint: None,
            network: None,
            is_malformed: false,
            is_ambiguous: false,
            is_stopped: false,
            position: Position { source: 0, line },
        }
    }
}

/// Runs a test: the rule alone, in a detector that only watches, so that nothing else stops requests.
///
/// # Errors
/// When the rule is wrong, or the lines are no log.
pub(crate) fn run(written: &Written, trial: &Trial) -> anyhow::Result<Verdict> {
    let mut settings = Settings::new(scan_key(), analysis::DESCRIBE);
    settings.rules = rule_set(std::slice::from_ref(written))?;
    settings.policy.is_shadow = true;
    settings.clients_max = REQUESTS_MAX;
    let scorer = BundleScorer::load(None)?;
    let mut fired = BTreeMap::new();
    let mut hear = |outputs: &[Output]| {
        for alert in outputs.iter().filter_map(of_rule) {
            let sentence = alert.reasons.first().map(|reason| reason.sentence.clone());
            fired
                .entry(alert.client.clone())
                .or_insert(sentence.unwrap_or_default());
        }
    };
    match &trial.input {
        Input::Table(requests) => {
            let mut detector = Detector::new(settings, scorer);
            let records: Vec<RequestRecord<'_>> = (1..)
                .zip(requests)
                .map(|(line, request)| request.record(line))
                .collect();
            let mut outputs = Vec::new();
            detector.observe(&records, &Serial, &mut outputs);
            detector.flush(&mut outputs);
            hear(&outputs);
        }
        Input::Log { format, text } => {
            let bytes = std::io::Cursor::new(text.clone().into_bytes());
            let reader = LineReader::from_reader(Box::new(bytes), "the test's log", 0)?;
            let pass = Pass {
                scorer,
                parser: ParserConfig {
                    format: format.clone(),
                    ..ParserConfig::new(scan_key())
                },
                settings,
                threads: 1,
            };
            let outcome = analysis::run_watched(pass, vec![reader], |_, outputs, _| hear(outputs));
            anyhow::ensure!(
                outcome.rejected == 0 && outcome.parsed > 0,
                "{} of {} lines of the test's log could not be read: name their format",
                outcome.rejected,
                outcome.lines
            );
        }
    }
    Ok(Verdict {
        fired,
        expected: trial.fires.clone(),
    })
}

fn of_rule(output: &Output) -> Option<&Alert> {
    match output {
        Output::Alert(alert) if is_of_rule(alert) => Some(alert),
        _ => None,
    }
}

/// Whether an alert comes from a rule.
pub(crate) fn is_of_rule(alert: &Alert) -> bool {
    alert
        .reasons
        .first()
        .is_some_and(|reason| reason.feature == DecidedBy::Rule.as_str())
}
