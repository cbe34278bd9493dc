//! What the tests of the binary share: running it, and looking at its memory while it runs.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A panic of a Rust program exits with this.
const PANICKED: i32 = 101;

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let run = Self {
            code: output.status.code().expect("it exits by itself"),
            out: String::from_utf8(output.stdout).expect("output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        };
        assert_ne!(run.code, PANICKED, "{}", run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }

    /// The last line of a JSON report.
    pub(crate) fn summary(&self) -> Value {
        let last = self
            .out
            .lines()
            .last()
            .unwrap_or_else(|| panic!("a report: {}", self.err));
        let summary: Value = serde_json::from_str(last).unwrap();
        assert_eq!(summary["type"], "summary");
        summary
    }

    /// The alerts of a JSON report, in its order.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let lines = self.out.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["type"] == "alert").collect()
    }
}

/// The command with those arguments, in a folder.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).current_dir(folder);
    command
}

/// Runs the command to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(command(folder, arguments).stdin(Stdio::null()).output().unwrap())
}

/// Runs `scan` over standard input and gives, beside what it said, the most memory it held, in bytes, when all but the
/// pipe's last 64 KiB were read: it cannot end, and its memory be gone, before its input is closed.
pub(crate) fn scan_stream(folder: &Path, parts: impl Iterator<Item = Vec<u8>>) -> (Run, u64) {
    let mut child = command(folder, &["scan", "--output", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().expect("standard input is piped");
    for part in parts {
        input.write_all(&part).unwrap();
    }
    let peak = peak_bytes(&child);
    drop(input);
    (Run::of(child.wait_with_output().unwrap()), peak)
}

fn peak_bytes(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes
        .and_then(|number| number.parse::<u64>().ok())
        .expect("a size in kB")
        * 1024
}

/// Writes a file into a folder and gives its path.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// A line in combined format: seconds after a moment in November 2026, who, what, how it was answered.
pub(crate) fn line(second: u64, address: &str, request: &str, status: u16) -> String {
    let (minute, second) = (second / 60 % 60, second % 60);
    format!(
        "{address} - - [22/Nov/2026:23:{minute:02}:{second:02} +0000] \"{request}\" {status} 512 \"-\" \"curl/8.7.1\"\n"
    )
}

/// Deterministic bytes that look random: a xorshift.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}
