//! The examples in `deploy/`, adapted to a test: what users copy is what is tested.

use super::checkout;
use anyhow::{Context as _, Result, ensure};

/// The text of one example, with as many places replaced as a user would have to.
#[derive(Clone, Debug)]
pub struct Example {
    name: String,
    text: String,
}

impl Example {
    /// Reads an example by its path below `deploy/`.
    pub fn read(name: &str) -> Result<Self> {
        let file = checkout().join("deploy").join(name);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
        Ok(Self {
            name: name.to_owned(),
            text,
        })
    }

    /// Replaces the one place that holds `from`; fails when the example no longer has it, or has it twice.
    pub fn with(mut self, from: &str, to: &str) -> Result<Self> {
        let places = self.text.matches(from).count();
        ensure!(
            places == 1,
            "deploy/{} should hold `{from}` once, not {places} times",
            self.name
        );
        self.text = self.text.replace(from, to);
        Ok(self)
    }

    /// The adapted text.
    pub fn text(&self) -> &str {
        &self.text
    }
}
