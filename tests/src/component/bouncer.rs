//! Bouncers that were written for CrowdSec, unchanged: Debian's crowdsec-custom-bouncer and PyPI's pycrowdsec.

use super::{Command, Portcullis, Stop, Supervised, folder, program};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What the custom bouncer runs for each decision: writes down what it was told.
const CARRY_OUT: &str = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>\"${0%/*}/calls\"\n";

/// Debian's crowdsec-custom-bouncer, carrying decisions out by writing them down.
#[derive(Debug)]
pub struct CustomBouncer {
    // Dropped before the folder: the order of the fields is the order of the end.
    process: Supervised,
    folder: tempfile::TempDir,
}

impl CustomBouncer {
    /// Starts it with a key; it looks for news each second. It is running, and may not have asked yet.
    pub fn start(portcullis: &Portcullis, key: &str) -> Result<Self> {
        let program = program("crowdsec-custom-bouncer")?;
        let folder = folder("custom-bouncer")?;
        let script = folder.path().join("carry-out");
        std::fs::write(&script, CARRY_OUT).context("could not write the bouncer's script")?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))
            .context("could not make the bouncer's script executable")?;
        let file = folder.path().join("bouncer.yaml");
        let url = portcullis.url("/");
        std::fs::write(&file, configuration(folder.path(), &script, &url, key))
            .context("could not write the bouncer's configuration")?;
        let command = Command::new("custom-bouncer", folder.path(), Stop::Terminate, program)
            .args([Path::new("-c"), &file]);
        let process = Supervised::start(&command)?;
        Ok(Self { process, folder })
    }

    /// Waits until it was told to do something to an address: `add` or `del`.
    pub fn wait_for(&self, action: &str, address: &str) -> Result<()> {
        let wanted = format!("{action} {address} ");
        self.process
            .wait_until(&format!("it was told to {action} {address}"), || {
                self.calls().iter().any(|call| call.starts_with(&wanted))
            })
    }

    /// What it was told to carry out so far: action, value, duration, reason, and the decision as JSON.
    pub fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The file that holds its own messages.
    pub fn log(&self) -> &Path {
        self.process.log()
    }
}

/// As the package ships it, with the places that a test needs.
fn configuration(folder: &Path, script: &Path, url: &str, key: &str) -> String {
    let (folder, script) = (folder.display(), script.display());
    format!(
        "bin_path: {script}
feed_via_stdin: false
total_retries: 0
scenarios_containing: []
scenarios_not_containing: []
origins: []
piddir: {folder}
update_frequency: 1s
cache_retention_duration: 10s
daemonize: false
log_mode: stdout
log_level: info
api_url: {url}
api_key: {key}
prometheus:
  enabled: false
"
    )
}

/// PyPI's pycrowdsec in a Python process of its own, following decisions and asking about one address.
#[derive(Debug)]
pub struct PythonBouncer {
    // Dropped before the folder: the order of the fields is the order of the end.
    process: Supervised,
    _folder: tempfile::TempDir,
}

impl PythonBouncer {
    /// Starts it with a key and the address that it asks about besides following the stream.
    pub fn start(portcullis: &Portcullis, key: &str, address: &str) -> Result<Self> {
        let python = environment()?.join("bin/python");
        ensure!(
            python.is_file(),
            "no Python environment with pycrowdsec at {}: `make test` makes it, or scripts/setup.sh test",
            python.display()
        );
        let folder = folder("python-bouncer")?;
        let script = folder.path().join("follow_decisions.py");
        std::fs::write(&script, include_str!("follow_decisions.py"))
            .context("could not write the bouncer's script")?;
        let command = Command::new("python-bouncer", folder.path(), Stop::Terminate, python)
            .args([script.as_os_str()])
            .args([&portcullis.url("/"), key, address])
            .env("NO_PROXY", "127.0.0.1");
        let process = Supervised::start(&command)?;
        Ok(Self {
            process,
            _folder: folder,
        })
    }

    /// Waits until what it holds in force satisfies `condition`: `held` (address to action), `action` of the address
    /// it was started with by the stream, and `asked`, the same by a question.
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut(&Value) -> bool) -> Result<()> {
        self.process.wait_until(what, || {
            let text = std::fs::read_to_string(self.process.log()).unwrap_or_default();
            let last = text
                .lines()
                .rev()
                .find_map(|line| serde_json::from_str(line).ok());
            last.is_some_and(|state| condition(&state))
        })
    }
}

/// The Python environment that scripts/setup.sh makes; scripts/env.sh says where.
pub(super) fn environment() -> Result<PathBuf> {
    let variable = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = variable("PORTCULLIS_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("portcullis")))
        .or_else(|| Some(variable("HOME")?.join(".cache/portcullis")));
    Ok(cache
        .context("no PORTCULLIS_CACHE: source scripts/env.sh first")?
        .join("venv"))
}
