//! A suite: labelled logs that belong together, and the figures they must not fall below.

use super::Figures;
use anyhow::Context;
use models::interval::Proportion;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Labelled logs, each with its floors, and floors for all of them together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    /// Floors of the pooled figures.
    #[serde(default)]
    pub pooled: Floors,
    /// The logs, in the order in which they are shown.
    #[serde(rename = "log")]
    pub logs: Vec<Log>,
}

/// One labelled log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// Name to show.
    pub name: String,
    /// The log, below the data's folder.
    pub file: PathBuf,
    /// Its truth file, below the data's folder.
    pub truth: PathBuf,
    /// Whether its attackers can be judged; of a log whose times are broken only lines and the innocent can.
    #[serde(default = "yes")]
    pub judges_attackers: bool,
    /// What it must not fall below.
    #[serde(default)]
    pub floors: Floors,
}

/// Figures that must not be fallen below; what is not given may be anything. Floors only rise.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Floors {
    /// Of precision.
    pub precision: Option<f64>,
    /// Of recall.
    pub recall: Option<f64>,
    /// Of the share of innocent clients that were left alone.
    pub spared: Option<f64>,
    /// Of the share of requests of larger attackers that a block would have prevented.
    pub prevented: Option<f64>,
    /// Of the share of lines that were read.
    pub parsed: Option<f64>,
}

const fn yes() -> bool {
    true
}

impl Suite {
    /// Reads a suite.
    ///
    /// # Errors
    /// When the file cannot be read or is not of the form.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("could not read {}", path.display()))
    }
}

impl Floors {
    /// What fell below, a sentence each. A figure that was not measured at all is below any floor.
    #[must_use]
    pub(crate) fn broken_by(&self, figures: &Figures) -> Vec<String> {
        let wrong = figures.wrong.len() as u64;
        let spared = Proportion::new(figures.innocent - wrong, figures.innocent);
        let measured = [
            ("precision", self.precision, figures.precision()),
            ("recall", self.recall, figures.all.recall()),
            ("spared", self.spared, spared),
            ("prevented", self.prevented, figures.all.prevented_share()),
            ("parsed", self.parsed, figures.parsed_share()),
        ];
        let broken = measured.into_iter().filter_map(|(name, floor, measured)| {
            let floor = floor.filter(|floor| measured.estimate < *floor)?;
            Some(format!(
                "{name} is {:.4}, and the floor is {floor:.4}",
                measured.estimate
            ))
        });
        broken.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Tally;

    #[test]
    fn a_figure_below_its_floor_is_named_and_one_at_its_floor_passes() {
        let figures = Figures {
            all: Tally {
                caught: 3,
                attackers: 4,
                ..Tally::default()
            },
            innocent: 10,
            ..Figures::default()
        };
        let floors = Floors {
            precision: Some(1.0),
            recall: Some(0.8),
            spared: Some(1.0),
            parsed: Some(0.9),
            prevented: None,
        };
        assert_eq!(
            floors.broken_by(&figures),
            [
                "recall is 0.7500, and the floor is 0.8000",
                "parsed is 0.0000, and the floor is 0.9000"
            ]
        );
        assert!(Floors::default().broken_by(&figures).is_empty());
    }

    #[test]
    fn an_unknown_floor_is_refused() {
        let suite = "[[log]]\nname=\"a\"\nfile=\"a\"\ntruth=\"b\"\nfloors={recal=0.5}\n";
        assert!(
            toml::from_str::<Suite>(suite)
                .unwrap_err()
                .to_string()
                .contains("recal")
        );
    }
}
