//! `portcullis run`: the service, until it is told to stop.

use crate::config;
use crate::scorer::ModelFiles;
use crate::service::{FileWatch, Roles, Service, live_files, reload};
use crate::wiring::WrongUsage;
use anyhow::Context as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// How often the service looks whether a role has given up.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// How often the files are looked at that may change while it runs: two looks tell that one is no longer being written.
const LOOK_AT_FILES_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// Reads your gateways' access logs, decides, and serves decisions, API and dashboard.
///
/// Changed files of the configuration and of rules are read again without losing what was counted, and so they are on SIGHUP; SIGINT and SIGTERM write a last checkpoint
/// and stop. `portcullis config example` prints a configuration to begin with.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What this process does: all, or some of detect,serve,enforce
    #[arg(long, value_name = "ROLES", default_value = "all")]
    roles: String,
    /// How log lines on standard error look
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = ["text", "json"])]
    log_format: String,
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, the service cannot start, or a role gave up.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let roles = roles(&args.roles)?;
    let models = ModelFiles {
        must_load: roles.detect,
    };
    let loaded = match config::load(&args.config, &models) {
        Ok(loaded) => loaded,
        Err(error) => match error.downcast::<config::Report>() {
            Ok(report) => return Err(WrongUsage(report.to_string()).into()),
            Err(error) => return Err(error),
        },
    };
    start_logging(&args.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    runtime.block_on(serve(loaded, roles, args))
}

async fn serve(loaded: config::Loaded, roles: Roles, args: &Args) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt()).context("could not listen for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for signals")?;
    let mut hang_up = signal(SignalKind::hangup()).context("could not listen for signals")?;
    let mut files = FileWatch::default();
    files.note_read(&live_files(&loaded, &args.config));
    let mut looks = tokio::time::interval(LOOK_AT_FILES_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut service = Service::start(loaded, roles).await?;
    if let Some(key) = service.first_key() {
        announce(key)?;
    }
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hang_up.recv() => {
                files.note_read(&service.live_files(&args.config));
                reload(&mut service, &args.config);
            }
            _ = looks.tick() => {
                if files.look(&service.live_files(&args.config)) {
                    tracing::info!("a file of the configuration or of rules has changed");
                    reload(&mut service, &args.config);
                }
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                if service.has_failed() {
                    break;
                }
            }
        }
    }
    tracing::info!("stops: writes the last checkpoint");
    service.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// The first administrator's key is shown once, on standard output: logs are kept and read by many.
fn announce(key: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "The first administrator's key, shown only once:\n\n    {key}\n\nSign in to the dashboard with it, and make \
         keys for people and bouncers there."
    )
    .and_then(|()| out.flush())
    .context("could not write to standard output")
}

fn roles(text: &str) -> anyhow::Result<Roles> {
    let mut roles = Roles {
        detect: false,
        enforce: false,
        serve: false,
    };
    for role in text.split(',').map(str::trim) {
        match role {
            "all" => roles = Roles::ALL,
            "detect" => roles.detect = true,
            "enforce" => roles.enforce = true,
            "serve" => roles.serve = true,
            other => {
                let text =
                    format!("--roles: unknown role {other:?}: expected all, or some of detect,serve,enforce");
                return Err(WrongUsage(text).into());
            }
        }
    }
    Ok(roles)
}

/// Sends what happens to standard error. `PORTCULLIS_LOG` chooses what, as in `info,storage=debug`.
pub(crate) fn start_logging(form: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PORTCULLIS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that takes no more (its disk is full) is complained about on standard error, which is that log: a panic.
        .log_internal_errors(false)
        .with_target(false);
    let is_set = if form == "json" {
        builder.json().try_init()
    } else {
        let is_plain =
            std::env::var_os("NO_COLOR").is_some() || !std::io::IsTerminal::is_terminal(&std::io::stderr());
        builder.with_ansi(!is_plain).try_init()
    };
    // A second initialisation can only come from a test in the same process.
    debug_assert!(is_set.is_ok() || cfg!(test));
}
