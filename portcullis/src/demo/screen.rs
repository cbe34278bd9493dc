//! The terminal: a view that is drawn over itself, or a line every few seconds where nobody could watch that.

use super::summary::{self, Paint, Snapshot};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How often a line is written where the view cannot be redrawn.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Standard error, as a view or as lines.
pub(super) struct Screen {
    bar: ProgressBar,
    paint: Paint,
    last_line: Option<Instant>,
}

impl Screen {
    /// Draws on standard error if it is a terminal.
    pub(super) fn new() -> Self {
        // indicatif hides its bars by itself where they could not be drawn.
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let paint = if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Paint::Plain
        } else {
            Paint::Coloured
        };
        Self {
            bar,
            paint,
            last_line: None,
        }
    }

    /// Sends warnings to standard error, above the view. `PORTCULLIS_LOG` asks for more.
    pub(super) fn start_logging(&self) {
        let filter = tracing_subscriber::EnvFilter::try_from_env("PORTCULLIS_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
        let bar = self.bar.clone();
        let is_set = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || AboveView(bar.clone()))
            .with_ansi(!self.bar.is_hidden() && self.paint == Paint::Coloured)
            .with_target(false)
            .try_init();
        // A second initialisation can only come from a test in the same process.
        debug_assert!(is_set.is_ok() || cfg!(test));
    }

    /// Shows how things stand.
    pub(super) fn show(&mut self, snapshot: &Snapshot<'_>) {
        if !self.bar.is_hidden() {
            self.bar.set_message(summary::view(snapshot, self.paint));
            self.bar.tick();
            return;
        }
        if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            self.say(&summary::line(snapshot));
        }
    }

    /// Writes a line that stays.
    pub(super) fn say(&self, text: &str) {
        // Nothing can be done when standard error is closed.
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr(), "{text}");
        });
    }

    /// Takes the view away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Writes above the view instead of into it.
struct AboveView(ProgressBar);

impl Write for AboveView {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
