//! Progress of long work: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ingest::{LineReader, Progress};
use std::io::IsTerminal;

/// A bar over the bytes of the files that are read.
pub(crate) struct Bar {
    bar: ProgressBar,
    sources: Vec<Progress>,
}

impl Bar {
    /// A bar over these readers; hidden unless standard error is a terminal.
    #[must_use]
    pub(crate) fn over(readers: &[LineReader]) -> Self {
        let sources: Vec<Progress> = readers.iter().map(LineReader::progress).collect();
        let total: Option<u64> = sources.iter().map(Progress::bytes_total).sum();
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
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
