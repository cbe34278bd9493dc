//! `portcullis gateways`: whose bouncers ask, and when they last did.

use crate::operator::{Api, ApiOptions, Column, print_rows};
use std::process::ExitCode;

const COLUMNS: &[Column] = &[
    ("key", "name"),
    ("gateway", "gateway"),
    ("kind", "kind"),
    ("version", "version"),
    ("address", "address"),
    ("last seen", "last_seen"),
    ("last pull", "last_pull"),
];

/// Lists the gateways' bouncers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiOptions,
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let answer = Api::new(&args.api)?.get("/bouncers", &[])?;
    let rows = answer["items"].as_array().or(answer.as_array());
    print_rows(rows.map_or(&[][..], Vec::as_slice), COLUMNS, args.api.output)?;
    Ok(ExitCode::SUCCESS)
}
