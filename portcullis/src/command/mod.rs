//! The commands, one file each.

mod alerts;
mod allowlist;
mod backtest;
mod config;
mod decisions;
mod demo;
mod evaluate;
mod formats;
mod gateways;
mod keys;
pub(crate) mod model;
mod parse;
mod policy;
mod replay;
mod rules;
pub(crate) mod run;
mod scan;
mod simulate;
mod suspend;
mod train;
mod why;

pub(crate) use formats::lost_in;

use std::process::ExitCode;

/// Behavioural traffic analyzer for API gateways: reads access logs, works out how each client behaves, and says
/// whom to slow down or block, and why.
#[derive(Debug, clap::Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Demo(demo::Args),
    Run(run::Args),
    Scan(scan::Args),
    Replay(replay::Args),
    Backtest(backtest::Args),
    Why(why::Args),
    Parse(parse::Args),
    Formats(formats::Args),
    Simulate(simulate::Args),
    Train(train::Args),
    /// Shows a model's card, puts one in the place of the one that decides, and the one before back.
    Model(model::Args),
    Evaluate(evaluate::Args),
    /// Tests, lists and imports rules.
    Rules(rules::Args),
    /// Tests and explains the clauses of a policy.
    Policy(policy::Args),
    /// Checks, explains and shows configurations.
    Config(config::Args),
    /// Lists decisions, and gives orders about clients.
    Decisions(decisions::Args),
    /// Shows and changes who is never blocked.
    Allowlist(allowlist::Args),
    Alerts(alerts::Args),
    Gateways(gateways::Args),
    Suspend(suspend::SuspendArgs),
    Resume(suspend::ResumeArgs),
    /// Makes, lists and revokes keys for people and programs.
    Keys(keys::Args),
}

impl Cli {
    /// Runs the command that was asked for.
    ///
    /// # Errors
    /// What stopped the command, for the person who ran it.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Demo(args) => demo::run(args),
            Command::Run(args) => run::run(args),
            Command::Scan(args) => scan::run(args),
            Command::Replay(args) => replay::run(args),
            Command::Backtest(args) => backtest::run(args),
            Command::Why(args) => why::run(args),
            Command::Parse(args) => parse::run(args),
            Command::Formats(args) => formats::run(args),
            Command::Simulate(args) => simulate::run(args),
            Command::Train(args) => train::run(args),
            Command::Model(args) => model::run(args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Rules(args) => rules::run(args),
            Command::Policy(args) => policy::run(args),
            Command::Config(args) => config::run(args),
            Command::Decisions(args) => decisions::run(args),
            Command::Allowlist(args) => allowlist::run(args),
            Command::Alerts(args) => alerts::run(args),
            Command::Gateways(args) => gateways::run(args),
            Command::Suspend(args) => suspend::suspend(args),
            Command::Resume(args) => suspend::resume(args),
            Command::Keys(args) => keys::run(args),
        }
    }
}
