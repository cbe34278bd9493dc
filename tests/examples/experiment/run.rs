//! One run: the binary simulates, the binary judges, and its figures are read as any program would read them.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is played.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Name of the scenario.
    pub(crate) scenario: &'static str,
    /// Seed.
    pub(crate) seed: u64,
    /// Requests.
    pub(crate) requests: u64,
    /// Attackers among the clients, in tenths of a percent; `None` for the scenario's own.
    pub(crate) attackers_permille: Option<u64>,
    /// Clients with fewer requests are left out.
    pub(crate) requests_min: u64,
}

/// Plays and judges runs in a folder of its own.
pub(crate) struct Bench {
    binary: PathBuf,
    folder: tempfile::TempDir,
}

impl Bench {
    /// Uses the binary that lies beside this program.
    pub(crate) fn new() -> Result<Self> {
        let own = std::env::current_exe().context("could not find this program")?;
        let beside = own
            .parent()
            .and_then(Path::parent)
            .map(|folder| folder.join("portcullis"));
        let binary = beside
            .filter(|binary| binary.is_file())
            .context("portcullis is not built beside this program: run make experiment, which builds both")?;
        Ok(Self {
            binary,
            folder: tempfile::tempdir()?,
        })
    }

    /// Plays a run and returns the figures. It is simulated twice, the same bytes both times: first for its truth, then into
    /// the pipe of the one who judges, so that millions of lines need no room on a disk.
    pub(crate) fn play(&self, run: &Run) -> Result<Value> {
        let truth = self.folder.path().join("truth.csv");
        let mut first = self.simulate(run);
        let status = first
            .args(["--ways", "--truth"])
            .arg(&truth)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "{run:?}: simulate ended with {status}");
        let mut simulation = self.simulate(run).stdout(Stdio::piped()).spawn()?;
        let lines = simulation.stdout.take().context("simulate has no output")?;
        let mut evaluate = Command::new(&self.binary);
        evaluate.args(["evaluate", "--output", "json", "--names"]);
        evaluate.args(["--requests-min", &run.requests_min.to_string()]);
        evaluate.arg("--truth").arg(&truth).arg("-");
        let output = evaluate.stdin(lines).stderr(Stdio::inherit()).output()?;
        let status = simulation.wait()?;
        ensure!(status.success(), "{run:?}: simulate ended with {status}");
        ensure!(
            output.status.success(),
            "{run:?}: evaluate ended with {}",
            output.status
        );
        serde_json::from_slice(&output.stdout).with_context(|| format!("{run:?}: evaluate printed no JSON"))
    }

    fn simulate(&self, run: &Run) -> Command {
        let mut simulate = Command::new(&self.binary);
        simulate.args(["simulate", "--scenario", run.scenario]);
        simulate.args(["--seed", &run.seed.to_string()]);
        simulate.args(["--requests", &run.requests.to_string()]);
        if let Some(permille) = run.attackers_permille {
            simulate.args(["--attackers", &format!("{:.1}", permille as f64 / 10.0)]);
        }
        simulate.stdin(Stdio::null());
        simulate
    }
}
