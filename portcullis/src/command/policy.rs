//! `portcullis policy`: what a policy file comes to, and whether it does what its tests say.

use crate::operator::{Api, ApiOptions, Column, print_rows};
use crate::policy::{self, Written};
use crate::service::{detector_settings, wall_clock};
use crate::wiring::{as_usage, load_config};
use anyhow::Context as _;
use detector::policy::PolicySettings;
use domain::Mode;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `portcullis policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the tests that stand in a policy file; exit code 1 when one fails, 2 when the file is wrong
    ///
    /// What is tested is what the policy asks for. Allowlists, the warm-up, the guard and caps come after it and may make it milder.
    Test(Input),
    /// Say in words what a policy file comes to, clause by clause
    Explain(Input),
    /// Say who would have been hit: decisions in shadow that the service keeps, by clause, the costliest first; and whether they may be
    /// carried out
    Report {
        #[command(flatten)]
        api: ApiOptions,
        /// Look at so many of the latest decisions at most
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        limit: usize,
    },
}

#[derive(Debug, clap::Args)]
struct Input {
    /// The policy's file
    file: PathBuf,
    /// The configuration whose thresholds and times hold where no clause says otherwise; without it, the defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or is wrong, or standard output cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let input = match &args.command {
        Command::Test(input) | Command::Explain(input) => input,
        Command::Report { api, limit } => return report(api, *limit),
    };
    let settings = settings(input.config.as_deref())?;
    let written = policy::read_file(&input.file).map_err(as_usage)?;
    for warning in policy::unheard(&written.clauses, &settings) {
        eprintln!("warning: {}", api::neutralise(&warning));
    }
    let mut out = String::new();
    let code = match &args.command {
        Command::Test(_) => test(&written, &settings, &mut out)?,
        _ => {
            explain(&written, &mut out)?;
            ExitCode::SUCCESS
        }
    };
    // Names and descriptions are text of the file.
    let lines: Vec<_> = out.lines().map(api::neutralise).collect();
    match io::stdout()
        .lock()
        .write_all((lines.join("\n") + "\n").as_bytes())
    {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(code),
        written => written.map(|()| code).context("could not write what was found"),
    }
}

const COLUMNS: &[Column] = &[
    ("clause", "source"),
    ("threat", "threat"),
    ("action", "action"),
    ("decisions", "decisions"),
    ("clients", "clients"),
    ("their successes", "successful_requests"),
    ("first", "first_at"),
    ("last", "last_at"),
    ("clients such as", "examples"),
];

/// Lists what was decided in shadow, also what has ended since.
fn report(api: &ApiOptions, limit: usize) -> anyhow::Result<ExitCode> {
    let query = [("mode", Mode::Shadow.as_str().to_owned())];
    let ask = Api::new(api)?;
    let decisions = ask.list("/decisions", &query, limit)?;
    print_rows(&policy::report(&decisions), COLUMNS, api.output)?;
    let alerts = ask.list("/alerts", &[], limit)?;
    let alarms = ask.list("/alarms", &[], limit)?;
    let missing = policy::missing(&decisions, &alerts, &alarms, wall_clock());
    // On standard error: the rows may be JSON for a program.
    if missing.is_empty() {
        eprintln!("Ready: what was decided in shadow may be carried out.");
    } else {
        eprintln!("Not ready to be carried out:");
        missing.iter().for_each(|sentence| eprintln!("  - {sentence}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The thresholds and times beside which the clauses stand.
fn settings(config: Option<&Path>) -> anyhow::Result<PolicySettings> {
    let config = config.map(load_config).transpose()?;
    Ok(config.map_or_else(PolicySettings::default, |config| {
        detector_settings(&config, crate::analysis::scan_key()).policy
    }))
}

/// Runs every test and writes what each came to.
fn test(written: &Written, settings: &PolicySettings, out: &mut String) -> anyhow::Result<ExitCode> {
    let (mut passed, mut failed, mut untested) = (0u32, 0u32, 0u32);
    for trial in &written.trials {
        let found = trial.run(written, settings);
        if trial.expected.is_met(&found) {
            passed += 1;
            writeln!(out, "ok       {}", trial.name)?;
            continue;
        }
        failed += 1;
        writeln!(out, "FAILED   {} ({}:{})", trial.name, written.file, trial.line)?;
        writeln!(out, "         expected: {}", trial.expected.words())?;
        writeln!(out, "         found:    {}", found.words())?;
    }
    for (clause, line) in written.clauses.clauses().iter().zip(&written.lines) {
        let mut trials = written.trials.iter();
        if !trials.any(|trial| trial.expected.clause.as_deref() == Some(&clause.name)) {
            untested += 1;
            writeln!(out, "no test  {} ({}:{line})", clause.name, written.file)?;
        }
    }
    let count = written.clauses.clauses().len();
    write!(
        out,
        "policy {}: {count} clauses, {passed} tests passed, {failed} failed",
        written.clauses.title()
    )?;
    if untested > 0 {
        write!(out, ", no test expects {untested} of the clauses")?;
    }
    writeln!(out)?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Lists the clauses in words, in the order in which they are asked.
pub(super) fn explain(written: &Written, out: &mut String) -> anyhow::Result<()> {
    let clauses = written.clauses.clauses();
    writeln!(
        out,
        "policy {} ({}): {} clauses, the first that fits decides",
        written.clauses.title(),
        written.file,
        clauses.len()
    )?;
    for (place, (clause, line)) in clauses.iter().zip(&written.lines).enumerate() {
        writeln!(
            out,
            "{}. {}: {}  # line {line}",
            place + 1,
            clause.name,
            policy::of_clause(clause)
        )?;
        if !clause.description.is_empty() {
            writeln!(out, "   {}", clause.description)?;
        }
    }
    writeln!(out, "Where none fits, thresholds and times of [policy] decide.")?;
    Ok(())
}
