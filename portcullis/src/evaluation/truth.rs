//! Truth files: `client,label,requests,first_attack_at`.

use anyhow::{Context, anyhow};
use domain::{Client, Scope, ThreatKind, Timestamp};
use std::path::Path;

/// Largest truth file, in bytes: a hundred bytes for each of ten million clients.
const TRUTH_BYTES_MAX: u64 = 1 << 30;

/// What a client is, and the word the file used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Label {
    /// Positive: `attacker`, or a threat kind, without the way of it.
    Attacker(String),
    /// Negative: `benign`, `crawler`, `automation`, `benign:…`.
    Innocent(String),
    /// Counted apart: `scanner`, `spam`, `unknown`.
    LeftOut(String),
}

/// One client of a truth file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TruthRow {
    /// Who.
    pub client: Client,
    /// What it is.
    pub label: Label,
    /// Its way of being an attacker, where the file tells kinds apart further: `scraping:scraping_slow`.
    pub variant: Option<String>,
    /// Its requests in the log.
    pub requests: u64,
    /// When it first attacked, where that is known.
    pub first_attack_at: Option<Timestamp>,
}

/// A truth file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    /// Its rows, in order.
    pub rows: Vec<TruthRow>,
}

/// The first line of a truth file.
const HEADER: &str = "client,label,requests,first_attack_at";

impl Truth {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not of the form; the line is named.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let size = std::fs::metadata(path)
            .with_context(|| format!("could not open the truth file {name}"))?
            .len();
        if size > TRUTH_BYTES_MAX {
            return Err(anyhow!(
                "could not read the truth file {name}: {size} bytes are more than {TRUTH_BYTES_MAX}"
            ));
        }
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read the truth file {name}"))?;
        Self::parse(&text).with_context(|| format!("could not read the truth file {name}"))
    }

    /// The file's text; [`Self::read`] reads it back.
    #[must_use]
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for row in &self.rows {
            let (Label::Attacker(label) | Label::Innocent(label) | Label::LeftOut(label)) = &row.label;
            let label = match &row.variant {
                Some(variant) => format!("{label}:{variant}"),
                None => label.clone(),
            };
            let first_attack_at = row.first_attack_at.map(|at| at.to_string()).unwrap_or_default();
            // Addresses, ranges and our own words: nothing in them needs quotes.
            text.push_str(&format!(
                "{},{label},{},{first_attack_at}\n",
                row.client.value(),
                row.requests
            ));
        }
        text
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        if header.trim() != HEADER {
            return Err(anyhow!("line 1: expected the header {HEADER}, found {header:?}"));
        }
        let numbered = lines.enumerate().filter(|(_, line)| !line.trim().is_empty());
        let rows = numbered.map(|(index, line)| row(line).with_context(|| format!("line {}", index + 2)));
        Ok(Self {
            rows: rows.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn row(line: &str) -> anyhow::Result<TruthRow> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let [client, label, requests, first_attack_at] = fields[..] else {
        return Err(anyhow!("expected 4 fields, found {}", fields.len()));
    };
    let first_attack_at = match first_attack_at {
        "" => None,
        text => Some(
            Timestamp::parse_rfc3339(text)
                .ok_or_else(|| anyhow!("first_attack_at {text:?} is not RFC 3339"))?,
        ),
    };
    let scope = if client.contains('/') {
        Scope::Range
    } else {
        Scope::Ip
    };
    let (label, variant) = self::label(label)?;
    Ok(TruthRow {
        client: Client::parse(scope, client)?,
        label,
        variant,
        requests: requests
            .parse()
            .with_context(|| format!("requests {requests:?}"))?,
        first_attack_at,
    })
}

fn label(name: &str) -> anyhow::Result<(Label, Option<String>)> {
    let label = match name {
        "attacker" => Label::Attacker(name.to_owned()),
        "benign" | "crawler" | "automation" => Label::Innocent(name.to_owned()),
        "scanner" | "spam" | "unknown" => Label::LeftOut(name.to_owned()),
        name if name.starts_with("benign:") => Label::Innocent(name.to_owned()),
        name if ThreatKind::from_name(name).is_some() => Label::Attacker(name.to_owned()),
        name => return attacker_of_a_way(name).ok_or_else(|| anyhow!("unknown label {name:?}")),
    };
    Ok((label, None))
}

/// A threat kind and the way of it: `scraping:scraping_slow`.
fn attacker_of_a_way(name: &str) -> Option<(Label, Option<String>)> {
    let (kind, variant) = name.split_once(':')?;
    ThreatKind::from_name(kind)?;
    Some((Label::Attacker(kind.to_owned()), Some(variant.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truth_file_is_read_and_a_wrong_line_is_named() {
        let text = "client,label,requests,first_attack_at\n203.0.113.9,attacker,7,2026-11-22T00:00:00Z\n203.0.113.8,benign:office,9,\n203.0.113.7,scraping:scraping_slow,9,\n";
        let truth = Truth::parse(text).unwrap();
        assert_eq!(truth.rows[0].label, Label::Attacker("attacker".to_owned()));
        assert_eq!(truth.rows[1].label, Label::Innocent("benign:office".to_owned()));
        assert_eq!(truth.rows[2].label, Label::Attacker("scraping".to_owned()));
        assert_eq!(truth.rows[2].variant.as_deref(), Some("scraping_slow"));
        let wrong = Truth::parse("client,label,requests,first_attack_at\n203.0.113.9,hero,7,\n").unwrap_err();
        assert!(format!("{wrong:#}").contains("line 2") && format!("{wrong:#}").contains("hero"));
        assert!(Truth::parse("client,label,requests,first_attack_at\n203.0.113.9,hero:slow,7,\n").is_err());
    }
}
