//! Reads a log and makes a record of every line, and nothing else: what parsing costs at least. `scripts/bench-scan.sh` holds
//! GoAccess against it.
//!
//! `parse_only FILE` prints how many lines were read, and how many of them were requests.

use domain::HashKey;
use ingest::detect::SAMPLE_LINES;
use ingest::{LineBatch, LineReader, Parser, ParserConfig};
use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: parse_only FILE")?;
    let mut reader = LineReader::open(path.as_ref(), 0)?;
    let mut parser = Parser::new(ParserConfig::new(HashKey::new([7; 16])));
    let mut batch = LineBatch::default();
    let (mut lines, mut requests) = (0_u64, 0_u64);
    while reader.fill(&mut batch) {
        if lines == 0
            && let Some(detection) = ingest::detect(batch.lines().take(SAMPLE_LINES).map(|line| line.bytes))
        {
            parser.begin_with(&detection);
        }
        for line in batch.lines() {
            lines += 1;
            requests += u64::from(black_box(parser.parse(line.bytes, line.position)).is_ok());
        }
    }
    writeln!(std::io::stdout(), "{lines} {requests}")?;
    Ok(())
}
