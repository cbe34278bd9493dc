//! From what was written to a value of its kind, or to a problem.

use super::document::{Node, Origin, Raw, parse_value};
use super::problem::{Problem, suggest};
use super::setting::{Kind, format_names};
use domain::Timestamp;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use toml::Value;

/// Longest secret that is read from a file, in bytes. Larger files are something else.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// Longest topic name, in bytes: Kafka's own limit.
const TOPIC_BYTES_MAX: usize = 249;

/// Longest path or URL, in bytes, as Linux has it for paths.
const PATH_BYTES_MAX: usize = 4096;

/// What surrounds the configuration: the only things that reading it asks the machine for.
pub(crate) struct Surroundings<'a> {
    /// Environment variables.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Reads the file of a secret.
    pub(crate) read_file: &'a dyn Fn(&Path) -> std::io::Result<String>,
    /// The model files and databases that it names.
    pub(crate) models: &'a dyn Models,
}

/// What a configuration asks of the models and databases that it names.
pub(crate) trait Models {
    /// What is wrong with a model file: what was found, and what was expected. `None` when nothing is, or nobody here needs it.
    fn problem(&self, file: &Path) -> Option<(String, String)>;

    /// The same of a database of autonomous systems.
    fn networks_problem(&self, file: &Path) -> Option<(String, String)>;

    /// The same of documents that name routes, with the place of the one that is wrong.
    fn documents_problem(&self, files: &[PathBuf]) -> Option<(usize, String, String)>;

    /// The same of a database of countries.
    fn countries_problem(&self, file: &Path) -> Option<(String, String)>;

    /// What a budget of wrong blocks per million client-days must be at least for a model (the shipped one without a path)
    /// to show it; `None` when it can show this one.
    fn least_budget(&self, model: Option<&Path>, per_million: f64) -> Option<String>;
}

/// Asks nothing of models: for configurations that name none.
pub(crate) struct NoModels;

impl Models for NoModels {
    fn problem(&self, _file: &Path) -> Option<(String, String)> {
        None
    }

    fn countries_problem(&self, _file: &Path) -> Option<(String, String)> {
        None
    }

    fn networks_problem(&self, _file: &Path) -> Option<(String, String)> {
        None
    }

    fn documents_problem(&self, _files: &[PathBuf]) -> Option<(usize, String, String)> {
        None
    }

    fn least_budget(&self, _model: Option<&Path>, _per_million: f64) -> Option<String> {
        None
    }
}

/// Reads a value as its kind. Every problem goes into `problems`; `None` when there was one.
pub(crate) fn read(
    path: &str,
    kind: Kind,
    node: &Node,
    surroundings: &Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Value> {
    let converted = convert(kind, node);
    let node = converted.as_ref().unwrap_or(node);
    if let Kind::List(inner, least, most) = kind {
        return match &node.raw {
            Raw::List(nodes) if (least..=most).contains(&nodes.len()) => {
                let values: Vec<Option<Value>> = (0..)
                    .zip(nodes)
                    .map(|(at, node): (usize, _)| {
                        read(&format!("{path}[{at}]"), *inner, node, surroundings, problems)
                    })
                    .collect();
                values
                    .into_iter()
                    .collect::<Option<Vec<Value>>>()
                    .map(Value::Array)
            }
            _ => {
                problems.push(refuse(path, kind, node));
                None
            }
        };
    }
    let resolved = match &node.raw {
        Raw::Table(table) if kind.is_indirect() => resolve(table, surroundings),
        _ => Ok(None),
    };
    let read = match resolved {
        Ok(Some(text)) => scalar(kind, &Raw::Text(text)).ok_or_else(|| refuse(path, kind, node)),
        Ok(None) => scalar(kind, &node.raw).ok_or_else(|| refuse(path, kind, node)),
        Err((found, expected)) => Err(Problem {
            found,
            expected,
            ..refuse(path, kind, node)
        }),
    };
    read.map_err(|problem| problems.push(problem)).ok()
}

/// A value of the environment is text, whatever the kind: a list has commas, or is TOML.
fn convert(kind: Kind, node: &Node) -> Option<Node> {
    let (Raw::Text(text), Origin::Environment(_)) = (&node.raw, &node.origin) else {
        return None;
    };
    match kind {
        Kind::Integer(..) | Kind::Share | Kind::Switch => parse_value(text, &node.origin),
        Kind::List(..) if text.trim_start().starts_with('[') => parse_value(text, &node.origin),
        Kind::List(..) => {
            let part = |part: &str| Node {
                raw: Raw::Text(part.trim().to_owned()),
                origin: node.origin.clone(),
            };
            let parts = text.split(',').filter(|part| !part.trim().is_empty()).map(part);
            Some(Node {
                raw: Raw::List(parts.collect()),
                origin: node.origin.clone(),
            })
        }
        kind if kind.is_indirect() && text.trim_start().starts_with('{') => parse_value(text, &node.origin),
        _ => None,
    }
}

/// Reads `{ file = "…" }` or `{ env = "…" }`. The error is what was found and what was expected.
fn resolve(
    table: &BTreeMap<String, Node>,
    surroundings: &Surroundings<'_>,
) -> Result<Option<String>, (String, String)> {
    let mut entries = table.iter();
    let (Some((key, node)), None) = (entries.next(), entries.next()) else {
        return Ok(None);
    };
    match (key.as_str(), &node.raw) {
        ("file", Raw::Text(file)) => match (surroundings.read_file)(Path::new(file)) {
            Ok(text) if text.len() <= SECRET_BYTES_MAX => {
                Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            Ok(_) => Err((
                format!("a large file {file}"),
                format!("a secret of at most {SECRET_BYTES_MAX} bytes"),
            )),
            Err(error) => Err((
                format!("{{ file = {} }} ({error})", node.show()),
                "a readable file".to_owned(),
            )),
        },
        ("env", Raw::Text(name)) => surroundings
            .environment
            .get(name)
            .cloned()
            .map(Some)
            .ok_or_else(|| {
                (
                    format!("{{ env = {} }}", node.show()),
                    "a variable that is set".to_owned(),
                )
            }),
        _ => Ok(None),
    }
}

fn scalar(kind: Kind, raw: &Raw) -> Option<Value> {
    match (kind, raw) {
        (Kind::Integer(least, most), Raw::Integer(number)) => {
            (least..=most).contains(number).then_some(Value::Integer(*number))
        }
        (Kind::Share, Raw::Float(number)) => (0.0..=1.0).contains(number).then_some(Value::Float(*number)),
        (Kind::Share, Raw::Integer(number @ 0..=1)) => {
            Some(Value::Float(if *number == 0 { 0.0 } else { 1.0 }))
        }
        (Kind::Switch, Raw::Switch(is_on)) => Some(Value::Boolean(*is_on)),
        (Kind::ChoiceOrMoment(words), Raw::Text(text)) if words.contains(&text.as_str()) => {
            Some(Value::String(text.clone()))
        }
        (Kind::Moment | Kind::ChoiceOrMoment(_), Raw::Other(text) | Raw::Text(text)) => {
            Timestamp::parse_rfc3339(text).map(|_| Value::String(text.clone()))
        }
        (_, Raw::Text(text)) => is_text_of(kind, text).then(|| Value::String(text.clone())),
        _ => None,
    }
}

/// Whether a text is one of its kind.
fn is_text_of(kind: Kind, text: &str) -> bool {
    let is_plain =
        |bytes: usize| !text.is_empty() && text.len() <= bytes && !text.chars().any(char::is_control);
    match kind {
        Kind::Text(bytes) => is_plain(bytes),
        Kind::Choice(words) => words.contains(&text),
        Kind::Format => ingest::FormatChoice::from_text(text).is_ok(),
        Kind::Secret => !text.is_empty() && text.len() <= SECRET_BYTES_MAX,
        Kind::Key => text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
        Kind::Listen => text.parse::<SocketAddr>().is_ok(),
        Kind::Remote => is_remote(text),
        Kind::Range => is_range(text, 0),
        Kind::Proxies => is_range(text, 1),
        Kind::File => is_plain(PATH_BYTES_MAX),
        Kind::Url(schemes) => {
            is_plain(PATH_BYTES_MAX)
                && schemes
                    .iter()
                    .any(|scheme| text.len() > scheme.len() && text.starts_with(scheme))
        }
        Kind::Pattern => is_pattern(text),
        Kind::Topic => is_topic(text, false),
        Kind::TopicPattern => is_topic(text, true),
        Kind::Integer(..)
        | Kind::Share
        | Kind::Switch
        | Kind::Moment
        | Kind::ChoiceOrMoment(_)
        | Kind::List(..) => false,
    }
}

fn is_range(text: &str, prefix_min: u8) -> bool {
    match text.parse::<IpNet>() {
        Ok(range) => range.prefix_len() >= prefix_min,
        Err(_) => text.parse::<IpAddr>().is_ok(),
    }
}

fn is_remote(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_address = host.starts_with('[') && text.parse::<SocketAddr>().is_ok();
    let is_host = !host.is_empty() && host.len() <= 253 && host.bytes().all(is_name);
    (is_host || is_address) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_pattern(text: &str) -> bool {
    let rules = ingest::mask::MaskRules {
        patterns: vec![text.to_owned()],
        ..Default::default()
    };
    ingest::mask::Masker::new(&rules).is_ok()
}

fn is_topic(text: &str, has_stars: bool) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || (has_stars && byte == b'*');
    (1..=TOPIC_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_letter) && text != "." && text != ".."
}

fn refuse(path: &str, kind: Kind, node: &Node) -> Problem {
    let suggestion = match (kind, &node.raw) {
        (Kind::Choice(words) | Kind::ChoiceOrMoment(words), Raw::Text(text)) => {
            suggest(text, words.iter().copied())
        }
        (Kind::Format, Raw::Text(text)) => suggest(text, format_names()),
        _ => None,
    };
    Problem {
        path: path.to_owned(),
        origin: node.origin.clone(),
        found: found(kind, node),
        expected: expected(kind, &node.raw),
        suggestion: suggestion.map(|word| format!("\"{word}\"")),
    }
}

/// What was expected: of a format that was written down, what is wrong with it.
fn expected(kind: Kind, raw: &Raw) -> String {
    match (kind, raw) {
        (Kind::Format, Raw::Text(text)) if text.contains(':') => {
            ingest::FormatChoice::from_text(text).map_or_else(|wrong| wrong.message, |_| kind.to_string())
        }
        _ => kind.to_string(),
    }
}

/// What was found, without secrets.
fn found(kind: Kind, node: &Node) -> String {
    match (kind, &node.raw) {
        (_, Raw::Table(_) | Raw::List(_)) => node.show(),
        (kind, _) if kind.is_secret() => "a value that is not shown".to_owned(),
        (Kind::Url(_), Raw::Text(text)) => Value::String(mask_url(text)).to_string(),
        _ => node.show(),
    }
}

/// Writes a URL without its password and without the secrets that drivers take as parameters.
pub(crate) fn mask_url(url: &str) -> String {
    let (base, query) = url
        .split_once('?')
        .map_or((url, None), |(base, query)| (base, Some(query)));
    let masked = match base
        .split_once("://")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
    {
        Some((scheme, (user, rest))) => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            let mark = if name.len() < user.len() { ":******" } else { "" };
            format!("{scheme}://{name}{mark}@{rest}")
        }
        None => base.to_owned(),
    };
    match query {
        Some(_) => format!("{masked}?******"),
        None => masked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, written: &str, is_right: bool) {
        let node = parse_value(written, &Origin::Default).expect(written);
        let none = BTreeMap::new();
        let surroundings = Surroundings {
            environment: &none,
            read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
            models: &NoModels,
        };
        let mut problems = Vec::new();
        let value = read("it", kind, &node, &surroundings, &mut problems);
        assert_eq!(value.is_some(), is_right, "{written} as {kind}: {problems:?}");
        assert_eq!(problems.is_empty(), is_right);
    }

    #[test]
    fn a_value_is_held_against_its_kind() {
        check(Kind::Integer(1, 5), "5", true);
        check(Kind::Integer(1, 5), "6", false);
        check(Kind::Integer(1, 5), "\"5\"", false);
        check(Kind::Integer(1, 5), "99999999999999999999", false);
        check(Kind::Share, "1", true);
        check(Kind::Share, "1.5", false);
        check(Kind::Share, "nan", false);
        check(Kind::Listen, "\"[::1]:80\"", true);
        check(Kind::Listen, "\"localhost:80\"", false);
        check(Kind::Remote, "\"kafka_1.internal:9092\"", true);
        check(Kind::Remote, "\"[::1]:9092\"", true);
        check(Kind::Remote, "\"kafka:0\"", false);
        check(Kind::Remote, "\"kafka\"", false);
        check(Kind::Range, "\"10.0.0.1\"", true);
        check(Kind::Range, "\"10.0.0.0/33\"", false);
        check(Kind::Proxies, "\"10.0.0.0/8\"", true);
        check(Kind::Proxies, "\"::/0\"", false);
        check(Kind::Topic, "\"access.eu-1\"", true);
        check(Kind::Topic, "\"access*\"", false);
        check(Kind::TopicPattern, "\"access*\"", true);
        check(Kind::Moment, "2027-01-31T00:00:00Z", true);
        check(Kind::Moment, "2027-01-31", false);
        check(Kind::ChoiceOrMoment(&["latest"]), "2027-01-31T00:00:00Z", true);
        check(
            Kind::ChoiceOrMoment(&["latest"]),
            "\"2027-01-31T00:00:00+01:00\"",
            true,
        );
        check(Kind::ChoiceOrMoment(&["latest"]), "\"latest\"", true);
        check(Kind::ChoiceOrMoment(&["latest"]), "\"newest\"", false);
        check(Kind::Key, "\"000102030405060708090a0b0c0d0e0f\"", true);
        check(Kind::Key, "{ file = \"missing\" }", false);
        check(Kind::Secret, "{ env = \"UNSET\" }", false);
        check(Kind::Url(&["sqlite:"]), "\"sqlite:\"", false);
        check(Kind::Text(3), "\"a\\u0007\"", false);
        check(Kind::List(&Kind::Share, 1, 2), "[]", false);
        check(Kind::List(&Kind::Share, 1, 2), "[0.1, 2]", false);
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        let check = |url: &str, shown: &str| assert_eq!(mask_url(url), shown);
        check("postgres://me:s3:cr@et@db/x", "postgres://me:******@db/x");
        check("postgres://me@db/x?password=s3cret", "postgres://me@db/x?******");
        check("sqlite:///var/x.db", "sqlite:///var/x.db");
    }
}
