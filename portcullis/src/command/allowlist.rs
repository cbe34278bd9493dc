//! `portcullis allowlist`: who is never blocked.

use super::decisions::Who;
use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: &[Column] = &[
    ("scope", "client.scope"),
    ("client", "client.value"),
    ("until", "until"),
    ("by", "by"),
    ("reason", "reason"),
];

/// Arguments of `portcullis allowlist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List who is on it: by the configuration, and by order
    List {
        #[command(flatten)]
        api: ApiOptions,
    },
    /// Put a client on it: existing blocks end at once
    Add {
        #[command(flatten)]
        api: ApiOptions,
        #[command(flatten)]
        who: Who,
        /// Until when (RFC 3339); without it for good
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take a client off it
    Remove {
        #[command(flatten)]
        api: ApiOptions,
        #[command(flatten)]
        who: Who,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List { api } => {
            let answer = Api::new(api)?.get("/allowlist", &[])?;
            let rows = answer["items"].as_array().or(answer.as_array());
            print_rows(rows.map_or(&[][..], Vec::as_slice), COLUMNS, api.output)?;
        }
        Command::Add {
            api,
            who,
            until,
            reason,
        } => {
            let order = json!({ "kind": "allow", "until": until, "client": who.json()?, "reason": reason });
            let receipt = Api::new(api)?.post("/orders", &order)?;
            print_one(&receipt, "the client is on the allowlist", api.output)?;
        }
        Command::Remove { api, who, reason } => {
            let order = json!({ "kind": "disallow", "client": who.json()?, "reason": reason });
            let receipt = Api::new(api)?.post("/orders", &order)?;
            print_one(&receipt, "the client is off the allowlist", api.output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
