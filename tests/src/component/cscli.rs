//! Debian's `cscli` 1.4.6, unchanged, pointed at Portcullis.

use super::{Portcullis, folder, program, run};
use anyhow::{Context as _, Result};
use std::process::Command;

/// `cscli` with the name and secret of a key as its machine's.
#[derive(Debug)]
pub struct Cscli {
    folder: tempfile::TempDir,
}

impl Cscli {
    /// Writes its configuration. It signs in at each command.
    pub fn new(portcullis: &Portcullis, (name, secret): (&str, &str)) -> Result<Self> {
        let folder = folder("cscli")?;
        let place = folder.path().display();
        let url = portcullis.url("/");
        let credentials = format!("url: {url}\nlogin: {name}\npassword: {secret}\n");
        let configuration = format!(
            "common: {{ daemonize: false, log_media: stdout, log_dir: {place} }}
config_paths: {{ config_dir: {place}, data_dir: {place}, hub_dir: {place}/hub, index_path: {place}/hub/.index.json, simulation_path: {place}/simulation.yaml }}
cscli: {{ output: json, color: \"no\" }}
db_config: {{ type: sqlite, db_path: {place}/unused.db }}
api: {{ client: {{ credentials_path: {place}/credentials.yaml }} }}
"
        );
        for (file, text) in [
            ("credentials.yaml", credentials.as_str()),
            ("config.yaml", configuration.as_str()),
            ("simulation.yaml", "simulation: false\n"),
        ] {
            std::fs::write(folder.path().join(file), text)
                .with_context(|| format!("could not write cscli's {file}"))?;
        }
        Ok(Self { folder })
    }

    /// Runs a command; gives what it printed, as text. Fails when it does.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program("cscli")?);
        command
            .arg("-c")
            .arg(self.folder.path().join("config.yaml"))
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1");
        run(&mut command)
    }
}
