//! Reads one table of a rules file, key by key; what is wrong is named with its line, and so is what nobody knows.

use crate::config::document::{Node, Origin, Raw, Table};
use crate::config::{Problem, suggest};

/// A table that is being read.
pub(crate) struct Reader<'a> {
    path: String,
    table: &'a Table,
    origin: Origin,
    known: Vec<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        path: String,
        table: &'a Table,
        origin: &Origin,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            path,
            table,
            origin: origin.clone(),
            known: Vec::new(),
            problems,
        }
    }

    /// Where a key stands.
    pub(crate) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of a key, which is known from now on.
    pub(crate) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.get(key)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str, expected: &str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.refuse(key, "nothing", expected);
        }
        node
    }

    /// Says that a key is wrong.
    pub(crate) fn refuse(&mut self, key: &str, found: impl Into<String>, expected: impl Into<String>) {
        let outer = key.split(['[', '.']).next().unwrap_or(key);
        let origin = self.table.get(outer).map_or(&self.origin, |node| &node.origin);
        self.problems.push(Problem {
            path: self.at(key),
            origin: origin.clone(),
            found: found.into(),
            expected: expected.into(),
            suggestion: None,
        });
    }

    /// Takes what `read` makes of a value, or says what was expected.
    fn take<T>(&mut self, key: &'static str, expected: &str, read: impl Fn(&Node) -> Option<T>) -> Option<T> {
        let node = self.node(key)?;
        let value = read(node);
        if value.is_none() {
            self.refuse(key, node.show(), expected);
        }
        value
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        self.take(key, "text", text)
    }

    pub(crate) fn switch(&mut self, key: &'static str) -> Option<bool> {
        self.take(key, "true or false", |node| match node.raw {
            Raw::Switch(is_on) => Some(is_on),
            _ => None,
        })
    }

    pub(crate) fn integer(&mut self, key: &'static str) -> Option<u32> {
        self.take(key, "a whole number, not below 0", |node| match node.raw {
            Raw::Integer(number) => u32::try_from(number).ok(),
            _ => None,
        })
    }

    /// A number, whole or not.
    pub(crate) fn number(&mut self, key: &'static str) -> Option<f64> {
        self.take(key, "a number, not below 0", number)
    }

    /// A word out of a list.
    pub(crate) fn word<T>(
        &mut self,
        key: &'static str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        let value = text(node).and_then(|word| read(&word));
        if value.is_none() {
            self.refuse_word(key.to_owned(), node, words);
        }
        value
    }

    /// One word out of a list, or several.
    pub(crate) fn words<T>(
        &mut self,
        key: &'static str,
        words: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (place, node) in self.entries(key) {
            match text(node).and_then(|word| read(&word)) {
                Some(value) => values.push(value),
                None => self.refuse_word(place, node, words),
            }
        }
        values
    }

    /// What `read` makes of one value or of several; its error says what was expected.
    pub(crate) fn several<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Node) -> Result<T, String>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for (place, node) in self.entries(key) {
            match read(node) {
                Ok(value) => values.push(value),
                Err(expected) => self.refuse(&place, node.show(), expected),
            }
        }
        values
    }

    /// The tables of a key: one or several, each with its path.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<(String, &'a Table, &'a Origin)> {
        let mut tables = Vec::new();
        for (place, node) in self.entries(key) {
            match &node.raw {
                Raw::Table(table) => tables.push((self.at(&place), table, &node.origin)),
                _ => self.refuse(&place, node.show(), "a table"),
            }
        }
        tables
    }

    /// The entries of a list, or the one value that stands in for it.
    fn entries(&mut self, key: &'static str) -> Vec<(String, &'a Node)> {
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        let nodes = match &node.raw {
            Raw::List(nodes) if nodes.len() <= ENTRIES_MAX => nodes,
            Raw::List(nodes) => {
                self.refuse(
                    key,
                    format!("a list of {}", nodes.len()),
                    format!("at most {ENTRIES_MAX}"),
                );
                return Vec::new();
            }
            _ => return vec![(key.to_owned(), node)],
        };
        let place = |(place, node)| (format!("{key}[{place}]"), node);
        nodes.iter().enumerate().map(place).collect()
    }

    fn refuse_word(&mut self, place: String, node: &Node, words: &[&str]) {
        self.refuse(&place, node.show(), format!("one of {}", words.join(", ")));
        let suggestion = text(node).and_then(|word| suggest(&word, words.iter().copied()).map(str::to_owned));
        if let Some(problem) = self.problems.last_mut() {
            problem.suggestion = suggestion.map(|word| format!("\"{word}\""));
        }
    }

    /// Names every key that was not asked for.
    pub(crate) fn finish(self) {
        for (key, node) in self.table {
            if self.known.contains(&key.as_str()) {
                continue;
            }
            self.problems.push(Problem {
                path: self.at(key),
                origin: node.origin.clone(),
                found: "an unknown key".to_owned(),
                expected: format!("one of {}", self.known.join(", ")),
                suggestion: suggest(key, self.known.iter().copied()).map(str::to_owned),
            });
        }
    }

    pub(crate) fn problems(&mut self) -> &mut Vec<Problem> {
        self.problems
    }
}

/// Entries of one list of a rules file: rules, patterns, tests.
const ENTRIES_MAX: usize = 256;

pub(crate) fn text(node: &Node) -> Option<String> {
    match &node.raw {
        Raw::Text(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    match node.raw {
        Raw::Integer(number) => u32::try_from(number).ok().map(f64::from),
        Raw::Float(number) => Some(number).filter(|number| number.is_finite() && *number >= 0.0),
        _ => None,
    }
}
