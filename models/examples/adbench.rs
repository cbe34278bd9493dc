//! Compares the isolation forest with scikit-learn's on the ADBench tables, and the ensemble with each of its views.
//!
//! `cargo run --release -p portcullis-models --example adbench -- FOLDER`, where the folder holds `*.npz` tables
//! (X and y) and `IFOREST_REFERENCE*.json` with scikit-learn's mean and deviation over its seeds. Every table the
//! reference names is computed; one that is missing or falls outside max(0.01, 4 deviations) makes the exit code 1.
//!
//! The second and third table give AUROC of each view, and of their Cauchy combination as a bundle makes it: fitted to
//! everything, labelled rows included, as the reference is; and fitted to half of the ordinary rows and judged on what it
//! has not seen, as in service.
#![allow(
    clippy::disallowed_methods,
    reason = "an example is an edge: it may read files"
)]
#![allow(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use linfa::DatasetBase;
use linfa::prelude::{Fit, Predict};
use models::calibration::Calibration;
use models::combine::cauchy_combination;
use models::evaluation::area_under_roc;
use models::isolation_forest::IsolationForest;
use models::rows::Rows;
use models::schema::Direction;
use models::view::{FitInput, MODELS};
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, ReadNpzError, ReadableElement};

/// Seeds over which the mean is taken.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;
/// The reference's settings.
const TREES: usize = 100;
const SAMPLES: usize = 256;
/// Seeds over which the views' mean is taken: fewer, since each fits four models twice.
const VIEW_SEEDS: std::ops::RangeInclusive<u64> = 1..=3;
/// Smallest tolerance, for tables on which scikit-learn hardly varies.
const TOLERANCE_MIN: f64 = 0.01;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: adbench FOLDER");
        return ExitCode::from(2);
    };
    match compare(&folder) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("could not compare the tables in {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn compare(folder: &Path) -> Result<bool> {
    let reference: serde_json::Map<String, serde_json::Value> =
        serde_json::from_reader(File::open(find_reference(folder)?)?)?;
    println!(
        "{:<18} {:>7} {:>4} {:>9} {:>9} {:>9}",
        "table", "rows", "d", "measured", "reference", "tolerance"
    );
    let (mut tables, mut all_ok) = (0, true);
    let (mut dirty, mut clean) = (Comparison::default(), Comparison::default());
    for (name, figures) in reference.iter().filter(|(name, _)| !name.starts_with('_')) {
        let number = |key: &str| figures[key].as_f64().ok_or(format!("{name} has no {key}"));
        let (expected, tolerance) = (number("auc")?, TOLERANCE_MIN.max(4.0 * number("auc_sd")?));
        let (rows, is_positive) =
            read_table(&folder.join(format!("{name}.npz"))).map_err(|error| format!("{name}: {error}"))?;
        if rows.nrows() as f64 != number("n")? || rows.ncols() as f64 != number("d")? {
            return Err(format!("{name} is {:?}, not the table of the reference", rows.dim()).into());
        }
        let measured = mean_auroc(&rows, &is_positive)?;
        let ok = (measured - expected).abs() <= tolerance;
        let verdict = match (ok, measured < expected) {
            (true, _) => "ok",
            (false, true) => "short",
            (false, false) => "above",
        };
        println!(
            "{name:<18} {:>7} {:>4} {measured:>9.4} {expected:>9.4} {tolerance:>9.4}  {verdict}",
            rows.nrows(),
            rows.ncols()
        );
        dirty.add(name, &rows, &is_positive, false)?;
        clean.add(name, &rows, &is_positive, true)?;
        tables += 1;
        all_ok &= ok;
    }
    println!(
        "{tables} tables, mean of {} seeds, {TREES} trees of {SAMPLES} samples",
        SEEDS.count()
    );
    dirty.print("fitted to every row, those to be found included");
    clean.print("fitted to half of the ordinary rows, judged on the rest");
    Ok(all_ok && tables > 0)
}

fn find_reference(folder: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.starts_with("IFOREST_REFERENCE") && name.ends_with(".json") {
            return Ok(path);
        }
    }
    Err("no IFOREST_REFERENCE*.json there".into())
}

fn mean_auroc(rows: &Array2<f64>, is_positive: &[bool]) -> Result<f64> {
    let mut sum = 0.0;
    for seed in SEEDS {
        let params = IsolationForest::params(seed).trees(TREES).samples(SAMPLES);
        let forest = params.fit(&DatasetBase::from(rows.view()))?;
        let scores: Array1<f64> = forest.predict(rows);
        let scores: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
        sum += area_under_roc(&scores, is_positive).ok_or("the labels hold only one class")?;
    }
    Ok(sum / SEEDS.count() as f64)
}

/// AUROC of each view and of their combination, table by table.
#[derive(Default)]
struct Comparison {
    tables: Vec<(String, Vec<f64>)>,
}

impl Comparison {
    fn add(&mut self, name: &str, rows: &Array2<f64>, is_positive: &[bool], is_clean: bool) -> Result<()> {
        let features = rows.ncols();
        let values: Vec<f32> = rows.iter().map(|&value| value as f32).collect();
        // Every second ordinary row to fit to, the others and all odd ones to judge.
        let mut ordinary = 0;
        let is_for_fitting: Vec<bool> = is_positive
            .iter()
            .map(|&odd| {
                ordinary += usize::from(!odd);
                is_clean && !odd && ordinary.is_multiple_of(2)
            })
            .collect();
        let part = |wanted: bool| -> Vec<f32> {
            let rows = values.chunks_exact(features).zip(&is_for_fitting);
            rows.filter(|(_, fits)| **fits == wanted)
                .flat_map(|(row, _)| row.to_vec())
                .collect()
        };
        let judged = part(false);
        let fitted = if is_clean { part(true) } else { judged.clone() };
        let labels: Vec<bool> = is_positive
            .iter()
            .zip(&is_for_fitting)
            .filter(|(_, fits)| !**fits)
            .map(|(odd, _)| *odd)
            .collect();
        let mut sums = vec![0.0; MODELS.len() + 1];
        for seed in VIEW_SEEDS {
            for (sum, auroc) in sums
                .iter_mut()
                .zip(aurocs(&fitted, &judged, features, &labels, seed)?)
            {
                *sum += auroc / VIEW_SEEDS.count() as f64;
            }
        }
        self.tables.push((name.to_owned(), sums));
        Ok(())
    }

    fn print(&self, title: &str) {
        print!(
            "\nAUROC, {title}; mean of {} seeds\n{:<18}",
            VIEW_SEEDS.count(),
            "table"
        );
        let names = MODELS.iter().map(|spec| spec.name).chain(["ensemble"]);
        names.for_each(|name| print!(" {name:>16}"));
        println!();
        for (name, aurocs) in &self.tables {
            print_row(name, aurocs.iter().copied());
        }
        print_row("median", (0..=MODELS.len()).map(|view| self.median(view)));
        let mean = |view: usize| {
            self.tables.iter().map(|(_, aurocs)| aurocs[view]).sum::<f64>() / self.tables.len() as f64
        };
        print_row("mean", (0..=MODELS.len()).map(mean));
    }

    fn median(&self, view: usize) -> f64 {
        let mut column: Vec<f64> = self.tables.iter().map(|(_, aurocs)| aurocs[view]).collect();
        column.sort_by(f64::total_cmp);
        let middle = column.len() / 2;
        if column.len().is_multiple_of(2) {
            f64::midpoint(column[middle - 1], column[middle])
        } else {
            column[middle]
        }
    }
}

fn print_row(name: &str, values: impl Iterator<Item = f64>) {
    print!("{name:<18}");
    values.for_each(|value| print!(" {value:>16.4}"));
    println!();
}

/// Each view's AUROC, then that of their combination.
fn aurocs(fitted: &[f32], judged: &[f32], features: usize, labels: &[bool], seed: u64) -> Result<Vec<f64>> {
    let input = FitInput {
        rows: Rows::new(fitted, features)?,
        directions: &vec![Direction::Both; features],
        seed,
    };
    let mut ranks: Vec<Vec<f64>> = vec![Vec::new(); labels.len()];
    let mut aurocs = Vec::new();
    for spec in MODELS {
        let view = (spec.fit)(&input)?;
        let mut scores = vec![0.0; labels.len()];
        view.score_rows(judged, &mut scores)?;
        aurocs.push(area_under_roc(&scores, labels).ok_or("the labels hold only one class")?);
        let mut known = vec![0.0; fitted.len() / features];
        view.score_rows(fitted, &mut known)?;
        let calibration = Calibration::fit(&known)?;
        for (ranks, score) in ranks.iter_mut().zip(scores) {
            ranks.push(calibration.standing(score).rank);
        }
    }
    let combined: Vec<f32> = ranks
        .iter()
        .map(|ranks| -cauchy_combination(ranks).ln() as f32)
        .collect();
    aurocs.push(area_under_roc(&combined, labels).ok_or("the labels hold only one class")?);
    Ok(aurocs)
}

/// Reads X and y, whatever number types they were saved with.
fn read_table(path: &Path) -> Result<(Array2<f64>, Vec<bool>)> {
    let mut file = NpzReader::new(File::open(path)?)?;
    let rows = read_rows::<f64>(&mut file, |value| value)
        .or_else(|_| read_rows::<f32>(&mut file, f64::from))
        .or_else(|_| read_rows::<i64>(&mut file, |value| value as f64))
        .or_else(|_| read_rows::<i32>(&mut file, f64::from))
        .or_else(|_| read_rows::<i16>(&mut file, f64::from))
        .or_else(|_| read_rows::<u8>(&mut file, f64::from))?;
    let is_positive = read_labels::<i64>(&mut file, |label| label != 0)
        .or_else(|_| read_labels::<i32>(&mut file, |label| label != 0))
        .or_else(|_| read_labels::<u8>(&mut file, |label| label != 0))
        .or_else(|_| read_labels::<f64>(&mut file, |label| label != 0.0))?;
    Ok((rows, is_positive))
}

fn read_rows<T: ReadableElement + Copy>(
    file: &mut NpzReader<File>,
    widen: impl Fn(T) -> f64,
) -> std::result::Result<Array2<f64>, ReadNpzError> {
    let rows: Array2<T> = file.by_name("X")?;
    Ok(rows.mapv(widen))
}

fn read_labels<T: ReadableElement + Copy>(
    file: &mut NpzReader<File>,
    is_positive: impl Fn(T) -> bool,
) -> std::result::Result<Vec<bool>, ReadNpzError> {
    let labels: Array1<T> = file.by_name("y")?;
    Ok(labels.iter().map(|&label| is_positive(label)).collect())
}
