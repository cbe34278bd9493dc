//! The raw form: what was written, where, and by whom. Nothing is judged here.

use super::problem::Problem;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What begins the name of every environment variable that overrides a setting.
pub(crate) const ENVIRONMENT_PREFIX: &str = "PORTCULLIS__";

/// Most elements of an array of tables that the environment can make: it counts from the variable's own number.
const ENVIRONMENT_INDEX_MAX: usize = 256;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A line of the file, from 1.
    File(usize),
    /// An environment variable.
    Environment(String),
    /// Our own default.
    Default,
}

/// What was written.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Switch(bool),
    /// A date or time, as it was written; or a number too large for anything.
    Other(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What.
    pub(crate) raw: Raw,
    /// Where from.
    pub(crate) origin: Origin,
}

/// A table by its keys.
pub(crate) type Table = BTreeMap<String, Node>;

impl Node {
    /// The value in TOML, on one line.
    pub(crate) fn show(&self) -> String {
        match &self.raw {
            Raw::Text(text) => toml::Value::String(text.clone()).to_string(),
            Raw::Integer(number) => number.to_string(),
            Raw::Float(number) => number.to_string(),
            Raw::Switch(is_on) => is_on.to_string(),
            Raw::Other(text) => text.clone(),
            Raw::List(nodes) => format!("a list of {}", nodes.len()),
            Raw::Table(_) => "a table".to_owned(),
        }
    }
}

/// Reads a TOML file. What can be read is returned beside the problems of what cannot.
pub(crate) fn parse(text: &str) -> (Table, Vec<Problem>) {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let problem = |error: &toml::de::Error| Problem {
        path: String::new(),
        origin: Origin::File(error.span().map_or(1, |span| lines.number(span.start))),
        found: format!("what is no TOML ({})", error.message().replace('\n', ", ")),
        expected: "TOML".to_owned(),
        suggestion: None,
    };
    (
        read_table(table.get_ref(), &lines),
        errors.iter().map(problem).collect(),
    )
}

/// Reads one TOML value that we wrote ourselves.
pub(crate) fn parse_value(text: &str, origin: &Origin) -> Option<Node> {
    let (mut table, problems) = parse(&format!("value = {text}"));
    let node = table
        .remove("value")
        .filter(|_| problems.is_empty() && table.is_empty())?;
    Some(with_origin(node, origin))
}

/// Says of a value and all inside it that it comes from `origin`.
pub(crate) fn with_origin(node: Node, origin: &Origin) -> Node {
    let raw = match node.raw {
        Raw::List(nodes) => Raw::List(nodes.into_iter().map(|node| with_origin(node, origin)).collect()),
        Raw::Table(table) => Raw::Table(
            table
                .into_iter()
                .map(|(key, node)| (key, with_origin(node, origin)))
                .collect(),
        ),
        other => other,
    };
    Node {
        raw,
        origin: origin.clone(),
    }
}

/// Puts `PORTCULLIS__SECTION__KEY=value` over what the file says. A number in the middle names an element of an
/// array of tables, from 0; the one after the last makes a new element.
pub(crate) fn overlay(table: &mut Table, environment: &BTreeMap<String, String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, text) in environment {
        let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) else {
            continue;
        };
        let path = path.to_ascii_lowercase();
        let segments: Vec<&str> = path.split("__").collect();
        let origin = Origin::Environment(name.clone());
        if place(table, &segments, text, &origin).is_none() {
            problems.push(Problem {
                path: segments.join("."),
                origin,
                found: "a name that leads nowhere".to_owned(),
                expected: "PORTCULLIS__SECTION__KEY, elements of arrays numbered from 0 without a gap"
                    .to_owned(),
                suggestion: None,
            });
        }
    }
    problems
}

fn place(table: &mut Table, segments: &[&str], text: &str, origin: &Origin) -> Option<()> {
    let (key, rest) = segments.split_first()?;
    if key.is_empty() {
        return None;
    }
    let new = |raw| Node {
        raw,
        origin: origin.clone(),
    };
    let Some(next) = rest.first() else {
        table.insert((*key).to_owned(), new(Raw::Text(text.to_owned())));
        return Some(());
    };
    let index = next.parse::<usize>().ok();
    let entry = table.entry((*key).to_owned()).or_insert_with(|| {
        new(if index.is_some() {
            Raw::List(Vec::new())
        } else {
            Raw::Table(Table::new())
        })
    });
    match (&mut entry.raw, index) {
        (Raw::Table(inner), None) => place(inner, rest, text, origin),
        (Raw::List(nodes), Some(index)) if index < ENVIRONMENT_INDEX_MAX => {
            if index == nodes.len() {
                nodes.push(new(Raw::Table(Table::new())));
            }
            match &mut nodes.get_mut(index)?.raw {
                Raw::Table(inner) => place(inner, &rest[1..], text, origin),
                _ => None,
            }
        }
        _ => None,
    }
}

fn read_table(table: &DeTable<'_>, lines: &Lines) -> Table {
    let read = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<std::borrow::Cow<'_, str>> = key;
        let node = read_value(value, lines, key.span().start);
        (key.get_ref().to_string(), node)
    };
    table.iter().map(read).collect()
}

/// Reads a value; its line is that of its key, where a reader looks for it.
fn read_value(value: &Spanned<DeValue<'_>>, lines: &Lines, start: usize) -> Node {
    let raw = match value.get_ref() {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Integer(number),
            Err(_) => Raw::Other(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Raw::Float(number),
            Err(_) => Raw::Other(number.to_string()),
        },
        DeValue::Boolean(is_on) => Raw::Switch(*is_on),
        DeValue::Datetime(moment) => Raw::Other(moment.to_string()),
        DeValue::Array(values) => {
            let read = |value: &Spanned<DeValue<'_>>| read_value(value, lines, value.span().start);
            Raw::List(values.iter().map(read).collect())
        }
        DeValue::Table(table) => Raw::Table(read_table(table, lines)),
    };
    Node {
        raw,
        origin: Origin::File(lines.number(start)),
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(starts).collect())
    }

    /// The number, from 1, of the line that holds the byte.
    fn number(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(table: &'a Table, path: &[&str]) -> &'a Node {
        let node = &table[path[0]];
        match (&node.raw, path.len()) {
            (_, 1) => node,
            (Raw::Table(inner), _) => at(inner, &path[1..]),
            (Raw::List(nodes), 2) => &nodes[path[1].parse::<usize>().unwrap()],
            (Raw::List(nodes), _) => match &nodes[path[1].parse::<usize>().unwrap()].raw {
                Raw::Table(inner) => at(inner, &path[2..]),
                _ => panic!("{path:?}"),
            },
            _ => panic!("{path:?}"),
        }
    }

    #[test]
    fn every_value_knows_its_line() {
        let (table, problems) = parse("a = 1\n\n[b]\nc = [\n  2,\n  3]\n[[d]]\ne = 'x'\n[[d]]\ne = 0x10\n");
        assert!(problems.is_empty());
        let check = |path: &[&str], shown: &str, line| {
            let node = at(&table, path);
            assert_eq!(
                (node.show().as_str(), &node.origin),
                (shown, &Origin::File(line)),
                "{path:?}"
            );
        };
        check(&["a"], "1", 1);
        check(&["b", "c"], "a list of 2", 4);
        check(&["b", "c", "1"], "3", 6);
        check(&["d", "0", "e"], "\"x\"", 8);
        check(&["d", "1", "e"], "16", 10);
    }

    #[test]
    fn several_faults_of_syntax_are_reported_and_the_rest_is_read() {
        let (table, problems) = parse("a = 1\nb = = 2\nc = 3\nd = \"open\ne = 5\n");
        let lines: Vec<_> = problems.iter().map(|problem| problem.origin.clone()).collect();
        assert!(
            lines.contains(&Origin::File(2)) && lines.contains(&Origin::File(4)),
            "{problems:?}"
        );
        assert_eq!(at(&table, &["c"]).show(), "3");
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let (mut table, _) = parse("[a]\nb = 1\n[[c]]\nd = 1\n");
        let environment = [
            ("PORTCULLIS__A__B", "2"),
            ("PORTCULLIS__C__0__D", "3"),
            ("PORTCULLIS__C__1__D", "4"),
            ("PORTCULLIS__C__9__D", "5"),
            ("PORTCULLIS__A__B__C", "6"),
            ("PORTCULLIS_CONFIG", "file"),
            ("HOME", "/"),
        ];
        let environment = environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let problems = overlay(&mut table, &environment);
        assert_eq!(at(&table, &["a", "b"]).show(), "\"2\"");
        assert_eq!(at(&table, &["c", "0", "d"]).show(), "\"3\"");
        assert_eq!(
            at(&table, &["c", "1", "d"]).origin,
            Origin::Environment("PORTCULLIS__C__1__D".to_owned())
        );
        let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["a.b.c", "c.9.d"]);
    }
}
