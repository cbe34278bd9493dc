//! Running the programs that points are told by.

use super::PointError;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Longest time for a program.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Most of a program's complaint that is told on, in characters.
const COMPLAINT_MAX: usize = 300;

/// Runs a program with its arguments, gives it `input`, and gives what it writes.
///
/// # Errors
/// When it cannot be started, takes too long, or ends with anything but success; its complaint is told.
pub(super) async fn run(command: &[String], input: Option<&str>) -> Result<Vec<u8>, PointError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(PointError::Refused("no program is named".to_owned()));
    };
    let unreachable = |what: &str| PointError::Unreachable(format!("{program}: {what}"));
    let mut child = Command::new(program)
        .args(arguments)
        // What programs complain of is told apart by their words.
        .env("LC_ALL", "C")
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| unreachable(&format!("could not be started: {error}")))?;
    let stdin = child.stdin.take();
    let talk = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that ends before it has read everything says why by itself.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = tokio::time::timeout(TIMEOUT, talk)
        .await
        .map_err(|_| unreachable("took longer than half a minute"))?
        .map_err(|error| unreachable(&error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaint: String = String::from_utf8_lossy(&output.stderr)
        .trim()
        .chars()
        .take(COMPLAINT_MAX)
        .collect();
    Err(PointError::Refused(format!(
        "{program}: {}: {complaint}",
        output.status
    )))
}
