//! The effective settings, each with who said so.

use super::check::Entry;
use super::document::Origin;
use std::fmt::Write as _;

/// Writes the effective settings as TOML keys, secrets masked, each with its source.
pub(crate) fn explain(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        let source = match &entry.origin {
            Origin::File(line) => format!("line {line}"),
            Origin::Environment(name) => name.clone(),
            Origin::Default => "default".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{} = {}  # {source}", entry.path, entry.show());
    }
    out
}
