//! `evaluate`: how good the decisions on labelled logs are.

use crate::evaluation::{Figures, Log, Onsets, Suite, Truth, compare};
use crate::wiring::PassOptions;
use api::neutralise;
use clap::Args as ClapArgs;
use models::interval::{Median, Proportion};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compares the decisions on log files with a truth file.
///
/// The truth file is CSV with the header `client,label,requests,first_attack_at`. The client is the unit; positive is
/// whoever was given throttle, challenge or block. Every figure comes with its exact 95% interval. With --suite,
/// several labelled logs are judged, each by itself and all together, and falling below a floor is a failure.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pass: PassOptions,
    /// The truth file.
    #[arg(long, value_name = "FILE", required_unless_present = "suite")]
    truth: Option<PathBuf>,
    /// Labelled logs and their floors, as TOML.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["truth", "files"], requires = "data")]
    suite: Option<PathBuf>,
    /// Folder that the suite's files lie in.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Leave out clients with fewer requests.
    #[arg(long, value_name = "N", default_value_t = 5)]
    requests_min: u64,
    /// Print one JSON object a log instead of text.
    #[arg(long)]
    json: bool,
    /// Name every client that was missed or wrongly acted on.
    #[arg(long)]
    names: bool,
    /// Log files; `-` or none for standard input.
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match (&args.suite, &args.data, &args.truth) {
        (Some(suite), Some(data), _) => run_suite(args, &Suite::read(suite)?, data),
        (_, _, Some(truth)) => {
            let figures = judge(args, truth, &args.files)?;
            args.write(None, &figures)?;
            Ok(ExitCode::SUCCESS)
        }
        // The command line's parser asks for one of them.
        _ => anyhow::bail!("could not tell what to evaluate: expected --truth, or --suite with --data"),
    }
}

/// Judges every log of a suite, then all together.
fn run_suite(args: &Args, suite: &Suite, data: &Path) -> anyhow::Result<ExitCode> {
    let mut pooled = Figures::default();
    let mut broken = Vec::new();
    for log in &suite.logs {
        let figures = judge_log(args, log, data)?;
        args.write(Some(&log.name), &figures)?;
        let of_log = |problem| format!("{}: {problem}", log.name);
        broken.extend(log.floors.broken_by(&figures).into_iter().map(of_log));
        pooled.pool(figures);
    }
    args.write(Some("pooled"), &pooled)?;
    let of_all = |problem| format!("pooled: {problem}");
    broken.extend(suite.pooled.broken_by(&pooled).into_iter().map(of_all));
    for problem in &broken {
        eprintln!("below its floor: {problem}");
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn judge_log(args: &Args, log: &Log, data: &Path) -> anyhow::Result<Figures> {
    let figures = judge(args, &data.join(&log.truth), &[data.join(&log.file)])?;
    Ok(if log.judges_attackers {
        figures
    } else {
        figures.without_attackers()
    })
}

fn judge(args: &Args, truth: &Path, files: &[PathBuf]) -> anyhow::Result<Figures> {
    let truth = Truth::read(truth)?;
    let mut onsets = Onsets::new(&truth);
    let outcome = super::scan::pass(&args.pass, files, |records| onsets.observe(records))?;
    // Figures of half a log would be compared with the labels of a whole one.
    anyhow::ensure!(outcome.problems.is_empty(), "{}", outcome.problems.join("\n"));
    Ok(compare(&outcome, &truth, &onsets, args.requests_min))
}

impl Args {
    fn write(&self, name: Option<&str>, figures: &Figures) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            write_json(name, figures, &mut out)?;
        } else {
            if let Some(name) = name {
                writeln!(out, "{name}")?;
            }
            write_shares(figures, &mut out)?;
            write_counts(figures, &mut out)?;
            if self.names {
                write_names(figures, &mut out)?;
            }
            if name.is_some() {
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

fn write_json(name: Option<&str>, figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let interval = |interval: Proportion| serde_json::json!({"value": interval.estimate, "low": interval.low, "high": interval.high});
    let requests = figures
        .median_requests()
        .map(|median| serde_json::json!({"value": median.estimate, "low": median.low, "high": median.high}));
    let object = serde_json::json!({
        "log": name, "lines": figures.lines, "parsed": figures.parsed,
        "attackers": figures.attackers, "caught": figures.caught, "observed": figures.observed, "early": figures.early,
        "innocent": figures.innocent, "wrong": figures.wrong.len(),
        "precision": interval(figures.precision()), "recall": interval(figures.recall()),
        "false_positive_rate": interval(figures.false_positive_rate()),
        "prevented": interval(figures.prevented_share()), "median_requests_to_detection": requests,
    });
    writeln!(out, "{object}")
}

fn write_shares(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let wrong = figures.wrong.len() as u64;
    let acted = figures.caught + wrong;
    let (caught, attackers) = (figures.caught, figures.attackers);
    let lines = [
        (
            "lines read",
            figures.parsed_share(),
            format!("{} of {}", figures.parsed, figures.lines),
        ),
        (
            "precision",
            figures.precision(),
            format!("{caught} of {acted} acted on"),
        ),
        (
            "recall",
            figures.recall(),
            format!(
                "{caught} of {attackers} attackers, {} more only observed",
                figures.observed
            ),
        ),
        (
            "false positive rate",
            figures.false_positive_rate(),
            format!("{wrong} of {} others", figures.innocent),
        ),
        (
            "prevented",
            figures.prevented_share(),
            format!(
                "{} of {} requests of larger attackers",
                figures.prevented, figures.preventable
            ),
        ),
    ];
    for (name, share, meaning) in lines {
        writeln!(out, "  {name:<21} {}  {meaning}", percent(share))?;
    }
    Ok(())
}

fn percent(share: Proportion) -> String {
    if share.trials == 0 {
        return format!("{:>6} {:16}", "-", "");
    }
    let interval = format!("[{:.1}, {:.1}]", share.low * 100.0, share.high * 100.0);
    format!("{:5.1}% {interval:16}", share.estimate * 100.0)
}

fn write_counts(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    match figures.median_requests() {
        Some(Median { estimate, low, high }) => {
            let end = |end: Option<u64>| end.map_or_else(|| "?".to_owned(), |end| end.to_string());
            let interval = format!("[{}, {}]", end(low), end(high));
            let early = figures.early;
            writeln!(
                out,
                "  requests to detection {estimate:6} {interval:16}  median from the first attack on, {early} acted on earlier"
            )?;
        }
        None if figures.attackers > 0 => writeln!(out, "  requests to detection      -  nobody was caught")?,
        None => {}
    }
    for (label, (caught, all)) in &figures.by_label {
        writeln!(out, "    {label}: {caught} of {all}")?;
    }
    for (label, (clients, acted)) in &figures.left_out {
        writeln!(
            out,
            "    left out: {label}: {clients}, of which {acted} were acted on"
        )?;
    }
    Ok(())
}

fn write_names(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    for (client, label) in &figures.wrong {
        let client = client.to_string();
        let (client, label) = (neutralise(&client), neutralise(label));
        writeln!(out, "    wrongly acted on: {client} ({label})")?;
    }
    for client in &figures.missed {
        writeln!(out, "    missed: {}", neutralise(&client.to_string()))?;
    }
    Ok(())
}
