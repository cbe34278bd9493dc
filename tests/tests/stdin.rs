//! Standard input: what is written into the pipe counts once, over a kill before any checkpoint, and a pipe that ends ends
//! nothing else.

use anyhow::{Result, ensure};
use portcullis_tests::component::{Portcullis, Setup};
use portcullis_tests::stream::{ago, benign, scanner};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;

const SCANNER: &str = "203.0.113.66";

#[test]
fn what_is_written_into_the_pipe_counts_once_over_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let pipe = folder.path().join("pipe");
    ensure!(Command::new("mkfifo").arg(&pipe).status()?.success(), "no pipe");
    // Read and write: it neither waits for a reader nor ends while the program is started again.
    let mut writer = OpenOptions::new().read(true).write(true).open(&pipe)?;
    let mut portcullis = Portcullis::start(&Setup::new().without_checkpoints().stdin(&pipe))?;
    let lines = [benign(7, ago(3000), 300)?, scanner(SCANNER, ago(60), 40)].concat();
    let (first, second) = lines.split_at(200);
    for line in first {
        writeln!(writer, "{}", line.text)?;
    }
    portcullis.wait_until_counted(first.len())?;
    portcullis.kill()?;
    portcullis.start_again()?;
    for line in second {
        writeln!(writer, "{}", line.text)?;
    }
    portcullis.wait_until_counted(lines.len())?;
    ensure!(portcullis.metrics("source_rejected_total{source=\"stdin\"}")? == 0.0);
    let decided = portcullis.decisions()?;
    ensure!(
        decided.iter().any(|found| found["value"] == SCANNER),
        "nobody blocked the scanner"
    );
    drop(writer);
    portcullis.wait_until("it noticed the end", |portcullis| {
        Ok(portcullis.log().contains("standard input has ended"))
    })?;
    ensure!(
        portcullis.ask("/health/ready", None)?.status == 200,
        "it ended with the pipe"
    );
    Ok(())
}
