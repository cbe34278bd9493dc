//! Answers of the API as a table for people, or as JSON Lines for programs.

use api::neutralise;
use serde_json::Value;
use std::io::{self, Write};

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// JSON Lines, as the API gave them.
    Json,
}

/// A column of a table: its heading, and where its value stands in an item (`client.value`).
pub(crate) type Column = (&'static str, &'static str);

/// Longest cell of a table, in characters: a reason wraps the terminal otherwise. The JSON form has it whole.
const CELL_CHARS_MAX: usize = 72;

/// Prints a list.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_rows(rows: &[Value], columns: &[Column], output: Output) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = match output {
        Output::Json => rows.iter().try_for_each(|row| writeln!(out, "{row}")),
        Output::Table => write_table(rows, columns, &mut out),
    };
    ignore_closed_pipe(written.and_then(|()| out.flush()))
}

/// Prints one answer: as JSON, or in a sentence.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print_one(answer: &Value, sentence: &str, output: Output) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = match output {
        Output::Json => writeln!(out, "{answer}"),
        Output::Table => writeln!(out, "{}", neutralise(sentence)),
    };
    ignore_closed_pipe(written.and_then(|()| out.flush()))
}

fn ignore_closed_pipe(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn write_table(rows: &[Value], columns: &[Column], out: &mut impl Write) -> io::Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|(_, path)| cell(row, path)).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(place, (heading, _))| {
            let widest = cells.iter().map(|row| row[place].chars().count()).max();
            widest.unwrap_or_default().max(heading.len())
        })
        .collect();
    let headings: Vec<String> = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    for row in std::iter::once(&headings).chain(&cells) {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

fn cell(row: &Value, path: &str) -> String {
    let value = path
        .split('.')
        .fold(row, |value, part| match part.parse::<usize>() {
            Ok(place) => &value[place],
            Err(_) => &value[part],
        });
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut text = neutralise(&text).into_owned();
    if let Some((end, _)) = text.char_indices().nth(CELL_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_hostile_text_is_harmless() {
        let rows = [
            json!({"client": {"value": "203.0.113.9"}, "action": "block", "threats": [{"kind": "scraping"}]}),
            json!({"client": {"value": "\u{1b}[2J"}, "action": null}),
        ];
        let mut out = Vec::new();
        let columns: [Column; 3] = [
            ("client", "client.value"),
            ("action", "action"),
            ("threat", "threats.0.kind"),
        ];
        write_table(&rows, &columns, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "client       action  threat");
        assert_eq!(lines[1], "203.0.113.9  block   scraping");
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
