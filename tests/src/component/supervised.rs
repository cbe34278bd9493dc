//! One running program, tied to the life of the test that started it.

use anyhow::{Context as _, Result, bail, ensure};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The shell program between us and the component: it outlives a killed test just long enough to clean up.
const SUPERVISE: &str = include_str!("supervise.sh");
/// Time between two looks at a condition. A component that ends meanwhile is noticed at once.
const POLL_PERIOD: Duration = Duration::from_millis(50);
/// Looks at a condition before giving up: two minutes, for a Java program on a machine busy with other tests.
const POLLS_MAX: u32 = 2_400;
/// How long a component may take to stop; the supervisor kills it after ten seconds.
const STOP_WAIT: Duration = Duration::from_secs(20);
/// How long a component may take to end by itself when it is asked to, on a machine busy with other tests.
const END_WAIT: Duration = Duration::from_secs(120);
/// How much of a component's log goes into an error message.
const LOG_TAIL_LINES: usize = 30;

/// How a component is asked to stop.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// Politely: it may finish what it is doing.
    Terminate,
    /// Quickly but in order (PostgreSQL's immediate shutdown).
    Quit,
    /// At once: its data is thrown away anyhow.
    Kill,
}

impl Stop {
    fn signal(self) -> &'static str {
        match self {
            Stop::Terminate => "TERM",
            Stop::Quit => "QUIT",
            Stop::Kill => "KILL",
        }
    }
}

/// What to run, and where.
#[derive(Debug)]
pub struct Command {
    name: String,
    folder: PathBuf,
    stop: Stop,
    words: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Command {
    /// Describes a component by its name in messages, its folder (removed when it is stopped), and its program.
    pub fn new(name: &str, folder: &Path, stop: Stop, program: impl AsRef<OsStr>) -> Self {
        let words = vec![program.as_ref().to_owned()];
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            stop,
            words,
            environment: Vec::new(),
        }
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.words
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }
}

/// A component that runs until this value is dropped.
#[derive(Debug)]
pub struct Supervised {
    name: String,
    log: PathBuf,
    pid: u32,
    supervisor: Child,
    /// Gives the exit status when the component has ended, then closes.
    ended: Mutex<Receiver<i32>>,
}

impl Supervised {
    /// Starts a component in a process group of its own. It is running, not ready: see [`Supervised::wait_until`].
    pub fn start(command: &Command) -> Result<Self> {
        let name = command.name.clone();
        let log = command.folder.join(format!("{name}.log"));
        let mut supervisor = std::process::Command::new("bash")
            .args(["-c", SUPERVISE, "supervise"])
            .arg(&command.folder)
            .arg(command.stop.signal())
            .arg(&log)
            .args(&command.words)
            .envs(command.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let mut output = BufReader::new(supervisor.stdout.take().context("the supervisor has no output")?);
        let mut line = String::new();
        output
            .read_line(&mut line)
            .with_context(|| format!("could not read the process id of {name}"))?;
        let pid = line
            .trim()
            .parse()
            .with_context(|| format!("{name} gave no process id but `{line}`"))?;
        let (end, ended) = channel();
        std::thread::spawn(move || {
            // Only the status is printed yet: this returns when the supervisor, and so the component, has ended.
            let mut status = String::new();
            if output.read_to_string(&mut status).is_ok()
                && let Ok(status) = status.trim().parse()
            {
                // Nobody listens any more when the test is over.
                let _ = end.send(status);
            }
        });
        Ok(Self {
            name,
            log,
            pid,
            supervisor,
            ended: Mutex::new(ended),
        })
    }

    /// Waits until `condition` holds, looking at it a bounded number of times; fails at once when the component ends.
    pub fn wait_until(&self, what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
        for _ in 0..POLLS_MAX {
            if condition() {
                return Ok(());
            }
            if self.ends_within(POLL_PERIOD) {
                bail!("{} ended before {what}:\n{}", self.name, self.log_tail());
            }
        }
        bail!(
            "{} did not get so far that {what}:\n{}",
            self.name,
            self.log_tail()
        )
    }

    /// The component's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The file that holds what the component printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether the component still runs.
    pub fn is_running(&self) -> bool {
        !self.ends_within(Duration::ZERO)
    }

    /// Waits for the component's end, but no longer than `wait`.
    fn ends_within(&self, wait: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
    }

    /// Sends a signal to the component by name: `HUP`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) -> Result<()> {
        kill(signal, &self.pid.to_string())
            .with_context(|| format!("could not send {signal} to {}", self.name))
    }

    /// Asks the component to end and waits until it has, with the status of success; its folder stays.
    pub fn stop(self) -> Result<()> {
        self.signal("TERM")?;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match ended.recv_timeout(END_WAIT) {
            Ok(0) => Ok(()),
            Ok(status) => bail!("{} ended with {status}:\n{}", self.name, self.log_tail()),
            Err(_) => bail!(
                "{} did not end when it was asked to:\n{}",
                self.name,
                self.log_tail()
            ),
        }
    }

    /// Kills the component and all that it started, as a power cut would; its folder stays.
    pub fn crash(self) -> Result<()> {
        // PostgreSQL's processes leave their parent's group, and would hold its memory while it is started again.
        let children = children(self.pid);
        self.signal("KILL")?;
        for child in &children {
            // It may have gone with its parent.
            let _ = kill("KILL", child);
        }
        // The supervisor collects the component, so that its process id is free, and takes the group with it.
        // It is waited for by its output: waiting for the process would close the pipe that tells it to remove the folder.
        ensure!(
            self.ends_within(STOP_WAIT),
            "{} was killed but goes on",
            self.name
        );
        for _ in 0..POLLS_MAX {
            if !children.iter().any(|child| is_alive(child)) {
                return Ok(());
            }
            std::thread::park_timeout(POLL_PERIOD);
        }
        bail!(
            "{} left processes behind that cannot be killed: {children:?}",
            self.name
        )
    }

    fn log_tail(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // The closed pipe is the sign to stop.
        drop(self.supervisor.stdin.take());
        if !self.ends_within(STOP_WAIT) {
            let _ = kill("KILL", &format!("-{}", self.supervisor.id()));
        }
        let _ = self.supervisor.wait();
    }
}

/// The process ids of a process's children.
fn children(pid: u32) -> Vec<String> {
    let listing = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listing.split_whitespace().map(str::to_owned).collect()
}

/// Whether a process is there and more than an entry that nobody has collected yet.
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.starts_with('Z'))
    })
}

fn kill(signal: &str, target: &str) -> Result<()> {
    super::run(std::process::Command::new("kill").args(["-s", signal, "--", target])).map(drop)
}
