//! From a rules file to rules. Every problem of a file is named at once.

use super::reader::{Reader, text};
use super::trial::{self, Trial};
use crate::config::document::{self, Node, Origin, Raw, Table};
use crate::config::{Problem, Report};
use detector::feature::FEATURES;
use detector::rule::{By, Comparison, Condition, DistinctOf, FeatureTest, Glob, Limit, Pace, Rule, Who};
use detector::signal::RouteRole;
use domain::{Action, Scope, ThreatKind};

/// A rule as a file has it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The rule.
    pub(crate) rule: Rule,
    /// What must be true of it.
    pub(crate) trials: Vec<Trial>,
    /// The file's name.
    pub(crate) file: String,
    /// The line at which it begins.
    pub(crate) line: usize,
}

/// Reads the rules of a file.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Written>, Report> {
    let (table, mut problems) = document::parse(text);
    let is_whole = problems.is_empty();
    let mut written = Vec::new();
    let mut root = Reader::new(String::new(), &table, &Origin::File(1), &mut problems);
    for (path, table, origin) in root.tables("rule") {
        let (rule, trials) = read_rule(path, table, origin, root.problems());
        written.push(Written {
            rule,
            trials,
            file: file.to_owned(),
            line: line(origin),
        });
    }
    root.finish();
    if is_whole && problems.is_empty() {
        return Ok(written);
    }
    Err(Report::new(file, problems))
}

fn line(origin: &Origin) -> usize {
    match origin {
        Origin::File(line) => *line,
        Origin::Environment(_) | Origin::Default => 1,
    }
}

fn read_rule(
    path: String,
    table: &Table,
    origin: &Origin,
    problems: &mut Vec<Problem>,
) -> (Rule, Vec<Trial>) {
    let before = problems.len();
    let mut reader = Reader::new(path, table, origin, problems);
    reader.required("name", "a name by which alerts name the rule");
    let name = reader.text("name").unwrap_or_default();
    let description = reader.text("description").unwrap_or_default();
    let threats: Vec<&str> = ThreatKind::ALL.iter().map(|kind| kind.as_str()).collect();
    reader.required("threat", "the threat that it claims");
    let threat = reader.word("threat", &threats, ThreatKind::from_name);
    let by = read_by(&mut reader);
    let limit = read_limit(&mut reader);
    let actions = ["observe", "throttle", "block"];
    reader.required("action", "observe, throttle or block");
    let action = reader.word("action", &actions, |word| {
        word.parse().ok().filter(|action| *action != Action::Challenge)
    });
    reader.required(
        "for_secs",
        "how long the action holds, in seconds: nothing is without an expiry",
    );
    let for_secs = reader.integer("for_secs");
    let when = reader.tables("when");
    let when = when
        .into_iter()
        .map(|(path, table, origin)| read_condition(path, table, origin, reader.problems()))
        .collect();
    let mut unless = reader.tables("unless");
    let unless = unless
        .pop()
        .map_or_else(Condition::default, |(path, table, origin)| {
            read_condition(path, table, origin, reader.problems())
        });
    let trials = reader.tables("test");
    let trials = trials
        .into_iter()
        .map(|(path, table, origin)| trial::read(path, table, origin, reader.problems()))
        .collect();
    let rule = Rule {
        name,
        description,
        threat: threat.unwrap_or(ThreatKind::Anomaly),
        by,
        when,
        unless,
        limit,
        action: action.unwrap_or(Action::Observe),
        for_secs: for_secs.unwrap_or(1),
    };
    // What the detector refuses is named here too, where the line is known; what is missing was named already.
    let is_read = reader.problems().len() == before;
    for problem in rule.problems().into_iter().filter(|_| is_read) {
        reader.refuse(problem.field, problem.found, problem.expected);
    }
    reader.finish();
    (rule, trials)
}

/// Words of `by`.
const BY: [&str; 7] = [
    "client", "address", "route", "host", "api_key", "subject", "consumer",
];

enum Key {
    Who(Who),
    Route,
    Host,
}

fn read_by(reader: &mut Reader<'_>) -> By {
    reader.required("by", &format!("one or more of {}", BY.join(", ")));
    let keys = reader.words("by", &BY, |word| {
        Some(match word {
            "client" => Key::Who(Who::Client),
            "address" => Key::Who(Who::Address),
            "route" => Key::Route,
            "host" => Key::Host,
            word if BY.contains(&word) => Key::Who(Who::Named(Scope::from_name(word)?)),
            _ => return None,
        })
    });
    let mut by = By::default();
    for key in keys {
        match key {
            Key::Who(who) if by.who.is_none() => by.who = Some(who),
            Key::Who(_) => reader.refuse(
                "by",
                "two kinds of clients",
                "one kind of client, alone or with route and host",
            ),
            Key::Route => by.route = true,
            Key::Host => by.host = true,
        }
    }
    by
}

fn read_limit(reader: &mut Reader<'_>) -> Limit {
    reader.required("count", "how many are too many");
    let count = reader.integer("count");
    let kinds: Vec<&str> = DistinctOf::ALL.iter().map(|of| of.as_str()).collect();
    let distinct = reader.word("distinct", &kinds, |word| {
        DistinctOf::ALL.into_iter().find(|of| of.as_str() == word)
    });
    let within = reader.integer("within_secs");
    let leak = reader.number("leak_secs");
    let pace = match (within, leak) {
        (Some(secs), None) => Pace::Within { secs },
        (None, Some(secs)) => Pace::Leak {
            // Milliseconds past what fits are past the limit, which the rule itself names.
            millis: (secs * 1000.0).round() as u32,
        },
        (found, _) => {
            let both = found.is_some();
            let found = if both {
                "within_secs and leak_secs"
            } else {
                "neither within_secs nor leak_secs"
            };
            let is_there =
                both || (reader.node("within_secs").is_none() && reader.node("leak_secs").is_none());
            if is_there {
                reader.refuse("within_secs", found, "one of within_secs, leak_secs");
            }
            Pace::Within { secs: 1 }
        }
    };
    Limit {
        count: count.unwrap_or(1),
        distinct,
        pace,
    }
}

fn read_condition(path: String, table: &Table, origin: &Origin, problems: &mut Vec<Problem>) -> Condition {
    let roles: Vec<&str> = RouteRole::ALL.iter().map(|role| role.as_str()).collect();
    let mut reader = Reader::new(path, table, origin, problems);
    let condition = Condition {
        methods: reader.several("method", |node| {
            let is_method = |text: &String| {
                (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            };
            let text = text(node).filter(is_method);
            text.map(String::into_boxed_str)
                .ok_or("a method such as POST".to_owned())
        }),
        statuses: reader.several("status", |node| {
            status(node).ok_or(
                "a status such as 404, a class such as \"4xx\", or a range such as \"400-499\"".to_owned(),
            )
        }),
        roles: reader.words("role", &roles, RouteRole::from_name),
        paths: reader.several("path", glob),
        targets: reader.several("target", glob),
        queries: reader.several("query", glob),
        hosts: reader.several("host", glob),
        user_agents: reader.several("user_agent", glob),
        referers: reader.several("referer", glob),
        has_query: reader.switch("has_query"),
        has_user_agent: reader.switch("has_user_agent"),
        has_referer: reader.switch("has_referer"),
        is_asset: reader.switch("is_asset"),
        is_documented: reader.switch("is_documented"),
        is_malformed: reader.switch("is_malformed"),
        is_probe: reader.switch("is_probe"),
        has_payload: reader.switch("has_payload"),
        features: reader.several("feature", |node| feature(node).ok_or_else(features_form)),
    };
    reader.finish();
    condition
}

fn glob(node: &Node) -> Result<Glob, String> {
    let text = text(node).ok_or("a pattern, in which * stands for any text")?;
    Glob::new(&text)
}

fn status(node: &Node) -> Option<(u16, u16)> {
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|status| *status <= 599);
    match &node.raw {
        Raw::Integer(status) => {
            let status = u16::try_from(*status).ok().filter(|status| *status <= 599)?;
            Some((status, status))
        }
        Raw::Text(text) => {
            if let Some(class) = text.strip_suffix("xx") {
                let class = number(class).filter(|class| (1..=5).contains(class))?;
                return Some((class * 100, class * 100 + 99));
            }
            let (low, high) = text.split_once('-').unwrap_or((text, text));
            let range = (number(low)?, number(high)?);
            (range.0 <= range.1).then_some(range)
        }
        _ => None,
    }
}

/// What was expected where a feature is held against a number.
pub(crate) fn features_form() -> String {
    let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    format!(
        "a feature held against a number, such as \"client_error_ratio > 0.8\"; features are {}",
        names.join(", ")
    )
}

/// A feature held against a number.
pub(crate) fn feature(node: &Node) -> Option<FeatureTest> {
    let text = text(node)?;
    let (comparison, at) = Comparison::ALL
        .into_iter()
        .find_map(|comparison| Some((comparison, text.find(comparison.as_str())?)))?;
    let name = text[..at].trim();
    let value: f32 = text[at + comparison.as_str().len()..].trim().parse().ok()?;
    Some(FeatureTest {
        feature: FEATURES.iter().position(|feature| feature.name == name)?,
        comparison,
        value: Some(value).filter(|value| value.is_finite())?,
    })
}
