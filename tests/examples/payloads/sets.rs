//! The sets of payloads and of ordinary texts, and how their files are read. None of them is part of the repository.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;

/// One request.
#[derive(Debug)]
pub(crate) struct Case {
    /// Number within its file: even ones were looked at.
    pub(crate) row: usize,
    /// Path and query as sent.
    pub(crate) uri: String,
    /// User agent, where the set names one.
    pub(crate) user_agent: Option<String>,
}

/// A set of requests.
pub(crate) struct Set {
    /// Its name here and in the floors.
    pub(crate) name: &'static str,
    /// Where it lies in the data folder.
    pub(crate) file: &'static str,
    /// Whether its requests are attacks.
    pub(crate) is_attack: bool,
    /// Reads it.
    pub(crate) read: fn(&Path) -> Result<Vec<Case>>,
}

const RULES: &str = "coreruleset/uri_cases.jsonl";
const PARAMETERS: &str = "httpparams/payload_full.csv";

/// Every set. The rule set's attacks count twice: all of them, and those of the families that are injections (the rest are
/// odd methods, missing headers, scanners' names).
pub(crate) const SETS: &[Set] = &[
    Set {
        name: "rules-all",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "", "attack"),
    },
    Set {
        name: "rules-traversal",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-930", "attack"),
    },
    Set {
        name: "rules-remote-file",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-931", "attack"),
    },
    Set {
        name: "rules-command",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-932", "attack"),
    },
    Set {
        name: "rules-php",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-933", "attack"),
    },
    Set {
        name: "rules-generic",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-934", "attack"),
    },
    Set {
        name: "rules-script",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-941", "attack"),
    },
    Set {
        name: "rules-sql",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-942", "attack"),
    },
    Set {
        name: "rules-java",
        file: RULES,
        is_attack: true,
        read: |path| rules(path, "REQUEST-944", "attack"),
    },
    Set {
        name: "rules-negative",
        file: RULES,
        is_attack: false,
        read: |path| rules(path, "", "negative_for_rule"),
    },
    Set {
        name: "gotestwaf-attack",
        file: "gotestwaf/testcases/owasp",
        is_attack: true,
        read: lists,
    },
    Set {
        name: "gotestwaf-community",
        file: "gotestwaf/testcases/community",
        is_attack: true,
        read: lists,
    },
    Set {
        name: "gotestwaf-false-pos",
        file: "gotestwaf/testcases/false-pos",
        is_attack: false,
        read: lists,
    },
    Set {
        name: "parameters-anomalous",
        file: PARAMETERS,
        is_attack: true,
        read: |path| parameters(path, "anom"),
    },
    Set {
        name: "parameters-normal",
        file: PARAMETERS,
        is_attack: false,
        read: |path| parameters(path, "norm"),
    },
];

/// JSON Lines of a rule set's regression cases.
fn rules(path: &Path, family: &str, label: &str) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(path)?;
    let mut cases = Vec::new();
    for (row, line) in text.lines().enumerate() {
        let case: Value = serde_json::from_str(line).with_context(|| format!("row {row}"))?;
        let word = |name: &str| case[name].as_str().unwrap_or("");
        if word("label") == label && word("file").starts_with(family) {
            cases.push(Case {
                row,
                uri: word("uri").to_owned(),
                user_agent: case["user_agent"].as_str().map(str::to_owned),
            });
        }
    }
    Ok(cases)
}

/// A CSV of parameter values: `"payload","length","attack_type","label"`.
fn parameters(path: &Path, label: &str) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(path)?;
    let end = format!("\",\"{label}\"");
    let values = text.lines().enumerate().filter_map(|(row, line)| {
        let fields = line.strip_suffix(&end)?;
        // The value may hold commas and quotes, the two fields behind it hold neither.
        let value = fields.rsplitn(3, "\",\"").nth(2)?.strip_prefix('"')?;
        Some(Case {
            row,
            uri: format!("/search?q={}", encode(&value.replace("\"\"", "\""))),
            user_agent: None,
        })
    });
    Ok(values.collect())
}

/// The payload lists of a folder that can be sent in a URI.
fn lists(folder: &Path) -> Result<Vec<Case>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        if !text.contains("- URLParam") && !text.contains("- URLPath") {
            continue;
        }
        let is_encoded = text.contains("- URL\n");
        let items = text.lines().take_while(|line| !line.starts_with("encoder:"));
        for payload in items.filter_map(|line| unquote(line.strip_prefix("  - ")?)) {
            let value = if is_encoded { encode(&payload) } else { payload };
            let row = cases.len();
            cases.push(Case {
                row,
                uri: format!("/search?q={value}"),
                user_agent: None,
            });
        }
    }
    Ok(cases)
}

/// A YAML scalar of one line; `None` for one that goes on in the next (padding of many kilobytes).
fn unquote(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('\'') {
        return Some(inner.strip_suffix('\'')?.replace("''", "'"));
    }
    let Some(inner) = text.strip_prefix('"') else {
        return Some(text.to_owned());
    };
    let mut out = String::new();
    let mut chars = inner.strip_suffix('"')?.chars();
    while let Some(char) = chars.next() {
        out.push(match char {
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                other => other,
            },
            other => other,
        });
    }
    Some(out)
}

/// Percent-encoding as a form does it.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
