//! `portcullis model`: what a model file is, how it takes the place of the one that decides, and the way back.

mod promote;

use crate::scorer::card_of;
use anyhow::Context as _;
use models::bundle::ModelBundle;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Models before the present one that are kept beside it.
const KEPT: u32 = 5;

/// Arguments of `portcullis model`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a model's card: what it saw, its features, how often it errs, when not to use it
    Card {
        /// Model file
        file: PathBuf,
    },
    /// Put a model in the place of the one that decides, which is kept as FILE.1
    Promote {
        /// The model that takes its place; its file stays where it is
        challenger: PathBuf,
        /// Model file
        file: PathBuf,
    },
    /// Put back the model that was there before the latest training
    Rollback {
        /// Model file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, or there is no earlier model.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Card { file } => {
            let mut out = std::io::stdout().lock();
            out.write_all(card_of(&read(file)?).as_bytes())
                .and_then(|()| out.flush())
                .context("could not write to standard output")?;
        }
        Command::Promote { challenger, file } => {
            let told = promote::promote(challenger, file)?;
            let mut out = std::io::stdout().lock();
            out.write_all(told.as_bytes())
                .and_then(|()| out.flush())
                .context("could not write to standard output")?;
        }
        Command::Rollback { file } => {
            let version = rollback(file)?;
            eprintln!(
                "{} is {} again; the newer one is {}. A running service takes it at its next start.",
                file.display(),
                api::neutralise(&version),
                beside(file, "rejected").display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<ModelBundle> {
    let bytes =
        std::fs::read(file).with_context(|| format!("could not read the model {}", file.display()))?;
    ModelBundle::read(&bytes).with_context(|| format!("could not load the model {}", file.display()))
}

/// Writes a model and its card; the model that was there is kept as `FILE.1`, older ones move on.
///
/// # Errors
/// When a file cannot be written or moved.
pub(crate) fn install(file: &Path, bytes: &[u8], card: &str) -> anyhow::Result<()> {
    if file.exists() {
        for place in (1..KEPT).rev() {
            let from = beside(file, &place.to_string());
            if from.exists() {
                rename(&from, &beside(file, &(place + 1).to_string()))?;
            }
        }
        rename(file, &beside(file, "1"))?;
    }
    write_whole(file, bytes)?;
    write_whole(&file.with_extension("md"), card.as_bytes())
}

/// Puts the model before back, with its card, and gives its version.
fn rollback(file: &Path) -> anyhow::Result<String> {
    let before = beside(file, "1");
    anyhow::ensure!(
        before.exists(),
        "there is no model before {}: expected {}",
        file.display(),
        before.display()
    );
    // Read first: what cannot be loaded must not take the present one's place.
    let bundle = read(&before)?;
    if file.exists() {
        rename(file, &beside(file, "rejected"))?;
    }
    rename(&before, file)?;
    for place in 2..=KEPT {
        let from = beside(file, &place.to_string());
        if from.exists() {
            rename(&from, &beside(file, &(place - 1).to_string()))?;
        }
    }
    write_whole(&file.with_extension("md"), card_of(&bundle).as_bytes())?;
    Ok(bundle.provenance().name.clone())
}

/// The file of that ending behind the whole name.
pub(crate) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::rename(from, to)
        .with_context(|| format!("could not move {} to {}", from.display(), to.display()))
}

/// Writes a file so that it is there whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unfinished = beside(file, "unfinished");
    std::fs::write(&unfinished, bytes)
        .with_context(|| format!("could not write {}", unfinished.display()))?;
    rename(&unfinished, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_before_comes_back_and_the_rejected_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("current.model");
        let shipped = std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../models/shipped/model.bin"
        ))
        .unwrap();
        assert!(
            rollback(&file)
                .unwrap_err()
                .to_string()
                .contains("there is no model before")
        );
        install(&file, &shipped, "card").unwrap();
        install(&file, b"newer", "newer card").unwrap();
        let version = rollback(&file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), shipped);
        assert_eq!(std::fs::read(beside(&file, "rejected")).unwrap(), b"newer");
        let card = std::fs::read_to_string(file.with_extension("md")).unwrap();
        assert!(card.starts_with(&format!("# Model {version}")), "{card}");
    }

    #[test]
    fn only_so_many_models_are_kept_and_none_that_cannot_be_loaded_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("current.model");
        for number in 0..9 {
            install(&file, format!("model {number}").as_bytes(), "card").unwrap();
        }
        assert_eq!(std::fs::read(beside(&file, "1")).unwrap(), b"model 7");
        assert!(beside(&file, "5").exists() && !beside(&file, "6").exists());
        assert!(rollback(&file).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"model 8");
    }
}
