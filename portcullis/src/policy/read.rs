//! From a policy file to clauses and their tests. Every problem of a file is named at once.

use super::trial::{self, Trial};
use crate::config::document::{self, Node, Origin, Table};
use crate::config::{Problem, Report};
use crate::rules::reader::{Reader, text};
use crate::rules::{feature, features_form};
use detector::policy::{Clause, ClauseSet, DAY_MINUTES, Hours, RoleSet, Span, WEEKDAYS, When};
use detector::signal::RouteRole;
use domain::{Action, Client, Mode, Origin as DecidedBy, Scope, ThreatKind};

/// A policy as a file has it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Its clauses.
    pub(crate) clauses: ClauseSet,
    /// The line at which each clause begins.
    pub(crate) lines: Vec<usize>,
    /// What must be true of it.
    pub(crate) trials: Vec<Trial>,
    /// The file's name.
    pub(crate) file: String,
}

/// Reads the policy of a file.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn read(file: &str, text: &str) -> Result<Written, Report> {
    let (table, mut problems) = document::parse(text);
    let is_whole = problems.is_empty();
    let mut root = Reader::new(String::new(), &table, &Origin::File(1), &mut problems);
    root.required("name", "what the policy is called in decisions by it");
    let name = root.text("name").unwrap_or_default();
    root.required(
        "version",
        "which version of it this is, such as \"2026-11-28\" or \"7\"",
    );
    let version = root.text("version").unwrap_or_default();
    let is_shadow = mode(&mut root).unwrap_or(false);
    let (mut clauses, mut lines): (Vec<Clause>, Vec<usize>) = (Vec::new(), Vec::new());
    for (path, table, origin) in root.tables("clause") {
        let clause = read_clause((path, table, origin), (is_shadow, &clauses), root.problems());
        clauses.push(clause);
        lines.push(line(origin));
    }
    let names: Vec<&str> = clauses.iter().map(|clause| clause.name.as_str()).collect();
    let mut trials = Vec::new();
    for (path, table, origin) in root.tables("test") {
        trials.push(trial::read((path, table, origin), &names, root.problems()));
    }
    if root.problems().is_empty() && is_whole {
        match ClauseSet::new(name, version, clauses) {
            Ok(clauses) => {
                root.finish();
                if problems.is_empty() {
                    let file = file.to_owned();
                    return Ok(Written {
                        clauses,
                        lines,
                        trials,
                        file,
                    });
                }
                return Err(Report::new(file, problems));
            }
            Err(wrong) => wrong
                .into_iter()
                .for_each(|problem| root.refuse(problem.field, problem.found, problem.expected)),
        }
    }
    root.finish();
    Err(Report::new(file, problems))
}

/// The line on which something stands.
pub(super) fn line(origin: &Origin) -> usize {
    match origin {
        Origin::File(line) => *line,
        Origin::Environment(_) | Origin::Default => 1,
    }
}

/// Whether decisions are only recorded.
pub(super) fn mode(reader: &mut Reader<'_>) -> Option<bool> {
    let modes = [Mode::Enforced, Mode::Shadow];
    let words = modes.map(Mode::as_str);
    let mode = reader.word("mode", &words, |word| {
        modes.into_iter().find(|mode| mode.as_str() == word)
    });
    mode.map(|mode| mode == Mode::Shadow)
}

/// Actions as they are written.
pub(super) fn action(reader: &mut Reader<'_>) -> Option<Action> {
    let actions = Action::ALL.map(Action::as_str);
    reader.required("action", &actions.join(", "));
    reader.word("action", &actions, |word| word.parse().ok())
}

/// A number of seconds, or several.
pub(super) fn seconds(node: &Node) -> Result<u32, String> {
    match node.raw {
        document::Raw::Integer(secs) => u32::try_from(secs).ok(),
        _ => None,
    }
    .ok_or_else(|| "seconds as a whole number, or a list of them, one for each further offence".to_owned())
}

fn read_clause(
    (path, table, origin): (String, &Table, &Origin),
    (is_shadow, earlier): (bool, &[Clause]),
    problems: &mut Vec<Problem>,
) -> Clause {
    let before = problems.len();
    let mut reader = Reader::new(path, table, origin, problems);
    reader.required("name", "a name by which decisions name the clause");
    let name = reader.text("name").unwrap_or_default();
    if earlier.iter().any(|other| other.name == name) {
        reader.refuse(
            "name",
            format!("{name:?} twice"),
            "a name of its own for each clause",
        );
    }
    let description = reader.text("description").unwrap_or_default();
    let action = action(&mut reader);
    let for_secs = reader.several("for_secs", seconds);
    let memory_secs = reader.integer("memory_secs");
    let gateways = reader.several("gateways", |node| {
        text(node).ok_or_else(|| "a gateway's name".to_owned())
    });
    let is_shadow = mode(&mut reader).unwrap_or(is_shadow);
    let mut conditions = reader.tables("when");
    if conditions.len() > 1 {
        reader.refuse("when", "several conditions", "one table: write a clause for each");
    }
    let when = conditions
        .pop()
        .map_or_else(When::default, |(path, table, origin)| {
            read_when(path, table, origin, reader.problems())
        });
    let clause = Clause {
        name,
        description,
        when,
        action: action.unwrap_or(Action::Observe),
        for_secs,
        memory_secs,
        gateways,
        is_shadow,
    };
    // What the detector refuses is named here too, where the line is known; what is missing was named already.
    let is_read = reader.problems().len() == before;
    for problem in clause.problems().into_iter().filter(|_| is_read) {
        let is_own = ["name", "for_secs", "memory_secs", "gateways"].contains(&problem.field);
        let field = if is_own {
            problem.field.to_owned()
        } else {
            format!("when.{}", problem.field)
        };
        reader.refuse(&field, problem.found, problem.expected);
    }
    reader.finish();
    clause
}

fn read_when(path: String, table: &Table, origin: &Origin, problems: &mut Vec<Problem>) -> When {
    let mut reader = Reader::new(path, table, origin, problems);
    let scopes = Scope::ALL.map(Scope::as_str);
    let origins = [DecidedBy::Model, DecidedBy::Rule];
    let when = When {
        threats: threats(&mut reader, "threat"),
        confidence_min: reader.number("confidence_min").unwrap_or_default() as f32,
        evidence_min: reader.number("evidence_min").unwrap_or_default() as f32,
        requests_min: reader.integer("requests_min").unwrap_or_default(),
        offences_min: reader.integer("offences_min").unwrap_or_default(),
        roles: roles(&mut reader, "role"),
        only_roles: roles(&mut reader, "only_role"),
        scopes: reader.words("scope", &scopes, Scope::from_name),
        clients: reader.several("client", |node| {
            let named = text(node).and_then(|text| client(&text));
            named.ok_or_else(|| CLIENT_FORM.to_owned())
        }),
        origins: reader.words("origin", &origins.map(DecidedBy::as_str), |word| {
            origins.into_iter().find(|origin| origin.as_str() == word)
        }),
        is_conclusive: reader.switch("is_conclusive"),
        is_established: reader.switch("is_established"),
        is_declared_crawler: reader.switch("is_declared_crawler"),
        is_crowd: reader.switch("is_crowd"),
        hours: hours(&mut reader),
        features: reader.several("feature", |node| feature(node).ok_or_else(features_form)),
    };
    reader.finish();
    when
}

pub(super) const CLIENT_FORM: &str =
    "an address, a range such as 203.0.113.0/24, or a scope and a name such as consumer:partner";

/// A client as it is written: an address, a range, or a scope and a name.
pub(super) fn client(text: &str) -> Option<Client> {
    if let Ok(client) = Client::parse(Scope::Ip, text).or_else(|_| Client::parse(Scope::Range, text)) {
        return Some(client);
    }
    let (scope, value) = text.split_once(':')?;
    Client::parse(Scope::from_name(scope)?, value).ok()
}

pub(super) fn threats(reader: &mut Reader<'_>, key: &'static str) -> Vec<ThreatKind> {
    let threats: Vec<&str> = ThreatKind::ALL.iter().map(|kind| kind.as_str()).collect();
    reader.words(key, &threats, ThreatKind::from_name)
}

pub(super) fn roles(reader: &mut Reader<'_>, key: &'static str) -> RoleSet {
    let roles = RouteRole::ALL.map(RouteRole::as_str);
    RoleSet::of(&reader.words(key, &roles, RouteRole::from_name))
}

fn hours(reader: &mut Reader<'_>) -> Hours {
    let spans = reader.several("hours", |node| {
        text(node)
            .and_then(|text| span(&text))
            .ok_or_else(|| "hours of the day such as \"22:00-06:00\"".to_owned())
    });
    let days = reader.words("days", &WEEKDAYS, |word| {
        let place = WEEKDAYS.iter().position(|day| *day == word)?;
        u8::try_from(place).ok()
    });
    let offset = reader.several("utc_offset", |node| {
        text(node)
            .and_then(|text| offset(&text))
            .ok_or_else(|| "the difference from UTC, such as \"+01:00\"".to_owned())
    });
    let is_asked = !spans.is_empty() || !days.is_empty();
    if !is_asked && !offset.is_empty() {
        reader.refuse("utc_offset", "a time zone", "hours or days beside it");
    }
    Hours {
        spans,
        days,
        offset_minutes: offset.first().copied().unwrap_or_default(),
    }
}

fn span(text: &str) -> Option<Span> {
    let (from, until) = text.split_once('-')?;
    let span = Span {
        from: minutes(from)?,
        until: minutes(until)?,
    };
    (span.from != span.until && span.from < DAY_MINUTES).then_some(span)
}

/// Minutes of the day; 24:00 is its end.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let is_short = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_short(hours) || !is_short(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY_MINUTES).then_some(all)
}

fn offset(text: &str) -> Option<i16> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    Some(sign * i16::try_from(minutes(rest)?).ok()?)
}
