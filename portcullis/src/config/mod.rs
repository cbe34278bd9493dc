//! The configuration, in three steps: raw (what was written, and where) → checked (every setting of its kind) →
//! used ([`Config`], the types that the rest of the program takes).
//!
//! [`settings`] lists every setting once. Checking, example, JSON Schema, explanation and comparison all read that
//! list. Reading a configuration asks the machine for environment variables, secrets' files and models' files
//! only, and through [`Surroundings`].

mod check;
mod compare;
pub(crate) mod document;
mod documents;
mod example;
mod explain;
mod identities;
mod problem;
mod rules;
mod schema;
mod setting;
mod settings;
#[cfg(test)]
mod tests;
pub(crate) mod used;
mod value;

pub(crate) use check::Entry;
pub(crate) use compare::Changes;
pub(crate) use document::Origin;
pub(crate) use example::example;
pub(crate) use explain::explain;
pub(crate) use problem::{Problem, Report, suggest};
pub(crate) use schema::schema;
pub(crate) use used::{Config, Gateway};
pub(crate) use value::{Models, NoModels, Surroundings};

use anyhow::Context as _;
use serde::Deserialize as _;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of alarms, as settings know them.
#[cfg(test)]
pub(crate) const fn alarm_names() -> [&'static str; settings::alarms::NAMES.len()] {
    settings::alarms::NAMES
}

/// Kinds of gateways that are told.
pub(crate) const fn gateway_kinds() -> &'static [&'static str] {
    &settings::gateways::KINDS
}

/// Whether that is a kind of gateways that are told.
pub(crate) fn is_gateway_kind(text: &str) -> bool {
    gateway_kinds().contains(&text)
}

/// The least that is to be said of a gateway of that kind, with the example's values.
pub(crate) fn required_gateway_settings(kind: &str) -> String {
    let inside = format!("gateways[].{kind}");
    let sections = settings::SECTIONS.iter().filter(|section| section.path == inside);
    let required = sections
        .flat_map(|section| section.settings)
        .filter_map(|setting| {
            let (_, key) = setting.path.rsplit_once('.')?;
            match setting.fallback {
                setting::Fallback::Required(value) => Some(format!("{key} = {value}\n")),
                _ => None,
            }
        });
    let lines: String = required.collect();
    format!("[[gateways]]\nname = \"{kind}\"\n\n[gateways.{kind}]\n{lines}")
}

/// Largest configuration file, in bytes: a hundred times the largest sensible one.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A configuration that may be used, and who said what in it.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The settings, as the program takes them.
    pub(crate) config: Config,
    /// The settings, as people see them, in the order of the example.
    pub(crate) entries: Vec<Entry>,
}

impl Loaded {
    /// What differs in `new`: what takes effect at once and what needs a restart.
    pub(crate) fn diff(&self, new: &Self) -> Changes {
        Changes::between(&self.entries, &new.entries)
    }
}

/// Reads a configuration from its text.
///
/// # Errors
/// Every problem at once.
pub(crate) fn read(file: &str, text: &str, surroundings: &Surroundings<'_>) -> Result<Loaded, Report> {
    let (mut table, mut problems) = document::parse(text);
    let has_syntax_faults = !problems.is_empty();
    problems.extend(document::overlay(&mut table, surroundings.environment));
    let checked = check::check(&table, has_syntax_faults, surroundings);
    problems.extend(checked.problems.iter().cloned());
    if !has_syntax_faults {
        problems.extend(rules::contradictions(&checked, surroundings));
    }
    if !problems.is_empty() {
        return Err(Report::new(file, problems));
    }
    match Config::deserialize(checked.table) {
        Ok(config) => Ok(Loaded {
            config,
            entries: checked.entries,
        }),
        Err(error) => Err(Report::new(
            file,
            vec![Problem {
                path: String::new(),
                origin: Origin::Default,
                found: format!(
                    "settings that were checked and cannot be used ({})",
                    error.message()
                ),
                expected: "a bug report".to_owned(),
                suggestion: None,
            }],
        )),
    }
}

/// Reads a configuration file, with this process's environment over it; `models` is asked about those that it names.
///
/// # Errors
/// A [`Report`] when it is wrong; otherwise when the file cannot be read.
pub(crate) fn load(file: &Path, models: &dyn Models) -> anyhow::Result<Loaded> {
    let name = file.display().to_string();
    let size = std::fs::metadata(file)
        .with_context(|| format!("could not read {name}"))?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "could not read {name}: it has {size} bytes, at most {FILE_BYTES_MAX} are read"
    );
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {name}"))?;
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let surroundings = Surroundings {
        environment: &environment,
        read_file: &|path| std::fs::read_to_string(path),
        models,
    };
    Ok(read(&name, &text, &surroundings)?)
}
