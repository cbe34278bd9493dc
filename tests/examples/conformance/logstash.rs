//! Logstash's patterns: lines with the assertions of their tests, which are Ruby and are read for names and values.

use crate::{Expected, Row};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;

pub(crate) fn rows(path: &Path) -> Result<Vec<Row>> {
    let text = std::fs::read_to_string(path)?;
    text.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let row: Value = serde_json::from_str(line)?;
    let text = |name: &str| {
        row[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("a row without {name}"))
    };
    let (spec, message, ruby) = (text("spec")?, text("message")?, text("assertions_ruby")?);
    let place = format!("line {}", row["line"]);
    Ok(Row {
        group: format!("logstash {}", group(&spec, &ruby, &message)),
        stream: format!("{spec} {place}"),
        place,
        // A test that is written in pieces has only its first one here: the rest stands in the assertions.
        line: message + &continued(&ruby),
        expected: is_request(&ruby, &row).then(|| expected(&ruby)),
    })
}

/// One spec of AWS' holds three products' lines.
fn group(spec: &str, ruby: &str, message: &str) -> String {
    let product = match spec {
        "aws_spec" if ruby.contains("s3access") || ruby.contains("\"bucket\"") => " S3",
        "aws_spec" if message.contains('\t') => " CloudFront",
        "aws_spec" => " ELB",
        _ => "",
    };
    format!("{spec}{product}")
}

/// The pieces of a line that stand behind a plus.
fn continued(ruby: &str) -> String {
    let Some((pieces, _)) = ruby
        .split_once("\n    end")
        .filter(|(pieces, _)| pieces.trim_start().starts_with('+'))
    else {
        return String::new();
    };
    let inside = |line: &str| {
        let line = line.trim().trim_end_matches('+').trim();
        line.strip_prefix('\'')
            .and_then(|line| line.strip_suffix('\''))
            .map(str::to_owned)
    };
    pieces.lines().filter_map(inside).collect()
}

/// Error logs and TCP sessions name neither a method nor a request, and say so.
fn is_request(ruby: &str, row: &Value) -> bool {
    let is_error_log = ruby.contains("loglevel") || ruby.contains("\"level\"");
    let message = row["message"].as_str().unwrap_or_default();
    let is_session = message.contains("haproxy[") && !message.contains('"');
    !is_error_log && !message.starts_with("[") && !is_session
}

fn expected(ruby: &str) -> Expected {
    let text = |names: &[&str]| names.iter().find_map(|name| scalar(ruby, name));
    let number = |names: &[&str]| text(names).and_then(|text| text.parse::<u64>().ok());
    Expected {
        method: text(&["verb", "http_verb", "method"]),
        target: target(ruby),
        status: number(&["response", "http_status_code", "status_code"])
            .and_then(|status| u16::try_from(status).ok()),
        bytes: legacy(ruby, &["bytes", "bytes_read", "sc_bytes"]),
        agent: text(&["agent"]).map(|agent| agent.trim_matches('"').to_owned()),
        time: text(&["accept_date", "timestamp"])
            .filter(|time| time.contains(':') && time.starts_with(|first: char| first.is_ascii_digit())),
        address: text(&["clientip", "client_ip"]),
        ..Expected::default()
    }
}

/// Some tests state the URL in pieces: then path and query are two of them.
fn target(ruby: &str) -> Option<String> {
    let whole = ["http_request", "request", "original"]
        .iter()
        .filter_map(|name| scalar(ruby, name));
    let whole = whole.into_iter().find(|text| text.starts_with('/'));
    whole.or_else(|| {
        let path = scalar(ruby, "path")?;
        Some(scalar(ruby, "query").map_or(path.clone(), |query| format!("{path}?{query}")))
    })
}

/// A number that only the older of the two sets of names states without saying of what it is.
fn legacy(ruby: &str, names: &[&str]) -> Option<u64> {
    let older = ruby
        .split_once("\n      else")
        .or_else(|| ruby.split_once("\n    else"))
        .map_or(ruby, |(_, older)| older);
    names
        .iter()
        .find_map(|name| scalar(older, name))
        .and_then(|text| text.parse().ok())
}

/// The value behind `"name" => ` or `'name' => `: a text or a number.
fn scalar(ruby: &str, name: &str) -> Option<String> {
    [format!("\"{name}\""), format!("'{name}'")]
        .iter()
        .find_map(|quoted| {
            ruby.match_indices(quoted.as_str()).find_map(|(at, found)| {
                let value = ruby[at + found.len()..]
                    .trim_start()
                    .strip_prefix("=>")?
                    .trim_start();
                let quote = value.chars().next()?;
                if matches!(quote, '"' | '\'') {
                    return text(&value[1..], quote);
                }
                let end = value
                    .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
                    .unwrap_or(value.len());
                (end > 0).then(|| value[..end].to_owned())
            })
        })
}

/// A quoted text of Ruby's, whose quotes may be escaped.
fn text(inside: &str, quote: char) -> Option<String> {
    let mut out = String::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            _ if letter == quote => return Some(out),
            _ => out.push(letter),
        }
    }
    None
}
