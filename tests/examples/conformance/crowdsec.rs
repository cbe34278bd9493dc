//! CrowdSec's hub: lines with the fields that its parsers make of them.

use crate::{Expected, Row};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;

/// The names under which its parsers keep how much was sent: each has its own.
const BYTES: [&str; 6] = [
    "body_bytes_sent",
    "sent_bytes",
    "sc_bytes",
    "bytes_read",
    "bytes",
    "size",
];

/// The same for the moment.
const TIMES: [&str; 5] = ["time_local", "timestamp", "accept_date", "time", "ts"];

pub(crate) fn rows(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path)?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let row: Value = serde_json::from_str(line)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (parsed, meta) = (&row["parsed"], &row["meta"]);
    let first = |names: &[&str]| names.iter().find_map(|name| text(&parsed[*name]));
    let time = match (text(&parsed["year"]), text(&parsed["time"])) {
        (Some(year), Some(time)) => {
            let part = |name: &str| text(&parsed[name]).unwrap_or_default();
            Some(format!("{year}-{}-{}T{time}Z", part("month"), part("day")))
        }
        _ => first(&TIMES),
    };
    let test = text(&row["test"]).context("a row without a test")?;
    let kind = text(&row["log_type"]).context("a row without a type")?;
    Ok(Row {
        group: format!("crowdsec_hub {}", text(&row["parser"]).unwrap_or_default()),
        stream: format!("{test} {kind}"),
        place: format!("{test} {}", row["i"]),
        line: text(&row["raw"]).context("a row without a line")?,
        expected: Some(Expected {
            method: text(&meta["http_verb"]),
            target: text(&meta["http_path"]),
            status: text(&meta["http_status"]).and_then(|status| status.parse().ok()),
            bytes: first(&BYTES).and_then(|bytes| bytes.parse().ok()),
            agent: text(&meta["http_user_agent"]),
            time,
            address: text(&meta["source_ip"]),
            ..Expected::default()
        }),
    })
}
