//! `portcullis decisions`: what is decided, and a person's word about it.

use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use domain::{Client, Scope};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("scope", "scope"),
    ("client", "value"),
    ("action", "action"),
    ("threat", "threat"),
    ("origin", "origin"),
    ("mode", "mode"),
    ("until", "expires_at"),
    ("reason", "reason"),
];

/// Arguments of `portcullis decisions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List decisions, newest first
    List {
        #[command(flatten)]
        api: ApiOptions,
        /// Also those that have ended
        #[arg(long)]
        all: bool,
        /// List at most so many
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: usize,
    },
    /// Block a client for a time
    Add {
        #[command(flatten)]
        api: ApiOptions,
        #[command(flatten)]
        who: Who,
        /// For how long, in seconds
        #[arg(long, value_name = "SECS", default_value_t = 4 * 3600)]
        secs: u32,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lift every decision about a client, and leave it alone for a time
    Remove {
        #[command(flatten)]
        api: ApiOptions,
        #[command(flatten)]
        who: Who,
        /// How long the machine may not decide about it anew, in seconds
        #[arg(long, value_name = "SECS", default_value_t = 24 * 3600)]
        grace_secs: u32,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// A client on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// What kind of thing the client is: ip, range, api_key, subject, consumer, …
    #[arg(long, value_name = "SCOPE", default_value = "ip", value_parser = scope)]
    scope: Scope,
    /// An address, a range, or a name
    client: String,
}

impl Who {
    /// As the API takes it.
    ///
    /// # Errors
    /// When the text is no such thing.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        let scope = if self.scope == Scope::Ip && self.client.contains('/') {
            Scope::Range
        } else {
            self.scope
        };
        let client = Client::parse(scope, &self.client)?;
        Ok(json!({ "scope": client.scope().as_str(), "value": client.value() }))
    }
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::from_name(name)
        .ok_or_else(|| "expected ip, range, api_key, subject, consumer or another scope".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List { api, all, limit } => {
            let mut query = Vec::new();
            if !all {
                query.push(("state", "active".to_owned()));
            }
            let rows = Api::new(api)?.list("/decisions", &query, *limit)?;
            print_rows(&rows, COLUMNS, api.output)?;
        }
        Command::Add {
            api,
            who,
            secs,
            reason,
        } => {
            let order = json!({ "kind": "block", "ttl_secs": secs, "client": who.json()?, "reason": reason });
            let receipt = Api::new(api)?.post("/orders", &order)?;
            let until = receipt["decision"]["expires_at"].as_str().unwrap_or_default();
            print_one(
                &receipt,
                &format!("{} is blocked until {until}", who.client),
                api.output,
            )?;
        }
        Command::Remove {
            api,
            who,
            grace_secs,
            reason,
        } => {
            let order =
                json!({ "kind": "lift", "grace_secs": grace_secs, "client": who.json()?, "reason": reason });
            let receipt = Api::new(api)?.post("/orders", &order)?;
            let sentence = format!("{}: {} decisions ended", who.client, receipt["revoked"]);
            print_one(&receipt, &sentence, api.output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
