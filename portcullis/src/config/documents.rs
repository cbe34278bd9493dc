//! Documents that the configuration names: whether they can be used.

use super::check::Checked;
use super::problem::Problem;
use super::rules::report;
use super::value::Surroundings;
use std::path::PathBuf;

/// A document that cannot be used is refused, with its place in the list.
pub(super) fn check(checked: &Checked, surroundings: &Surroundings<'_>, problems: &mut Vec<Problem>) {
    let path = "openapi.files";
    let listed = checked
        .entry(path)
        .and_then(|entry| entry.value.as_ref()?.as_array());
    let files: Vec<PathBuf> = listed
        .into_iter()
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .collect();
    let problem = surroundings.models.documents_problem(&files);
    if let Some((place, found, expected)) = problem {
        let found = format!("\"{}\", {found}", files[place].display());
        report(checked, problems, path, found, expected);
        // Where it stands in the file is where the list does.
        if let Some(problem) = problems.last_mut() {
            problem.path = format!("{path}[{place}]");
        }
    }
}
