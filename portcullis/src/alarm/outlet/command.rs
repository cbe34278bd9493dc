//! A message on the standard input of a program, which is run without a shell. One at a time for each command.

use super::{Message, Refusal};
use crate::config::used;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether a program has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The one variable of our environment that a program gets: the others may hold secrets.
const PATH: &str = "PATH";

/// A program and its arguments.
#[derive(Debug, Clone)]
pub(super) struct Program {
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// The program of that setting.
    pub(super) fn new(settings: &used::AlarmCommand) -> Self {
        Self {
            program: settings.program.clone(),
            arguments: settings.arguments.clone(),
            timeout: Duration::from_secs(u64::from(settings.timeout_secs)),
        }
    }

    /// Runs it with a message, and ends it when it takes too long.
    pub(super) async fn run(&self, message: &Message) -> Result<(), Refusal> {
        let (own, message) = (self.clone(), Arc::clone(message));
        let ran = tokio::task::spawn_blocking(move || own.run_here(&message)).await;
        ran.unwrap_or_else(|error| Err(Refusal::Final(error.to_string())))
    }

    fn run_here(&self, message: &str) -> Result<(), Refusal> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(path) = std::env::var_os(PATH) {
            command.env(PATH, path);
        }
        let mut child = command
            .spawn()
            .map_err(|error| Refusal::Final(format!("could not start it: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            // A pipe takes a message whole. A program that does not want to read it says by its status what it thinks.
            let _ = input
                .write_all(message.as_bytes())
                .and_then(|()| input.write_all(b"\n"));
        }
        wait(&mut child, self.timeout)
    }
}

/// Waits for a program. What it did in part may be repeated by another try, which is why only its own status asks for one.
fn wait(child: &mut Child, timeout: Duration) -> Result<(), Refusal> {
    let until = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(Refusal::Again(format!("it ended with {status}"))),
            Ok(None) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Refusal::Final(format!(
                    "it took longer than {} seconds",
                    timeout.as_secs()
                )));
            }
            Err(error) => return Err(Refusal::Final(format!("could not wait for it: {error}"))),
        }
    }
}
