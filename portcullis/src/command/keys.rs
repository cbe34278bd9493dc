//! `portcullis keys`: keys for people and programs over the API, and the first one straight in the store.

use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use crate::service::wall_clock;
use crate::wiring::load_config;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use storage::{NewApiKey, Role};

/// Exit code of a failure that is explained already.
const FAILED: u8 = 1;

const COLUMNS: &[Column] = &[
    ("name", "name"),
    ("role", "role"),
    ("gateway", "gateway"),
    ("made", "created_at"),
    ("by", "created_by"),
    ("last used", "last_used_at"),
    ("revoked", "revoked_at"),
];

/// Arguments of `portcullis keys`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List keys, without their secrets
    List {
        #[command(flatten)]
        api: ApiOptions,
    },
    /// Make a key; its secret is printed this once
    Create {
        #[command(flatten)]
        api: ApiOptions,
        /// Name of the key; names are never used twice
        name: String,
        /// What it may do: ingest, bouncer, watcher, viewer, operator or admin
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// The gateway that a bouncer's key is limited to, and that a key for pushing lines speaks for
        #[arg(long, value_name = "NAME")]
        gateway: Option<String>,
    },
    /// Revoke a key and end its sessions
    Revoke {
        #[command(flatten)]
        api: ApiOptions,
        /// Name of the key
        name: String,
    },
    /// Make an administrator's key straight in the store, without asking the API: for the first start, or when every key is lost
    Bootstrap {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Name of the key; names are never used twice
        #[arg(long, value_name = "NAME", default_value = "admin")]
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, or the store cannot be opened or written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List { api } => {
            let answer = Api::new(api)?.get("/keys", &[])?;
            let rows = answer["items"].as_array().or(answer.as_array());
            print_rows(rows.map_or(&[][..], Vec::as_slice), COLUMNS, api.output)?;
        }
        Command::Create {
            api,
            name,
            role,
            gateway,
        } => {
            let key = serde_json::json!({ "name": name, "role": role, "gateway": gateway });
            let made = Api::new(api)?.post("/keys", &key)?;
            let secret = made["secret"].as_str().unwrap_or_default();
            print_one(&made, secret, api.output)?;
        }
        Command::Revoke { api, name } => {
            let answer = Api::new(api)?.delete(&format!("/keys/{name}"))?;
            print_one(&answer, &format!("the key {name} is revoked"), api.output)?;
        }
        Command::Bootstrap { config, name } => return first(config, name),
    }
    Ok(ExitCode::SUCCESS)
}

fn first(config: &std::path::Path, name: &str) -> anyhow::Result<ExitCode> {
    let config = load_config(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    runtime.block_on(bootstrap(config.storage.url.reveal(), name))
}

async fn bootstrap(url: &str, name: &str) -> anyhow::Result<ExitCode> {
    let store = storage::open(url).await.context("could not open the database")?;
    let secret = api::Secret::generate()?;
    let key = NewApiKey {
        name: name.to_owned(),
        hash: secret.hash(),
        role: Role::Admin,
        gateway: None,
        created_by: "bootstrap".to_owned(),
    };
    let made = store.add_api_key(&key, wall_clock()).await;
    store.close().await;
    match made {
        Ok(_) => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", secret.reveal()).context("could not write to standard output")?;
            eprintln!("the key {name:?} of role admin was made; it is shown only this once");
            Ok(ExitCode::SUCCESS)
        }
        Err(storage::Error::AlreadyExists { .. }) => {
            eprintln!("there is a key {name:?} already: choose another name with --name");
            Ok(ExitCode::from(FAILED))
        }
        Err(error) => Err(error.into()),
    }
}
