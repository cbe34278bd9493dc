//! Progress of long work: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ingest::{LineReader, Progress};
use std::io::IsTerminal;

/// A bar over what is read.
pub(crate) struct Bar {
    bar: ProgressBar,
    sources: Vec<Progress>,
}

impl Bar {
    /// A bar over the bytes of these readers; hidden unless standard error is a terminal.
    #[must_use]
    pub(crate) fn over(readers: &[LineReader]) -> Self {
        let sources = readers.iter().map(LineReader::progress).collect();
        let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        Self::of(sources, template)
    }

    /// A bar over the messages that are read again.
    #[must_use]
    pub(crate) fn over_messages(sources: Vec<Progress>) -> Self {
        Self::of(
            sources,
            "{bar:40} {human_pos} of {human_len} messages, {per_sec}, {eta} left",
        )
    }

    fn of(sources: Vec<Progress>, template: &str) -> Self {
        let total: Option<u64> = sources.iter().map(Progress::bytes_total).sum();
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, sources }
    }

    /// Moves the bar to where the readers are.
    pub(crate) fn tick(&self) {
        self.bar
            .set_position(self.sources.iter().map(Progress::bytes_read).sum());
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
