//! Real components for whole-system tests: each starts on free loopback ports in a folder of its own,
//! is ready when its constructor returns, and is gone when it is dropped or the test process dies.
//!
//! Nothing here pretends: where a program is missing, starting fails and says how to install it.

mod asking;
mod bouncer;
mod cscli;
mod example;
mod firewall_bouncer;
mod forward_auth;
mod gateway;
mod http;
mod kafka;
mod name_server;
mod network;
mod nginx;
mod portcullis;
mod ports;
mod postgres;
mod receiver;
mod rsyslog;
mod supervised;
mod told;

pub use asking::AskingEnvoy;
pub use bouncer::{CustomBouncer, PythonBouncer};
pub use cscli::Cscli;
pub use example::Example;
pub use firewall_bouncer::FirewallBouncer;
pub use forward_auth::{AskingCaddy, PAGE_SITE};
pub use gateway::LoggingGateway;
pub use http::{Answer, ask, http_client};
pub use kafka::{Kafka, Listener, unsigned_token};
pub use name_server::NameServer;
pub use network::{Network, Place, SERVER};
pub use nginx::{Nginx, Site};
pub use portcullis::{Portcullis, Setup, binary};
pub use ports::free_ports;
pub use postgres::Postgres;
pub use receiver::Receiver;
pub use rsyslog::Rsyslog;
pub use supervised::{Command, Stop, Supervised};
pub use told::{REFUSED_BY_HAND, ToldGateway};

use anyhow::{Context as _, Result, bail};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// How often a component is started anew, on other ports, when somebody took its port between choosing and binding.
const STARTS_MAX: usize = 3;

/// Makes a folder for one component below the system's temporary folder.
pub fn folder(name: &str) -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("portcullis-{name}-"))
        .tempdir()
        .with_context(|| format!("could not make a folder for {name}"))
}

/// Finds a program in `PATH` or in the folders of system daemons, which an ordinary user's `PATH` leaves out.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("{name} is missing: `make test` installs it, or scripts/setup.sh test"))
}

/// Whether this process is root, which some daemons treat differently.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The top of the checkout, for the recipes and examples that the tests run as they are shipped.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("/"))
}

/// Runs a program to its end and returns what it printed; fails with what it complained about.
pub(crate) fn run(command: &mut std::process::Command) -> Result<String> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .with_context(|| format!("could not run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tries to start a component a few times: its ports were free when they were chosen, which promises nothing.
fn start_with_retries<T>(start: impl Fn() -> Result<T>) -> Result<T> {
    let mut attempt = start();
    for _ in 1..STARTS_MAX {
        match attempt {
            Err(error) if names_a_taken_port(&error) => attempt = start(),
            other => return other,
        }
    }
    attempt
}

fn names_a_taken_port(error: &anyhow::Error) -> bool {
    format!("{error:#}")
        .to_lowercase()
        .contains("address already in use")
}
