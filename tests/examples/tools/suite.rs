//! The clients and floors of `evaluation/tools.toml`.

use anyhow::{Context as _, Result, ensure};
use domain::ThreatKind;
use serde::Deserialize;
use std::path::Path;

/// Longest that a client may run: the whole is part of CI.
const SECONDS_MAX: u64 = 240;

/// Everybody who takes part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    benign: Vec<Benign>,
    tool: Vec<Tool>,
}

/// Somebody who must not be acted on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Benign {
    name: String,
    about: String,
    seconds: u64,
    #[serde(default)]
    after: u64,
    command: String,
    #[serde(default = "yes")]
    untouched: bool,
}

fn yes() -> bool {
    true
}

/// An attack tool in one way of using it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    name: String,
    variant: String,
    package: String,
    about: String,
    expected: Vec<String>,
    seconds: u64,
    #[serde(default)]
    after: u64,
    command: String,
    floor: Floor,
}

/// What must hold of a tool.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Floor {
    /// It is given throttle, challenge or block.
    pub(crate) caught: bool,
    /// And by a name that is right.
    #[serde(default)]
    pub(crate) named: bool,
    /// After at most so many requests.
    pub(crate) within: Option<u64>,
}

/// What is attacked, by what, and what must come of it.
#[derive(Debug, Clone)]
pub(crate) struct Attack {
    pub(crate) package: String,
    pub(crate) expected: Vec<ThreatKind>,
    pub(crate) floor: Floor,
}

/// One who takes part.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its place in the network, by which its address follows.
    pub(crate) number: u8,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) after: u64,
    pub(crate) seconds: u64,
    pub(crate) command: String,
    /// `None` for a benign client.
    pub(crate) attack: Option<Attack>,
    /// Whether it must not be acted on: every benign client but those that are known to be, today.
    pub(crate) untouched: bool,
}

impl Suite {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
        let suite: Self =
            toml::from_str(&text).with_context(|| format!("could not understand {}", file.display()))?;
        for part in suite.parts()? {
            let latest = part.after + part.seconds;
            ensure!(
                latest <= SECONDS_MAX,
                "{}: would run until second {latest}, and {SECONDS_MAX} is the last",
                part.name
            );
        }
        Ok(suite)
    }

    /// Everybody, benign clients first.
    pub(crate) fn parts(&self) -> Result<Vec<Part>> {
        let benign = self.benign.iter().map(|benign| {
            Ok(Part {
                number: 0,
                name: benign.name.clone(),
                about: benign.about.clone(),
                after: benign.after,
                seconds: benign.seconds,
                command: benign.command.clone(),
                attack: None,
                untouched: benign.untouched,
            })
        });
        benign
            .chain(self.tool.iter().map(Tool::part))
            .zip(1..)
            .map(|(part, number)| Ok(Part { number, ..part? }))
            .collect()
    }
}

impl Tool {
    fn part(&self) -> Result<Part> {
        let kind = |name: &String| {
            ThreatKind::from_name(name).with_context(|| format!("{}: no threat is named {name}", self.name))
        };
        Ok(Part {
            number: 0,
            name: format!("{}, {}", self.name, self.variant),
            about: self.about.clone(),
            after: self.after,
            seconds: self.seconds,
            command: self.command.clone(),
            attack: Some(Attack {
                package: self.package.clone(),
                expected: self.expected.iter().map(kind).collect::<Result<_>>()?,
                floor: self.floor,
            }),
            untouched: false,
        })
    }
}
