//! The commands, one file each.

mod config;
mod evaluate;
mod formats;
mod parse;
mod scan;
mod simulate;
mod train;

use std::process::ExitCode;

/// Behavioural traffic analyzer for API gateways: reads access logs, works out how each client behaves, and says
/// whom to slow down or block, and why.
#[derive(Debug, clap::Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Scan(scan::Args),
    Parse(parse::Args),
    Formats(formats::Args),
    Simulate(simulate::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    /// Checks, explains and shows configurations.
    Config(config::Args),
}

impl Cli {
    /// Runs the command that was asked for.
    ///
    /// # Errors
    /// What stopped the command, for the person who ran it.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Scan(args) => scan::run(args),
            Command::Parse(args) => parse::run(args),
            Command::Formats(args) => formats::run(args),
            Command::Simulate(args) => simulate::run(args),
            Command::Train(args) => train::run(args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Config(args) => config::run(args),
        }
    }
}
