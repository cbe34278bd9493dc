//! `train`: makes a model from simulated clean traffic, or from logs that are known to be clean.

use crate::analysis::{describe, scan_key};
use crate::scorer::{card_of, schema};
use crate::wiring;
use anyhow::{Context, anyhow};
use clap::Args as ClapArgs;
use detector::{Contribution, Detector, Score, Scorer, Serial, Settings, Windows};
use domain::{Allowlist, RequestRecord, Timestamp};
use ingest::{Merge, Parsed, ParserConfig};
use models::bundle::{BundleParams, ModelBundle};
use models::training::TrainingSet;
use simulator::Simulation;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

/// Start of simulated time: any fixed moment gives the same model.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Rows kept for training: past this a run is thinned by never looking again. Four times what a calibration to one in
/// a hundred thousand needs.
const ROWS_MAX: usize = 1_000_000;

/// Records handed to the detector together.
const SLICE: usize = 1024;

/// Makes a model and its card.
///
/// Without files it learns from simulated clean traffic; with files, from logs that you know to be clean: whatever
/// they hold becomes normal.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// Where the model goes; its card goes beside it, with the ending .md.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Version name: it stands in every decision the model makes.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where every random choice comes from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Simulated requests for each scenario of clean traffic.
    #[arg(long, value_name = "N", default_value_t = 400_000)]
    requests: u64,
    /// Scenarios of clean traffic.
    #[arg(long, value_name = "NAME", default_values_t = ["baseline", "baseline_content", "baseline_api", "baseline_cms"].map(str::to_owned))]
    scenario: Vec<String>,
    /// Logs of clean traffic, instead of simulated traffic.
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a scenario is not known, a file cannot be read, or there are too few rows to train on.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rows = if args.files.is_empty() {
        simulated(args)?
    } else {
        recorded(args)?
    };
    let description = if args.files.is_empty() {
        format!(
            "simulated clean traffic: {}, {} requests each, seed {}",
            args.scenario.join(", "),
            args.requests,
            args.seed
        )
    } else {
        format!("{} log files given as clean", args.files.len())
    };
    let set = TrainingSet::new(
        schema()?,
        rows.values,
        rows.requests,
        rows.client_days,
        description,
    )?;
    let bundle = ModelBundle::fit(&set, &BundleParams::new(args.name.clone(), args.seed))?;
    let write = |path: &PathBuf, bytes: &[u8]| {
        std::fs::write(path, bytes).with_context(|| format!("could not write {}", path.display()))
    };
    write(&args.out, &bundle.to_bytes()?)?;
    write(&args.out.with_extension("md"), card_of(&bundle).as_bytes())?;
    eprintln!(
        "trained {} on {} rows; the smallest p-value is {:.1e}",
        args.name,
        bundle.provenance().rows,
        bundle.smallest_p_value()
    );
    Ok(ExitCode::SUCCESS)
}

/// Rows as the detector would hand them to a model.
#[derive(Debug, Default)]
struct TrainingRows {
    values: Vec<f32>,
    requests: Vec<u32>,
    client_days: Vec<u64>,
}

/// Writes down what it is asked to score, and calls everything ordinary.
#[derive(Debug, Default)]
struct Recorder {
    rows: Mutex<TrainingRows>,
    /// Told apart from the same address in another run.
    run: u64,
}

impl Scorer for Recorder {
    fn version(&self) -> &'static str {
        "training"
    }

    fn score(&self, windows: Windows<'_>, out: &mut [Score]) {
        out.fill(Score {
            value: 0.0,
            p_value: 1.0,
        });
        // A poisoned lock means that another thread panicked: the run is lost anyway.
        let Ok(mut rows) = self.rows.lock() else { return };
        if rows.requests.len() + windows.requests.len() > ROWS_MAX {
            return;
        }
        rows.values.extend_from_slice(windows.rows);
        rows.requests.extend_from_slice(windows.requests);
        rows.client_days.extend(
            windows
                .clients
                .iter()
                .map(|client| client ^ self.run.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        );
    }

    fn explain(&self, _row: &[f32], _requests: u64, _most: usize) -> Vec<Contribution> {
        Vec::new()
    }
}

fn recorder(run: u64, rows: TrainingRows) -> Detector<Recorder> {
    let mut settings = Settings::new(scan_key(), describe);
    settings.allowlist = Allowlist::new(Vec::new(), Vec::new(), false);
    Detector::new(
        settings,
        Recorder {
            rows: Mutex::new(rows),
            run,
        },
    )
}

fn rows_of(detector: Detector<Recorder>) -> anyhow::Result<TrainingRows> {
    detector
        .into_scorer()
        .rows
        .into_inner()
        .map_err(|_| anyhow!("a training run panicked"))
}

fn simulated(args: &Args) -> anyhow::Result<TrainingRows> {
    let mut rows = TrainingRows::default();
    for (run, name) in args.scenario.iter().enumerate() {
        let scenario = simulator::scenario(name).ok_or_else(|| {
            wiring::WrongUsage(format!(
                "unknown scenario {name:?}: see portcullis simulate --list"
            ))
        })?;
        let mut simulation =
            Simulation::sized(scenario, args.seed.wrapping_add(run as u64), START, args.requests);
        let mut detector = recorder(run as u64, rows);
        let mut outputs = Vec::new();
        let mut sent = 0;
        while sent < args.requests {
            let slice: Vec<_> = std::iter::from_fn(|| simulation.next_with(|_| simulator::Verdict::Pass))
                .take(SLICE)
                .collect();
            if slice.is_empty() {
                break;
            }
            let records: Vec<RequestRecord<'_>> =
                slice.iter().map(|request| request.record(&scan_key())).collect();
            detector.observe(&records, &Serial, &mut outputs);
            outputs.clear();
            sent += slice.len() as u64;
        }
        eprintln!("{name}: {sent} requests");
        rows = rows_of(detector)?;
    }
    Ok(rows)
}

fn recorded(args: &Args) -> anyhow::Result<TrainingRows> {
    let mut merge = Merge::new(wiring::open(&args.files)?, &ParserConfig::new(scan_key()));
    let mut detector = recorder(0, TrainingRows::default());
    let mut outputs = Vec::new();
    loop {
        let mut parsed: Vec<Parsed<'_>> = Vec::with_capacity(SLICE);
        if !merge.next(SLICE, &mut parsed) {
            break;
        }
        let records: Vec<RequestRecord<'_>> =
            parsed.into_iter().filter_map(|line| line.result.ok()).collect();
        detector.observe(&records, &Serial, &mut outputs);
        outputs.clear();
    }
    rows_of(detector)
}
