//! What reading the signals of a log's lines costs: the mean, and the worst line, and how many lines hold a payload.

use anyhow::{Context as _, Result, bail};
use detector::signal;
use domain::{HashKey, Position};
use ingest::{Parser, ParserConfig};
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Each line is read this often; its least time counts, for the machine is shared.
const ROUNDS: usize = 20;

/// Prints mean and worst of a log.
pub(crate) fn print(log: &Path) -> Result<()> {
    let bytes = std::fs::read(log).with_context(|| format!("could not read {}", log.display()))?;
    let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
    let mut times = Vec::new();
    let mut out = std::io::stdout().lock();
    let (mut strong, mut weak) = (0, 0);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Ok(record) = parser.parse(line, Position::default()) else {
            continue;
        };
        let nanos = (0..ROUNDS).map(|_| {
            let begin = Instant::now();
            black_box(signal::read(black_box(&record), false, false, u32::MAX));
            begin.elapsed().as_nanos()
        });
        times.push((nanos.min().unwrap_or(0), line));
        let payload = signal::read(&record, false, true, u32::MAX).payload;
        if payload.weight > 0.0 {
            *(if payload.weight >= 0.5 {
                &mut strong
            } else {
                &mut weak
            }) += 1;
            let query = record.query.as_deref().unwrap_or("");
            writeln!(
                out,
                "{:.1} {:06b} {} {query}",
                payload.weight, payload.classes, record.path
            )?;
        }
    }
    let Some((worst, line)) = times.iter().max() else {
        bail!("{} holds no line that could be read", log.display());
    };
    let mean = times.iter().map(|(nanos, _)| nanos).sum::<u128>() / times.len() as u128;
    writeln!(
        out,
        "{} lines: {mean} ns on average, {worst} ns for the worst ({} bytes); {strong} with a strong payload, {weak} with a weak one",
        times.len(),
        line.len()
    )?;
    Ok(())
}
