//! `portcullis alerts`: who stood out, and why.

use crate::operator::{Api, ApiOptions, Column, print_rows};
use std::process::ExitCode;

const COLUMNS: &[Column] = &[
    ("alerted", "alerted_at"),
    ("scope", "client.scope"),
    ("client", "client.value"),
    ("action", "action"),
    ("threat", "threats.0.kind"),
    ("why", "reasons.0.sentence"),
    ("held back", "held_back"),
];

/// Lists alerts, the latest first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    api: ApiOptions,
    /// Only those with this action: block, throttle, challenge or observe
    #[arg(long, value_name = "ACTION")]
    action: Option<domain::Action>,
    /// Only those of this threat, as in `credential_stuffing`
    #[arg(long, value_name = "THREAT")]
    threat: Option<String>,
    /// Only those in which this text is found
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut query = Vec::new();
    query.extend(args.action.map(|action| ("action", action.to_string())));
    query.extend(args.threat.clone().map(|threat| ("threat", threat)));
    query.extend(args.text.clone().map(|text| ("text", text)));
    let rows = Api::new(&args.api)?.list("/alerts", &query, args.limit)?;
    print_rows(&rows, COLUMNS, args.api.output)?;
    Ok(ExitCode::SUCCESS)
}
