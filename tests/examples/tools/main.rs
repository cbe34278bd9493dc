//! `tools [--keep FOLDER | --judge FOLDER]`: what the detector says of attack tools that nobody here wrote, and of benign clients beside them.
//!
//! Every client of `evaluation/tools.toml` gets an address of its own in a network that leads nowhere else, all run at once
//! against a real NGINX with a small shop behind it, and `portcullis scan` judges the log that NGINX wrote. Fails when a
//! benign client is acted on or a tool's result falls below its floor. `--keep` leaves the log, a truth file and what every
//! client printed in a folder, `--judge` judges such a folder anew without running anybody.

mod clients;
mod judge;
mod shop;
mod suite;
mod table;

use anyhow::{Context as _, Result, bail};
use portcullis_tests::component::{Network, checkout, folder};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use suite::Suite;

/// Tells the program that it runs in namespaces of its own already.
const INSIDE: &str = "--inside";
/// The log in the kept folder.
const LOG: &str = "access.log";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["--keep", _] => {
            let again: Vec<String> = std::iter::once(INSIDE.to_owned()).chain(arguments).collect();
            let status = Network::run_inside(&again)?;
            Ok(if status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        [INSIDE] => {
            let kept = folder("tools")?;
            experiment(kept.path())
        }
        [INSIDE, "--keep", kept] => {
            let kept = PathBuf::from(kept);
            std::fs::create_dir_all(&kept).with_context(|| format!("could not make {}", kept.display()))?;
            experiment(&kept.canonicalize()?)
        }
        ["--judge", kept] => report(&suite()?, Path::new(kept)),
        _ => bail!("usage: tools [--keep FOLDER | --judge FOLDER]"),
    }
}

fn suite() -> Result<Suite> {
    Suite::read(&checkout().join("evaluation/tools.toml"))
}

/// Runs every client, then has the log judged.
fn experiment(kept: &Path) -> Result<ExitCode> {
    let suite = suite()?;
    let scratch = folder("network")?;
    let network = Network::new(shop::HOST, scratch.path())?;
    let shop = shop::Shop::open()?;
    clients::run_all(&suite, &network, kept)?;
    shop.close(&kept.join(LOG))?;
    report(&suite, kept)
}

/// Has the log judged, prints what came of it, and compares with the floors.
fn report(suite: &Suite, kept: &Path) -> Result<ExitCode> {
    let judged = judge::judge(&kept.join(LOG), suite)?;
    judge::write_truth(&judged, &kept.join("truth.csv"))?;
    let page = table::render(&judged)?;
    std::fs::write(kept.join("table.md"), &page).context("could not keep the table")?;
    table::print(&page)?;
    for better in judge::above_floors(&judged) {
        table::print(&better)?;
    }
    let faults = judge::faults(&judged);
    for fault in &faults {
        table::print(fault)?;
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
