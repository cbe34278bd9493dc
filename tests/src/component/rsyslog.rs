//! A real rsyslog that ships a file to Kafka, or whatever its configuration says.

use super::{Command, Stop, Supervised, folder, program, run};
use anyhow::{Context as _, Result};
use std::path::Path;

/// An rsyslog daemon that runs until this value is dropped.
#[derive(Debug)]
pub struct Rsyslog {
    // Dropped before the folder: the order of the fields is the order of the end.
    daemon: Supervised,
    _folder: tempfile::TempDir,
}

impl Rsyslog {
    /// Starts rsyslog with what `configuration` returns for its folder, and waits until it has begun its work.
    ///
    /// The folder is its working folder, where it remembers how far it has read.
    pub fn start(configuration: impl Fn(&Path) -> String) -> Result<Self> {
        let program = program("rsyslogd")?;
        let folder = folder("rsyslog")?;
        let file = folder.path().join("rsyslog.conf");
        let preamble = format!("global(workDirectory=\"{}\")\n", folder.path().display());
        std::fs::write(&file, preamble + &configuration(folder.path()))
            .with_context(|| format!("could not write {}", file.display()))?;
        // It starts with the healthy half of a faulty configuration; a test wants to know.
        run(std::process::Command::new(&program)
            .args(["-N1", "-f"])
            .arg(&file))?;
        let pid_file = folder.path().join("rsyslog.pid");
        let command = Command::new("rsyslog", folder.path(), Stop::Terminate, program)
            .args(["-n", "-i"])
            .args([&pid_file, Path::new("-f"), &file]);
        let daemon = Supervised::start(&command)?;
        daemon.wait_until("it wrote its process id", || pid_file.is_file())?;
        Ok(Self {
            daemon,
            _folder: folder,
        })
    }

    /// The file that holds its own messages.
    pub fn log(&self) -> &Path {
        self.daemon.log()
    }
}
