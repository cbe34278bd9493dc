//! The text of a configuration: checked, or every problem named. The binary has no library, so its configuration
//! is compiled in as it stands.

use crate::config::{self, Models, Surroundings};
use crate::text;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Refuses every other model, and small budgets.
struct Asked;

impl Models for Asked {
    fn problem(&self, file: &Path) -> Option<(String, String)> {
        let is_odd = file.as_os_str().len() % 2 == 1;
        is_odd.then(|| ("no model".to_owned(), "a model".to_owned()))
    }

    fn networks_problem(&self, file: &Path) -> Option<(String, String)> {
        self.problem(file)
    }

    fn countries_problem(&self, file: &Path) -> Option<(String, String)> {
        self.problem(file)
    }

    fn documents_problem(&self, files: &[PathBuf]) -> Option<(usize, String, String)> {
        let at = files.iter().position(|file| self.problem(file).is_some())?;
        Some((at, "no document".to_owned(), "a document".to_owned()))
    }

    fn least_budget(&self, _model: Option<&Path>, per_million: f64) -> Option<String> {
        (per_million < 100.0).then(|| "at least 100".to_owned())
    }
}

/// One input.
pub fn run(data: &[u8]) {
    let data = text(data);
    let surroundings = Surroundings {
        environment: &BTreeMap::new(),
        read_file: &|_| Err(io::ErrorKind::NotFound.into()),
        models: &Asked,
    };
    match config::read("fuzz.toml", data, &surroundings) {
        Ok(loaded) => drop(config::explain(&loaded.entries)),
        Err(report) => assert!(!report.to_string().is_empty(), "a refusal says why"),
    }
}
