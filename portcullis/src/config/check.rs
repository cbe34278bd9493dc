//! The checked form: every setting of its kind, defaults filled in, and who said what.

use super::document::{Node, Origin, Raw, Table, parse, with_origin};
use super::problem::{Problem, suggest};
use super::setting::{Fallback, Setting};
use super::settings::{DEFAULT_ARRAYS, SECTIONS, Section, all};
use super::value::{Surroundings, mask_url, read};
use super::{document, setting::Kind};
use toml::Value;

/// Most elements of an array of tables: nobody writes more by hand.
const ELEMENTS_MAX: usize = 10_000;

/// One effective setting.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Where it stands: `kafka.topics[1].format`.
    pub(crate) path: String,
    /// Its description.
    pub(crate) setting: &'static Setting,
    /// Its value; `None` when what was written is wrong.
    pub(crate) value: Option<Value>,
    /// Who said so.
    pub(crate) origin: Origin,
}

impl Entry {
    /// The value in TOML; secrets masked.
    pub(crate) fn show(&self) -> String {
        match (&self.value, self.setting.kind) {
            (None, _) => "(wrong)".to_owned(),
            (Some(_), kind) if kind.is_secret() => "\"******\"".to_owned(),
            (Some(Value::String(url)), Kind::Url(_)) => Value::String(mask_url(url)).to_string(),
            (Some(value), _) => value.to_string(),
        }
    }
}

/// The outcome of checking.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The settings in the order of the example.
    pub(crate) entries: Vec<Entry>,
    /// The same as one table, for serde.
    pub(crate) table: toml::Table,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
}

impl Checked {
    /// The entry of that path.
    pub(crate) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// The text of that path, when it was given, or has a default, and is right.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.entry(path)?.value.as_ref()?.as_str()
    }
}

/// Checks a raw document against the list of settings.
pub(crate) fn check(document: &Table, has_syntax_faults: bool, surroundings: &Surroundings<'_>) -> Checked {
    let (defaults, _) = parse(DEFAULT_ARRAYS);
    let defaults = defaults
        .into_iter()
        .map(|(key, node)| (key, with_origin(node, &Origin::Default)));
    let mut checker = Checker {
        surroundings,
        has_syntax_faults,
        defaults: defaults.collect(),
        checked: Checked::default(),
    };
    let root = Section {
        path: "",
        is_optional: false,
        about: "",
        settings: &[],
    };
    checker.checked.table = checker.visit(&root, "", document, &Origin::Default);
    checker.checked
}

struct Checker<'a> {
    surroundings: &'a Surroundings<'a>,
    /// A file with faults of syntax may have lost settings that it has: none is called missing.
    has_syntax_faults: bool,
    defaults: Table,
    checked: Checked,
}

impl Checker<'_> {
    /// Checks one table; `at` is its concrete path, `origin` where it begins.
    fn visit(&mut self, section: &Section, at: &str, table: &Table, origin: &Origin) -> toml::Table {
        let mut values = toml::Table::new();
        for setting in section.settings {
            let key = key_of(setting.path);
            if let Some(value) = self.visit_setting(setting, &join(at, key), table.get(key), origin) {
                values.insert(key.to_owned(), value);
            }
        }
        for inner in inner_sections(section) {
            let key = key_of(inner.path);
            if let Some(value) = self.visit_inner(inner, &join(at, key), table.get(key)) {
                values.insert(key.to_owned(), value);
            }
        }
        self.report_unknown(section, at, table);
        values
    }

    fn visit_setting(
        &mut self,
        setting: &'static Setting,
        path: &str,
        node: Option<&Node>,
        section_origin: &Origin,
    ) -> Option<Value> {
        let (value, origin) = match (node, setting.fallback) {
            (Some(node), _) => {
                let problems = &mut self.checked.problems;
                let value = read(path, setting.kind, node, self.surroundings, problems);
                (value, node.origin.clone())
            }
            (None, Fallback::Value(text)) => {
                let node = document::parse_value(text, &Origin::Default)?;
                let problems = &mut self.checked.problems;
                let value = read(path, setting.kind, &node, self.surroundings, problems);
                (value, Origin::Default)
            }
            (None, Fallback::Required(_)) => {
                if !self.has_syntax_faults {
                    self.report(path, section_origin, "nothing", &setting.kind.to_string());
                }
                return None;
            }
            (None, Fallback::Absent(_)) => return None,
        };
        self.checked.entries.push(Entry {
            path: path.to_owned(),
            setting,
            value: value.clone(),
            origin,
        });
        value
    }

    fn visit_inner(&mut self, section: &'static Section, path: &str, node: Option<&Node>) -> Option<Value> {
        let default = self.defaults_for(path);
        let node = node.or(default.as_ref());
        let is_array = section.path.ends_with("[]");
        match (node.map(|node| (&node.raw, &node.origin)), is_array) {
            (Some((Raw::Table(table), origin)), false) => {
                Some(Value::Table(self.visit(section, path, table, origin)))
            }
            (Some((Raw::List(nodes), origin)), true) if nodes.len() <= ELEMENTS_MAX => {
                Some(Value::Array(self.visit_elements(section, path, nodes, origin)))
            }
            (Some((_, origin)), _) => {
                let expected = if is_array {
                    format!("tables [[{path}]]")
                } else {
                    format!("a table [{path}]")
                };
                self.report(path, origin, "another value", &expected);
                None
            }
            (None, true) => Some(Value::Array(Vec::new())),
            (None, false) if section.is_optional => None,
            (None, false) => Some(Value::Table(self.visit(
                section,
                path,
                &Table::new(),
                &Origin::Default,
            ))),
        }
    }

    fn visit_elements(
        &mut self,
        section: &'static Section,
        path: &str,
        nodes: &[Node],
        origin: &Origin,
    ) -> Vec<Value> {
        let mut values = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let path = format!("{path}[{at}]");
            match &node.raw {
                Raw::Table(table) => {
                    values.push(Value::Table(self.visit(section, &path, table, &node.origin)));
                }
                _ => self.report(&path, origin, "another value", "a table"),
            }
        }
        values
    }

    /// What stands in for an array of tables that was left out.
    fn defaults_for(&self, path: &str) -> Option<Node> {
        let (outer, key) = path.rsplit_once('.')?;
        match &self.defaults.get(outer)?.raw {
            Raw::Table(table) => table.get(key).cloned(),
            _ => None,
        }
    }

    fn report_unknown(&mut self, section: &Section, at: &str, table: &Table) {
        let known: Vec<&str> = section
            .settings
            .iter()
            .map(|setting| key_of(setting.path))
            .chain(inner_sections(section).map(|inner| key_of(inner.path)))
            .collect();
        for (key, node) in table {
            if known.contains(&key.as_str()) {
                continue;
            }
            let elsewhere = || all().map(|setting| setting.path).find(|path| key_of(path) == key);
            let suggestion = suggest(key, known.iter().copied()).or_else(elsewhere);
            self.checked.problems.push(Problem {
                path: join(at, key),
                origin: node.origin.clone(),
                found: "an unknown setting".to_owned(),
                expected: format!("one of {}", known.join(", ")),
                suggestion: suggestion.map(str::to_owned),
            });
        }
    }

    fn report(&mut self, path: &str, origin: &Origin, found: &str, expected: &str) {
        self.checked.problems.push(Problem {
            path: path.to_owned(),
            origin: origin.clone(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            suggestion: None,
        });
    }
}

/// The sections directly inside a section.
pub(crate) fn inner_sections(section: &Section) -> impl Iterator<Item = &'static Section> {
    let outer = section.path;
    let is_inner =
        move |inner: &&&Section| inner.path.rsplit_once('.').map_or("", |(outer, _)| outer) == outer;
    SECTIONS.iter().filter(is_inner).copied()
}

/// The last part of a path, without the mark of an array.
pub(crate) fn key_of(path: &str) -> &str {
    let last = path.rsplit_once('.').map_or(path, |(_, last)| last);
    last.strip_suffix("[]").unwrap_or(last)
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() {
        key.to_owned()
    } else {
        format!("{at}.{key}")
    }
}
