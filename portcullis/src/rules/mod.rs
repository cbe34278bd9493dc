//! Rules in files: read, checked, tested, handed to the detector.

mod import;
mod read;
pub(crate) mod reader;
#[cfg(test)]
mod tests;
mod trial;

pub(crate) use import::{Imported, import};
pub(crate) use read::{Written, feature, features_form, read};
pub(crate) use trial::run as run_trial;

use anyhow::Context as _;
use detector::rule::{Rule, RuleSet, Who};
use domain::Scope;
use ingest::IdentityPolicy;
use std::path::{Path, PathBuf};

/// Largest rules file, in bytes: ten times the largest number of rules with tests.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The rules that ship with the binary.
const SHIPPED: &str = include_str!("shipped.toml");

/// What the shipped rules' file is called.
pub(crate) const SHIPPED_NAME: &str = "(shipped)";

/// Reads the rules of a file.
///
/// # Errors
/// A [`crate::config::Report`] when it is wrong; otherwise when it cannot be read.
pub(crate) fn read_file(file: &Path) -> anyhow::Result<Vec<Written>> {
    let name = file.display().to_string();
    let size = std::fs::metadata(file)
        .with_context(|| format!("could not read {name}"))?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "could not read {name}: it has {size} bytes, at most {FILE_BYTES_MAX} are read"
    );
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {name}"))?;
    Ok(read(&name, &text)?)
}

/// Reads the shipped rules.
///
/// # Errors
/// Never in a binary whose tests passed.
pub(crate) fn read_shipped() -> anyhow::Result<Vec<Written>> {
    Ok(read(SHIPPED_NAME, SHIPPED)?)
}

/// Reads the rules of all files, the shipped ones first if wanted. A rule of a file goes before a shipped one of the
/// same name.
///
/// # Errors
/// What is wrong with the first file that is.
pub(crate) fn load(files: &[PathBuf], with_shipped: bool) -> anyhow::Result<Vec<Written>> {
    let mut own = Vec::new();
    for file in files {
        own.extend(read_file(file)?);
    }
    let mut all = if with_shipped { read_shipped()? } else { Vec::new() };
    all.retain(|shipped| own.iter().all(|written| written.rule.name != shipped.rule.name));
    all.append(&mut own);
    Ok(all)
}

/// Says which rules never fire, because they count by a name that no client is given.
pub(crate) fn unheard(written: &[Written], identity: &IdentityPolicy) -> Vec<String> {
    let is_given = |scope: Scope| {
        let mut scopes = identity.prefer.iter().map(|kind| kind.scope());
        scopes.any(|given| given == scope)
    };
    let unheard = written.iter().filter_map(|written| match written.rule.by.who {
        Some(Who::Named(scope)) if !is_given(scope) => Some(format!(
            "rule {} ({}:{}) never fires: it counts by {scope}, which no source's identity names",
            written.rule.name, written.file, written.line
        )),
        _ => None,
    });
    unheard.collect()
}

/// The rules as the detector takes them.
///
/// # Errors
/// What is wrong with them together: a name twice, too many.
pub(crate) fn rule_set(written: &[Written]) -> anyhow::Result<RuleSet> {
    let rules: Vec<Rule> = written.iter().map(|written| written.rule.clone()).collect();
    RuleSet::new(rules, crate::openapi::template).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", texts.join("\n"))
    })
}
