//! `train`: makes a model from simulated clean traffic, or from logs that are known to be clean.

mod collect;

use crate::analysis::scan_key;
use crate::command::model;
use crate::scorer::{card_of, schema};
use anyhow::Context;
use clap::Args as ClapArgs;
use collect::{Known, LeftOut};
use detector::Recorded;
use models::bundle::{Assessment, BundleParams, ClientScore, ModelBundle};
use models::training::TrainingSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Scenarios of attacks that no new model may forget, and their requests.
const RETAINED: [&str; 4] = ["mixed", "mixed_content", "mixed_api", "mixed_cms"];
const RETAINED_REQUESTS: u64 = 60_000;
/// Their seed: another than any training run has by default.
const RETAINED_SEED: u64 = 7_001;

/// The p-value at which benign clients of a new model and the present one are compared.
const SHIFT_P: f64 = 0.01;

/// Makes a model and its card.
///
/// Without files it learns from simulated clean traffic; with files, from logs that you know to be clean: clients that evidence
/// speaks against, those that a truth file names, days that are not over for a day, and what one network has beyond its
/// share are left out; the rest becomes normal. A run that is stopped goes on where it was when it is started again with
/// the same options. A model that was there before is kept: `portcullis model rollback` puts it back.
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
    /// Scenarios of clean traffic; with files, none unless named.
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// A truth file: only clients that it calls harmless, or does not name, are learnt from.
    #[arg(long, value_name = "FILE", requires = "files")]
    exclude: Option<PathBuf>,
    /// People's verdicts, as `portcullis alerts export-truth` writes them: whom they call an attacker is not learnt from, and whom they
    /// call a false positive is, although evidence speaks against it.
    #[arg(long, value_name = "FILE", requires = "files")]
    verdicts: Option<PathBuf>,
    /// Refuse logs in which evidence speaks against more than this share of the clients.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    contamination_max: f64,
    /// Refuse a model whose area under the ROC curve on retained attacks is smaller by more than this than that of the model
    /// it is held against.
    #[arg(long, value_name = "AREA", default_value_t = 0.02)]
    forget_max: f64,
    /// Refuse a model that calls more of the harmless clients beside those attacks one in a hundred, by this share.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    shift_max: f64,
    /// The model that it is held against, instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Logs of clean traffic.
    files: Vec<PathBuf>,
}

/// Scenarios of clean traffic when nothing else is asked for.
const BASELINES: [&str; 4] = ["baseline", "baseline_content", "baseline_api", "baseline_cms"];

/// Runs the command.
///
/// # Errors
/// When a scenario is not known, a file cannot be read, there are too few rows to train on, or the model is refused.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let scenarios = args.scenarios();
    let (rows, description) = gather(args, &scenarios)?;
    let client_days = rows.client_days(&scan_key());
    let set = TrainingSet::new(schema()?, rows.values, rows.requests, client_days, description)?
        .with_days(rows.days)?;
    eprintln!("fitting to {} rows", set.request_counts().len());
    let mut bundle = ModelBundle::fit(&set, &BundleParams::new(args.name.clone(), args.seed))?;
    judge(args, &mut bundle)?;
    model::install(&args.out, &bundle.to_bytes()?, &card_of(&bundle))?;
    // What was gathered has done its service; a file that is gone already is as good.
    let _ = std::fs::remove_file(args.partial());
    eprintln!(
        "trained {} on {} rows; the smallest p-value is {:.1e}",
        args.name,
        bundle.provenance().rows,
        bundle.smallest_p_value()
    );
    Ok(ExitCode::SUCCESS)
}

/// What a stopped run had gathered.
#[derive(Serialize, Deserialize)]
struct Partial {
    /// What it was asked for: another question is another run.
    asked: String,
    /// Scenarios that are done.
    done: u64,
    rows: Recorded,
}

impl Args {
    fn scenarios(&self) -> Vec<String> {
        if self.scenario.is_empty() && self.files.is_empty() {
            return BASELINES.map(str::to_owned).to_vec();
        }
        self.scenario.clone()
    }

    fn partial(&self) -> PathBuf {
        self.out.with_extension("partial")
    }

    /// What a stopped run of the same question had gathered.
    fn resume(&self, asked: &str) -> Partial {
        let fresh = || Partial {
            asked: asked.to_owned(),
            done: 0,
            rows: Recorded::default(),
        };
        let Ok(bytes) = std::fs::read(self.partial()) else {
            return fresh();
        };
        match postcard::from_bytes::<Partial>(&bytes) {
            Ok(partial) if partial.asked == asked => {
                eprintln!("goes on after {} scenarios", partial.done);
                partial
            }
            // Another question, or a file that was cut: what is in it is made again.
            _ => fresh(),
        }
    }
}

/// Gathers the rows, and says where they are from.
fn gather(args: &Args, scenarios: &[String]) -> anyhow::Result<(Recorded, String)> {
    let width = schema()?.len();
    let fingerprint = schema()?.fingerprint().to_string();
    let asked = format!("{fingerprint} {scenarios:?} {} {}", args.seed, args.requests);
    let mut partial = args.resume(&asked);
    for (run, name) in scenarios.iter().enumerate().skip(partial.done as usize) {
        eprintln!("{} of {} scenarios", run + 1, scenarios.len());
        let seed = args.seed.wrapping_add(run as u64);
        let (rows, _) = collect::simulated(name, (seed, run as i64, args.requests))?;
        partial.rows.append(rows);
        partial.done = run as u64 + 1;
        let bytes = postcard::to_stdvec(&partial).context("could not write down what was gathered")?;
        model::write_whole(&args.partial(), &bytes)?;
    }
    let mut rows = partial.rows;
    let mut parts = Vec::new();
    if !scenarios.is_empty() {
        parts.push(format!(
            "simulated clean traffic: {}, {} requests each, seed {}",
            scenarios.join(", "),
            args.requests,
            args.seed
        ));
    }
    if !args.files.is_empty() {
        let day = collect::today()?;
        let known = Known::read(args.exclude.as_deref(), args.verdicts.as_deref())?;
        let (recorded, left_out) =
            collect::recorded(&args.files, &known, (scenarios.len() as i64, width, day))?;
        check_contamination(args, left_out)?;
        parts.push(told(args, &recorded, left_out));
        rows.append(recorded);
    }
    Ok((rows, parts.join("; ")))
}

fn check_contamination(args: &Args, left_out: LeftOut) -> anyhow::Result<()> {
    let share = left_out.flagged as f64 / left_out.clients.max(1) as f64;
    anyhow::ensure!(
        share <= args.contamination_max,
        "the logs are refused: evidence speaks against {} of {} clients, {:.1}% where --contamination-max allows {:.1}%. \
         Train on quieter days, or name the attackers with --exclude and raise the limit",
        left_out.flagged,
        left_out.clients,
        share * 100.0,
        args.contamination_max * 100.0
    );
    Ok(())
}

fn told(args: &Args, rows: &Recorded, left_out: LeftOut) -> String {
    format!(
        "{} log files given as clean, {} rows; left out: {} of {} clients that evidence speaks against, {} that a truth file \
         does not call harmless, {} client-days not a day old, {} beyond the share of their network; learnt from against the evidence, by a person's verdict: {}",
        args.files.len(),
        rows.requests.len(),
        left_out.flagged,
        left_out.clients,
        left_out.labelled,
        left_out.young,
        left_out.crowded,
        left_out.acquitted
    )
}

/// Ranks retained attacks by the new model and by the one it is held against, and refuses what forgets or moves too far.
fn judge(args: &Args, bundle: &mut ModelBundle) -> anyhow::Result<()> {
    let mut present = present(args)?;
    for name in RETAINED {
        let (rows, attackers) = collect::simulated(name, (RETAINED_SEED, 0, RETAINED_REQUESTS))?;
        let last = last_looks(&rows, bundle.schema().len());
        let is_attacker: Vec<bool> = last
            .clients
            .iter()
            .map(|client| attackers.contains(client))
            .collect();
        let what = format!("simulated {name}, another seed");
        let ours = measure(bundle, &what, &last, &is_attacker)?;
        let theirs = present
            .as_mut()
            .map(|present| measure(present, &what, &last, &is_attacker))
            .transpose()?;
        let (Some((ours, our_share)), Some(Some((theirs, their_share)))) = (ours, theirs) else {
            continue;
        };
        let (area, before) = (ours.combined, theirs.combined);
        eprintln!(
            "{name}: area {area:.3}, {before:.3} before; harmless clients under {SHIFT_P}: {our_share:.4}, {their_share:.4} before"
        );
        anyhow::ensure!(
            before - area <= args.forget_max,
            "the model is refused: on {name} its area is {area:.3}, {before:.3} before, where --forget-max allows {} less",
            args.forget_max
        );
        anyhow::ensure!(
            our_share - their_share <= args.shift_max,
            "the model is refused: on {name} it calls {our_share:.4} of the harmless clients one in a hundred, {their_share:.4} \
             before, where --shift-max allows {} more",
            args.shift_max
        );
    }
    Ok(())
}

/// The model that a new one is held against; `None` when it takes other features, which is said.
fn present(args: &Args) -> anyhow::Result<Option<ModelBundle>> {
    match crate::scorer::bundle(args.against.as_deref()) {
        Ok(bundle) => Ok(Some(bundle)),
        Err(error) if args.against.is_none() => {
            eprintln!("not held against the shipped model: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Each client's last look.
fn last_looks(rows: &Recorded, width: usize) -> Recorded {
    let last: BTreeMap<u64, usize> = rows
        .clients
        .iter()
        .enumerate()
        .map(|(row, client)| (*client, row))
        .collect();
    let mut looks = Recorded::default();
    for (client, row) in last {
        looks
            .values
            .extend_from_slice(&rows.values[row * width..][..width]);
        looks.requests.push(rows.requests[row]);
        looks.clients.push(client);
        looks.days.push(rows.days[row]);
    }
    looks
}

/// A model's area on labelled looks, and the share of harmless ones that it calls one in a hundred.
fn measure(
    bundle: &mut ModelBundle,
    what: &str,
    looks: &Recorded,
    is_attacker: &[bool],
) -> anyhow::Result<Option<(Assessment, f64)>> {
    let Some(assessment) = bundle.assess((what, true), &looks.values, &looks.requests, is_attacker)? else {
        return Ok(None);
    };
    let mut scores = vec![ClientScore::default(); is_attacker.len()];
    bundle.score(&looks.values, &looks.requests, &mut scores)?;
    let harmless = scores.iter().zip(is_attacker).filter(|(_, attacker)| !**attacker);
    let under = harmless.filter(|(score, _)| score.p_value <= SHIFT_P).count();
    let share = under as f64 / assessment.negatives.max(1) as f64;
    Ok(Some((assessment, share)))
}
