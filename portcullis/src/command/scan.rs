//! `scan`: analyses finished log files and reports the clients that misbehaved.

use crate::analysis::{self, Outcome, Pass};
use crate::progress::Bar;
use crate::report::{self, Form, Report};
use crate::scorer::BundleScorer;
use crate::wiring::{self, PassOptions};
use anyhow::Context;
use clap::Args as ClapArgs;
use detector::Output;
use domain::{Action, RequestRecord};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Exit code when `--fail-on` found such a client.
const FOUND: u8 = 3;

/// Analyses finished log files and reports the clients that misbehaved.
///
/// Files may be plain, .gz or .zst; their format is detected; without a file, standard input is read. Nothing is
/// trained and nothing is sent anywhere: one pass with the shipped model and the lines read so far, as a live
/// installation would have seen them.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pass: PassOptions,
    #[command(flatten)]
    report: ReportOptions,
    /// Log files; `-` or none for standard input.
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be opened, a setting or the model is wrong, or the report cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let outcome = pass(&args.pass, &args.files, |_| {})?;
    args.report.conclude(&outcome, started)
}

/// What a report shows, and what the exit code says.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct ReportOptions {
    /// Form of the report.
    #[arg(long, value_enum, default_value = "table")]
    output: Form,
    /// List at most so many clients.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    limit: usize,
    /// Exit with code 3 when a client was given this action or a stronger one.
    #[arg(long, value_name = "ACTION")]
    fail_on: Option<Action>,
}

impl ReportOptions {
    /// Writes the report of a pass that began then, and says with which code to exit.
    ///
    /// # Errors
    /// When the report cannot be written.
    pub(super) fn conclude(&self, outcome: &Outcome, started: Instant) -> anyhow::Result<ExitCode> {
        let report = Report {
            outcome,
            seconds: started.elapsed().as_secs_f64(),
            limit: self.limit,
            is_colored: report::takes_color(),
        };
        let mut out = BufWriter::new(std::io::stdout().lock());
        match report.write(self.output, &mut out).and_then(|()| out.flush()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.context("could not write the report")?,
        }
        Ok(exit_code(outcome, self.fail_on))
    }
}

/// Reads the files to their ends; `watch` is shown every record, in order.
pub(crate) fn pass(
    options: &PassOptions,
    files: &[PathBuf],
    mut watch: impl FnMut(&[RequestRecord<'_>]),
) -> anyhow::Result<Outcome> {
    pass_watched(options, files, |_, records| watch(records))
}

/// Reads the files to their ends; `heard` is told what the detector says, in order.
pub(super) fn watch(
    options: &PassOptions,
    files: &[PathBuf],
    mut heard: impl FnMut(&[Output]),
) -> anyhow::Result<Outcome> {
    pass_watched(options, files, |outputs, _| heard(outputs))
}

fn pass_watched(
    options: &PassOptions,
    files: &[PathBuf],
    mut watch: impl FnMut(&[Output], &[RequestRecord<'_>]),
) -> anyhow::Result<Outcome> {
    let readers = wiring::open(files)?;
    let parts = options.parts()?;
    let scorer = BundleScorer::load(parts.model.as_deref())?;
    wiring::check_budget(&scorer, &parts.settings.policy)?;
    let pass = Pass {
        scorer,
        parser: parts.parser,
        settings: parts.settings,
        threads: parts.threads,
    };
    let bar = Bar::over(&readers);
    let outcome = analysis::run_watched(pass, readers, |_, outputs, records| {
        watch(outputs, records);
        bar.tick();
    });
    bar.finish();
    Ok(outcome)
}

fn exit_code(outcome: &Outcome, fail_on: Option<Action>) -> ExitCode {
    let is_found =
        fail_on.is_some_and(|action| outcome.clients.iter().any(|client| client.alert.action >= action));
    if is_found {
        return ExitCode::from(FOUND);
    }
    // A file that could not be read to its end is reported above, and is a failure for a script.
    if outcome.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
