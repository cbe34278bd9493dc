//! `evaluate`: how good the decisions on labelled logs are.

use crate::evaluation::{Figures, Truth, compare};
use crate::wiring::PassOptions;
use api::neutralise;
use clap::Args as ClapArgs;
use models::interval::Proportion;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares the decisions on log files with a truth file.
///
/// The truth file is CSV with the header `client,label,requests,first_attack_at`. The client is the unit; positive is
/// whoever was given throttle, challenge or block. Every figure comes with its exact 95% interval.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(flatten)]
    pass: PassOptions,
    /// The truth file.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Leave out clients with fewer requests.
    #[arg(long, value_name = "N", default_value_t = 5)]
    requests_min: u64,
    /// Print one JSON object instead of text.
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
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let truth = Truth::read(&args.truth)?;
    let outcome = super::scan::pass(&args.pass, &args.files)?;
    let figures = compare(&outcome, &truth, args.requests_min);
    let mut out = std::io::stdout().lock();
    if args.json {
        write_json(&figures, &mut out)?
    } else {
        write_text(&figures, args.names, &mut out)?
    }
    Ok(ExitCode::SUCCESS)
}

fn write_json(figures: &Figures, out: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let interval = |interval: Proportion| serde_json::json!({"value": interval.estimate, "low": interval.low, "high": interval.high});
    let object = serde_json::json!({
        "attackers": figures.attackers, "caught": figures.caught, "observed": figures.observed, "early": figures.early,
        "innocent": figures.innocent, "wrong": figures.wrong.len(),
        "precision": interval(figures.precision()), "recall": interval(figures.recall()),
        "false_positive_rate": interval(figures.false_positive_rate()),
        "prevented": interval(figures.prevented_share()), "median_requests_to_detection": figures.median_requests(),
    });
    writeln!(out, "{object}")?;
    Ok(())
}

fn write_text(figures: &Figures, names: bool, out: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let percent = |interval: Proportion| {
        format!(
            "{:5.1}% [{:.1}, {:.1}]",
            interval.estimate * 100.0,
            interval.low * 100.0,
            interval.high * 100.0
        )
    };
    writeln!(
        out,
        "precision            {}  {} of {} acted on",
        percent(figures.precision()),
        figures.caught,
        figures.caught + figures.wrong.len() as u64
    )?;
    writeln!(
        out,
        "recall               {}  {} of {} attackers, {} more only observed",
        percent(figures.recall()),
        figures.caught,
        figures.attackers,
        figures.observed
    )?;
    writeln!(
        out,
        "false positive rate  {}  {} of {} others",
        percent(figures.false_positive_rate()),
        figures.wrong.len(),
        figures.innocent
    )?;
    writeln!(
        out,
        "prevented            {}  {} of {} requests of larger attackers",
        percent(figures.prevented_share()),
        figures.prevented,
        figures.preventable
    )?;
    match figures.median_requests() {
        Some(median) => writeln!(
            out,
            "requests to detection  median {median}, {} early",
            figures.early
        )?,
        None => writeln!(out, "requests to detection  nobody was caught")?,
    }
    for (label, (caught, all)) in &figures.by_label {
        writeln!(out, "  {label}: {caught} of {all}")?;
    }
    for (label, (clients, acted)) in &figures.left_out {
        writeln!(
            out,
            "  left out: {label}: {clients}, of which {acted} were acted on"
        )?;
    }
    if names {
        for (client, label) in &figures.wrong {
            writeln!(
                out,
                "  wrongly acted on: {} ({})",
                neutralise(&client.to_string()),
                neutralise(label)
            )?;
        }
        for client in &figures.missed {
            writeln!(out, "  missed: {}", neutralise(&client.to_string()))?;
        }
    }
    Ok(())
}
