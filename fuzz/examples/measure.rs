//! Reads with a clock what libFuzzer found: `measure CORPORA SEEDS TARGET...` prints which input takes longest by the byte, and how
//! time and memory grow when an input is made longer; `measure --once` reads everything once, for whoever counts branches.
//!
//! An input becomes longer in five ways: the whole of it many times, and each quarter of it in its place, so that what stands
//! before (a format's name, an opening quote) and behind stays. Time that grows faster than length shows in the exponent: 1 is
//! linear, 2 is quadratic.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is what it is for")]

use allocation_counter::measure;
use portcullis_fuzz::{TARGETS, Target};
use std::env;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Shorter inputs are no measure of a byte: what every call costs would be theirs.
const BYTES_MIN: usize = 64;

/// Longest input that is timed. libFuzzer makes none longer than 4 KiB or the longest seed.
const BYTES_MAX: usize = 1 << 20;

/// How often every input is timed, and how often the slowest are once more; the shortest time counts, since others only take away.
const FIRST_RUNS: usize = 3;
const AGAIN_RUNS: usize = 30;

/// Inputs that are timed again: the slowest by the byte.
const AGAIN: usize = 50;

/// Inputs that are made longer: half of them the slowest by the byte, half from everywhere.
const LONGER: usize = 120;

/// To how many bytes: from the first to the second it is looked who is worth a closer look, from the second to the third it is measured.
const LENGTHS: [usize; 3] = [8 << 10, 32 << 10, 128 << 10];

/// Growth from the first length to the second from which on it is measured up to the third.
const SUSPECT: f64 = 1.15;

/// How often that is measured.
const LOOKS: usize = 4;

/// One input and its shortest time.
struct Timed {
    file: PathBuf,
    bytes: Vec<u8>,
    nanos: f64,
}

/// How an input grows.
struct Growth {
    exponent: f64,
    memory: f64,
    file: PathBuf,
    way: usize,
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let is_once = arguments.first().is_some_and(|first| first == "--once");
    if is_once {
        arguments.remove(0);
    }
    let [corpora, seeds, names @ ..] = arguments.as_slice() else {
        eprintln!("usage: measure [--once] CORPORA SEEDS TARGET...");
        return ExitCode::from(2);
    };
    if !is_once {
        println!(
            "| target | inputs | of {BYTES_MIN} bytes and more | median, ns/byte | worst, ns/byte | its bytes | time grows with length to the | bytes of memory for one more |"
        );
        println!("|---|---|---|---|---|---|---|---|");
    }
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (name, run) in TARGETS.iter().filter(|(name, _)| is_wanted(name)) {
        let folders = [Path::new(corpora).join(name), Path::new(seeds).join(name)];
        let inputs = match read(&folders) {
            Ok(inputs) => inputs,
            Err(error) => {
                eprintln!("could not read the inputs of {name}: {error}");
                return ExitCode::FAILURE;
            }
        };
        if is_once {
            inputs.iter().for_each(|(_, bytes)| run(bytes));
        } else {
            report(name, *run, inputs);
        }
    }
    ExitCode::SUCCESS
}

fn read(folders: &[PathBuf]) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder)? {
            let file = entry?.path();
            let bytes = fs::read(&file)?;
            inputs.push((file, bytes));
        }
    }
    inputs.sort();
    Ok(inputs)
}

fn report(name: &str, run: Target, inputs: Vec<(PathBuf, Vec<u8>)>) {
    let count = inputs.len();
    let mut timed: Vec<Timed> = inputs
        .into_iter()
        .filter(|(_, bytes)| (BYTES_MIN..=BYTES_MAX).contains(&bytes.len()))
        .map(|(file, bytes)| Timed {
            nanos: nanos(run, &bytes, FIRST_RUNS),
            file,
            bytes,
        })
        .collect();
    sort(&mut timed);
    for slow in timed.iter_mut().take(AGAIN) {
        slow.nanos = nanos(run, &slow.bytes, AGAIN_RUNS);
    }
    sort(&mut timed);
    let Some(worst) = timed.first() else {
        println!("| `{name}` | {count} | 0 | | | | | |");
        return;
    };
    let median = timed[timed.len() / 2].per_byte();
    let grown = growth(run, &timed);
    let memory = grown.iter().map(|growth| growth.memory).fold(0.0, f64::max);
    let steepest = grown
        .iter()
        .max_by(|one, other| one.exponent.total_cmp(&other.exponent));
    println!(
        "| `{name}` | {count} | {} | {median:.0} | {:.0} | {} | {:.2} | {memory:.0} |",
        timed.len(),
        worst.per_byte(),
        worst.bytes.len(),
        steepest.map_or(1.0, |growth| growth.exponent),
    );
    eprintln!("{name}: worst {}", worst.file.display());
    if let Some(growth) = steepest {
        eprintln!(
            "{name}: steepest {} made longer in way {}",
            growth.file.display(),
            growth.way
        );
    }
    if let Some(growth) = grown
        .iter()
        .max_by(|one, other| one.memory.total_cmp(&other.memory))
    {
        eprintln!(
            "{name}: largest {} made longer in way {}",
            growth.file.display(),
            growth.way
        );
    }
}

/// The slowest by the byte first.
fn sort(timed: &mut [Timed]) {
    timed.sort_by(|one, other| other.per_byte().total_cmp(&one.per_byte()));
}

impl Timed {
    fn per_byte(&self) -> f64 {
        self.nanos / self.bytes.len() as f64
    }
}

/// The shortest time of some runs.
fn nanos(run: Target, bytes: &[u8], runs: usize) -> f64 {
    let once = || {
        let start = Instant::now();
        run(black_box(bytes));
        start.elapsed().as_nanos() as f64
    };
    (0..runs).map(|_| once()).fold(f64::MAX, f64::min)
}

/// How the slowest inputs, and others, grow.
fn growth(run: Target, timed: &[Timed]) -> Vec<Growth> {
    let step = (timed.len() / (LONGER / 2)).max(1);
    let chosen = timed
        .iter()
        .take(LONGER / 2)
        .chain(timed.iter().skip(LONGER / 2).step_by(step));
    let mut grown = Vec::new();
    for input in chosen {
        for way in 0..5 {
            let [short, middle, long] = LENGTHS.map(|length| longer(&input.bytes, way, length));
            let between = |one: &[u8], other: &[u8], runs: usize| {
                let ratio = nanos(run, other, runs) / nanos(run, one, runs).max(1.0);
                ratio.ln() / (other.len() as f64 / one.len() as f64).ln()
            };
            let mut exponent = between(&short, &middle, FIRST_RUNS);
            // A machine that does something else meanwhile only adds time: the smallest of several looks is the least wrong.
            for _ in 0..LOOKS {
                if exponent > SUSPECT {
                    exponent = exponent.min(between(&middle, &long, FIRST_RUNS));
                }
            }
            let memory = |bytes: &[u8]| measure(|| run(bytes)).bytes_max as f64;
            grown.push(Growth {
                exponent,
                memory: (memory(&middle) - memory(&short)) / (middle.len() - short.len()) as f64,
                file: input.file.clone(),
                way,
            });
        }
    }
    grown
}

/// An input of about that length: the whole of it many times, or one quarter of it where it stands.
fn longer(bytes: &[u8], way: usize, length: usize) -> Vec<u8> {
    let quarter = bytes.len() / 4;
    let (from, to) = match way {
        0 => (0, bytes.len()),
        way => ((way - 1) * quarter, way * quarter),
    };
    let times = (length.saturating_sub(bytes.len()) / (to - from).max(1)).max(1) + 1;
    [&bytes[..from], &bytes[from..to].repeat(times), &bytes[to..]].concat()
}
