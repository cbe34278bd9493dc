//! `portcullis config`: what the settings are, whether a file is right, and what it comes to.

use crate::config;
use crate::policy::{self, Written};
use crate::scorer::ModelFiles;
use crate::service::{connectors, wall_clock};
use crate::wiring::WrongUsage;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit code for a wrong configuration.
const WRONG: u8 = 2;

/// Arguments of `portcullis config`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Name every problem of a configuration file
    Check {
        /// Configuration file
        file: PathBuf,
    },
    /// Print a commented example of every setting
    Example,
    /// Print a JSON Schema of the configuration file
    Schema,
    /// Print the effective settings, each with who said so; secrets are masked
    Explain {
        /// Configuration file
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read, or standard output cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Example => print(&config::example()),
        Command::Schema => {
            let text =
                serde_json::to_string_pretty(&config::schema()).context("could not write the schema")?;
            print(&(text + "\n"))
        }
        Command::Check { file } => with_loaded(file, |loaded, _| {
            format!("{}: right, {} settings\n", file.display(), loaded.entries.len())
        }),
        Command::Explain { file } => with_loaded(file, |loaded, policy| {
            config::explain(&loaded.entries) + &explained(policy)
        }),
    }
}

/// The policy's clauses as comments below the settings; nothing without a policy.
fn explained(policy: Option<&Written>) -> String {
    let mut text = String::new();
    if let Some(policy) = policy {
        // Writing to a string cannot fail.
        let _ = super::policy::explain(policy, &mut text);
    }
    let lines = text.lines().map(|line| format!("# {}\n", api::neutralise(line)));
    lines.collect()
}

/// Reads a configuration and the policy that it names.
fn load(file: &Path) -> anyhow::Result<(config::Loaded, Option<Written>)> {
    let loaded = config::load(file, &ModelFiles { must_load: true })?;
    let clock: enforcer::Clock = std::sync::Arc::new(wall_clock);
    connectors(&loaded.config, &clock).map_err(|error| WrongUsage(format!("{error:#}")))?;
    let policy = loaded.config.policy.file.as_deref();
    let policy = policy.map(policy::read_file).transpose()?;
    Ok((loaded, policy))
}

/// Prints what a right configuration comes to, or the problems of a wrong one or of its policy.
fn with_loaded(
    file: &Path,
    show: impl Fn(&config::Loaded, Option<&Written>) -> String,
) -> anyhow::Result<ExitCode> {
    match load(file) {
        Ok((loaded, policy)) => print(&show(&loaded, policy.as_ref())),
        Err(error) => match error.downcast::<config::Report>() {
            Ok(report) => {
                print(&format!("{report}\n"))?;
                Ok(ExitCode::from(WRONG))
            }
            Err(error) => Err(error),
        },
    }
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("could not write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
