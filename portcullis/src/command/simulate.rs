//! `portcullis simulate`: labelled traffic on standard output, in any log format, with its truth beside it.

use crate::wiring::WrongUsage;
use anyhow::Context as _;
use domain::{HashKey, Timestamp};
use ingest::Format;
use simulator::{SCENARIOS, Simulation, scenario, write_truth};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code for wrong usage.
const WRONG: u8 = 2;
/// 2026-01-05T00:00:00Z, a Monday: every run begins here, so that the same seed gives the same bytes on any day.
const START: Timestamp = Timestamp::from_secs(1_767_571_200);
/// Columns of the help, and the one at which what a scenario shows begins.
const HELP_WIDTH: usize = 98;
const HELP_INDENT: usize = 25;
/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 18;
/// Routes are digested but never written: any key does.
const ROUTE_KEY: HashKey = HashKey::new([0; 16]);

/// Arguments of `portcullis simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = scenarios())]
pub(crate) struct Args {
    /// Scenario to play; --list names them
    #[arg(long, value_name = "NAME", required_unless_present = "list")]
    scenario: Option<String>,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of requests; scenarios of several days end with their last day, after fewer
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    requests: u64,
    /// Log format of the lines
    #[arg(long, value_name = "FORMAT", default_value = "nginx_combined")]
    format: String,
    /// File to write the truth to: client,label,requests,first_attack_at
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Tell ways of attacking apart in the truth file: scraping:scraping_slow instead of scraping
    #[arg(long, requires = "truth")]
    ways: bool,
    /// Make so many percent of the clients attackers, in place of the scenario's own share
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    attackers: Option<f64>,
    /// Print the scenarios and stop
    #[arg(long)]
    list: bool,
}

/// Runs the command.
///
/// # Errors
/// When standard output or the truth file cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.list {
        return list();
    }
    let name = args.scenario.as_deref().unwrap_or_default();
    let Some(chosen) = scenario(name) else {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Ok(refuse("scenario", name, &names));
    };
    let Some(format) = ingest::format::by_name(&args.format) else {
        let names: Vec<&str> = ingest::FORMATS.iter().map(|format| format.name()).collect();
        return Ok(refuse("format", &args.format, &names));
    };
    // Opened first: who cannot write the truth should hear it before a million lines have gone by.
    let truth = match &args.truth {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("could not create {}", path.display()))?;
            Some(BufWriter::new(file))
        }
        None => None,
    };
    let mut simulation = Simulation::sized(chosen, args.seed, START, args.requests);
    if let Some(percent) = args.attackers {
        if !chosen.is_resizable || !chosen.has_attackers() {
            let problem =
                format!("--attackers has nothing to change: {name} has a fixed rate or no attackers");
            return Err(WrongUsage(problem).into());
        }
        simulation = simulation.with_attackers(percent / 100.0);
    }
    let out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    write_lines(&mut simulation, args.requests, format, out)
        .or_else(ignore_closed_pipe)
        .context("could not write to standard output")?;
    if let Some(mut truth) = truth {
        write_truth(&mut truth, simulation.truth(), args.ways).context("could not write the truth file")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The scenarios with what each shows, for the end of the help: broken here, since the help's own breaking knows no columns.
fn scenarios() -> String {
    let mut text = "Scenarios:".to_owned();
    for scenario in SCENARIOS {
        text.push_str(&format!("\n  {:22}", scenario.name));
        let mut column = HELP_INDENT;
        for word in scenario.about.split(' ') {
            if column + word.len() >= HELP_WIDTH {
                text.push_str(&format!("\n{:width$}", "", width = HELP_INDENT - 1));
                column = HELP_INDENT;
            }
            text.push(' ');
            text.push_str(word);
            column += word.len() + 1;
        }
    }
    text
}

/// Reads a share of attackers.
fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.0..=90.0).contains(&percent) {
        Ok(percent)
    } else {
        Err("expected 0 to 90".to_owned())
    }
}

/// Writes that many requests as lines, behind the header of formats that have one.
fn write_lines(
    simulation: &mut Simulation,
    requests: u64,
    format: &dyn Format,
    mut out: impl Write,
) -> io::Result<()> {
    if let Some(header) = format.header() {
        writeln!(out, "{header}")?;
    }
    let mut line = Vec::new();
    for _ in 0..requests {
        let Some(request) = simulation.next() else { break };
        line.clear();
        format.render(&request.record(&ROUTE_KEY), &mut line);
        line.push(b'\n');
        out.write_all(&line)?;
    }
    out.flush()
}

fn list() -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    for scenario in SCENARIOS {
        writeln!(out, "{:22} {}", scenario.name, scenario.about)
            .or_else(ignore_closed_pipe)
            .context("could not write to standard output")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whoever reads only the head of the lines (`| head`) has what they wanted.
fn ignore_closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(error)
}

fn refuse(what: &str, name: &str, known: &[&str]) -> ExitCode {
    // Nothing can be done when standard error is closed as well.
    let _ = writeln!(
        io::stderr(),
        "no {what} {name:?}: expected one of {}",
        known.join(", ")
    );
    ExitCode::from(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct ClosedAfter(usize);

    impl Write for ClosedAfter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(ErrorKind::BrokenPipe.into());
            }
            self.0 -= 1;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_ends_the_run_quietly() {
        let mut simulation = Simulation::sized(scenario("baseline").unwrap(), 1, START, 1_000);
        let format = ingest::format::by_name("nginx_combined").unwrap();
        let end = write_lines(&mut simulation, 1_000, format, ClosedAfter(10));
        assert!(end.or_else(ignore_closed_pipe).is_ok());
        assert_eq!(simulation.truth().map(|row| row.requests).sum::<u64>(), 11);
    }

    #[test]
    fn every_format_writes_as_many_lines_as_were_asked_for() {
        for format in ingest::FORMATS {
            let mut simulation = Simulation::sized(scenario("mixed").unwrap(), 2, START, 2_000);
            let mut out = Vec::new();
            write_lines(&mut simulation, 2_000, *format, &mut out).unwrap();
            let lines = out.iter().filter(|byte| **byte == b'\n').count();
            let header = format.header().map_or(0, |header| header.lines().count());
            assert_eq!(lines - header, 2_000, "{}", format.name());
        }
    }
}
