//! Counting over runs.

use anyhow::{Context as _, Result};
use models::interval::Proportion;
use serde_json::Value;
use std::collections::BTreeMap;

/// Attackers of one way over several runs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Caught {
    pub(crate) attackers: u64,
    pub(crate) caught: u64,
    pub(crate) named: u64,
}

impl Caught {
    pub(crate) fn recall(self) -> Proportion {
        Proportion::new(self.caught, self.attackers)
    }
}

/// Attackers by (kind, way).
pub(crate) type Ways = BTreeMap<(String, String), Caught>;

/// A whole number in figures.
pub(crate) fn count(value: &Value, name: &str) -> Result<u64> {
    value[name]
        .as_u64()
        .with_context(|| format!("figures without {name}"))
}

/// A list in figures.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value[name]
        .as_array()
        .with_context(|| format!("figures without {name}"))
}

/// A text in figures; empty when there is none.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// Adds a run's attackers.
pub(crate) fn add_ways(ways: &mut Ways, figures: &Value) -> Result<()> {
    for way in list(figures, "variants")? {
        let key = (text(way, "kind"), text(way, "variant"));
        let caught = ways.entry(key).or_default();
        caught.attackers += count(way, "attackers")?;
        caught.caught += count(way, "caught")?;
        caught.named += count(way, "named_rightly")?;
    }
    Ok(())
}

/// Innocent clients acted on, by what they do, and what they were taken for and given.
pub(crate) type Causes = BTreeMap<(String, String), u64>;

/// Innocent clients acted on, by cause: what they do, and what they were taken for, with the action.
pub(crate) fn causes(figures: &Value) -> Result<Causes> {
    let mut causes = Causes::new();
    for wrong in list(figures, "wrongly_acted_on")? {
        *causes
            .entry((
                text(wrong, "label"),
                format!("{} ({})", text(wrong, "threat"), text(wrong, "action")),
            ))
            .or_default() += 1;
    }
    Ok(causes)
}

/// Client-days of the innocent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Days {
    pub(crate) acted: u64,
    pub(crate) all: u64,
}

impl Days {
    /// Reads them from an object with `acted_on` and `client_days`.
    pub(crate) fn of(value: &Value) -> Result<Self> {
        Ok(Self {
            acted: count(value, "acted_on")?,
            all: count(value, "client_days")?,
        })
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.acted += other.acted;
        self.all += other.all;
    }

    pub(crate) fn rate(self) -> Proportion {
        Proportion::new(self.acted, self.all)
    }
}
