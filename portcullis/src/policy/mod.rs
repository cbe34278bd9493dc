//! The policy in a file: its clauses read, checked, explained, tested, handed to the detector.

mod difference;
mod read;
mod readiness;
mod report;
#[cfg(test)]
mod tests;
mod trial;
mod words;

pub(crate) use difference::{Change, Difference, Hits};
pub(crate) use read::{Written, read};
pub(crate) use readiness::missing;
pub(crate) use report::report;
pub(crate) use words::of_clause;

use anyhow::Context as _;
use detector::policy::{ClauseSet, PolicySettings};
use std::path::Path;

/// Largest policy file, in bytes: several times the largest number of clauses with tests.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Reads the policy of a file.
///
/// # Errors
/// A [`crate::config::Report`] when it is wrong; otherwise when it cannot be read.
pub(crate) fn read_file(file: &Path) -> anyhow::Result<Written> {
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

/// The clauses of the file that is named, none without one.
///
/// # Errors
/// As [`read_file`].
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<ClauseSet> {
    Ok(file
        .map(read_file)
        .transpose()?
        .map(|written| written.clauses)
        .unwrap_or_default())
}

/// Says what of a policy never holds beside those thresholds.
pub(crate) fn unheard(clauses: &ClauseSet, settings: &PolicySettings) -> Vec<String> {
    let mut unheard = Vec::new();
    for clause in clauses.clauses() {
        let longest = clause.for_secs.iter().max();
        if let Some(secs) = longest.filter(|secs| **secs > settings.block_secs_max) {
            unheard.push(format!(
                "clause {} asks for {secs} s: policy.block_secs_max lets nothing hold longer than {} s",
                clause.name, settings.block_secs_max
            ));
        }
    }
    unheard
}
