//! What a pass found, for people and for programs.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod table;

use std::io::{self, IsTerminal as _, Write};

/// Forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For a terminal.
    Table,
    /// JSON Lines: one `alert` per client, then one `summary`.
    Json,
    /// One page that opens without a network.
    Html,
}

/// A finished pass and how long it took.
pub(crate) struct Report<'a> {
    /// What was found.
    pub outcome: &'a crate::analysis::Outcome,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How many clients are listed at most.
    pub limit: usize,
    /// Whether a table may use a terminal's colours.
    pub is_colored: bool,
}

/// Whether standard output takes colours: a terminal, and nobody asked for none (<https://no-color.org>).
#[must_use]
pub(crate) fn takes_color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Report<'_> {
    /// Writes it in one of its forms.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn write(&self, form: Form, out: &mut dyn Write) -> io::Result<()> {
        match form {
            Form::Table => table::write(self, out),
            Form::Json => json::write(self, out),
            Form::Html => html::write(self, out),
        }
    }
}
