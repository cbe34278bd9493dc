//! What reading an ordinary line costs in every format, as a table in Markdown: nanoseconds of CPU as median and range of
//! interleaved runs, and allocations. Fails when a format takes memory that is promised to need none.
//!
//! `formats_cost [ROUNDS]`: lines of one buffer are read so many times in a run; 200 by default.

#[path = "../benches/lines/mod.rs"]
mod lines;
#[path = "../benches/lines/unescaped.rs"]
mod unescaped;

use allocation_counter::measure;
use domain::Position;
use ingest::{FORMATS, Format, Parser};
use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use unescaped::UNESCAPED;

const RUNS: usize = 5;

/// A format with its lines, and what was measured of it.
struct Measured {
    format: &'static dyn Format,
    lines: Vec<Vec<u8>>,
    parser: Parser,
    nanos: Vec<f64>,
}

impl Measured {
    fn new(format: &'static dyn Format) -> Self {
        Self {
            format,
            lines: lines::ordinary(format),
            parser: lines::parser_of(format),
            nanos: Vec::new(),
        }
    }

    /// Reads every line once; gives how many were requests.
    fn read(&mut self) -> usize {
        let Self { lines, parser, .. } = self;
        let is_read = |line: &&Vec<u8>| black_box(parser.parse(line, Position::default())).is_ok();
        lines.iter().filter(is_read).count()
    }

    /// One run: nanoseconds of this thread's CPU for each line.
    fn run(&mut self, rounds: usize) -> Result<(), Box<dyn Error>> {
        let began = cpu_nanos()?;
        for _ in 0..rounds {
            self.read();
        }
        let took = cpu_nanos()? - began;
        self.nanos.push(took as f64 / (rounds * self.lines.len()) as f64);
        Ok(())
    }

    /// Its row of the table, and whether it keeps what is promised.
    fn row(&mut self) -> (String, bool) {
        let info = measure(|| {
            self.read();
        });
        let count = self.lines.len() as f64;
        let allocations = info.count_total as f64 / count;
        let bytes: usize = self.lines.iter().map(Vec::len).sum();
        self.nanos.sort_by(f64::total_cmp);
        let name = self.format.name();
        let allowed = UNESCAPED.iter().find(|(known, _, _)| *known == name);
        let row = format!(
            "| `{name}` | {:.0} | {:.0} [{:.0}, {:.0}] | {} |",
            bytes as f64 / count,
            self.nanos[RUNS / 2],
            self.nanos[0],
            self.nanos[RUNS - 1],
            (allocations * 100.0).round() / 100.0,
        );
        (row, allocations <= allowed.map_or(0.0, |(_, most, _)| *most))
    }
}

/// CPU time of this thread, the only one, in nanoseconds.
fn cpu_nanos() -> Result<u64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(stat
        .split(' ')
        .next()
        .ok_or("an empty schedstat")?
        .parse::<u64>()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let mut all: Vec<Measured> = FORMATS.iter().map(|format| Measured::new(*format)).collect();
    // Layouts are compiled, and routes met, on the first lines.
    for one in &mut all {
        if one.read() != one.lines.len() {
            return Err(format!("{}: a line is not read", one.format.name()).into());
        }
    }
    // Interleaved: what else the machine does in between meets all.
    for _ in 0..RUNS {
        for one in &mut all {
            one.run(rounds)?;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| format | bytes a line | nanoseconds a line | allocations a line |"
    )?;
    writeln!(out, "|---|---|---|---|")?;
    let mut broken = Vec::new();
    for one in &mut all {
        let (row, is_kept) = one.row();
        writeln!(out, "{row}")?;
        if !is_kept {
            broken.push(one.format.name());
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("these take memory for an ordinary line: {}", broken.join(", ")).into())
}
