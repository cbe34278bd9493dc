//! The documentation against what is there: links lead somewhere, and commands take the options that pages show.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: a failure names the page and the line"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold other people's pages or build outputs.
const SKIPPED: [&str; 4] = ["node_modules", "target", ".git", "dist"];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Markdown page of the repository with its text.
fn pages() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
                collect(&path, found);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(&checkout(), &mut found);
    assert!(found.len() > 20, "the pages are found: {}", found.len());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    };
    found.into_iter().map(read).collect()
}

/// The targets of a page's links and images that lie in the repository.
fn targets(text: &str) -> Vec<&str> {
    let links = text.split("](").skip(1);
    let targets = links.filter_map(|rest| rest.split(')').next());
    targets
        .map(|target| target.split(['#', ' ']).next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// The commands of this program that a page shows in its fenced blocks, line by line.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```").skip(1).step_by(2);
    let lines = blocks.flat_map(str::lines).map(str::trim);
    lines
        .map(|line| line.strip_prefix("$ ").unwrap_or(line))
        .filter(|line| {
            let rest = line.strip_prefix("portcullis ").unwrap_or_default();
            rest.starts_with(|first: char| first.is_ascii_lowercase())
        })
        .map(|line| {
            line.split([';', '|', '>', '#'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// What `--help` prints behind these words; `None` when they name no command.
fn help(words: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(words)
        .arg("--help")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for (page, text) in pages() {
        let folder = page.parent().unwrap();
        let missing = targets(&text)
            .into_iter()
            .filter(|target| !folder.join(target).exists());
        broken.extend(missing.map(|target| format!("{}: {target}", page.display())));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_command_exists_and_takes_its_options() {
    let shown: BTreeSet<String> = pages().iter().flat_map(|(_, text)| commands(text)).collect();
    assert!(shown.len() > 10, "commands are shown: {shown:?}");
    for command in shown {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        // A command has one word or two; what follows are its arguments.
        let path = &words[..words.len().min(2)];
        let is_group = words.len() > 1 && help(path).is_some() && !words[1].starts_with('-');
        let path = if is_group { path } else { &words[..1] };
        let help = help(path).unwrap_or_else(|| panic!("there is no such command: {command}"));
        for option in words.iter().filter(|word| word.starts_with("--")) {
            let name = option.split('=').next().unwrap_or_default();
            assert!(help.contains(name), "{command}: {name} is not in\n{help}");
        }
    }
}

#[test]
fn no_page_holds_a_placeholder() {
    let is_capitals =
        |line: &str| line.len() > 2 && line.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    for (page, text) in pages() {
        for mark in ["TODO", "FIXME", "TBD"] {
            assert!(!text.contains(mark), "{}: {mark}", page.display());
        }
        // A name in capitals on a line of its own stands for a text that was to be filled in.
        let left_open = text.lines().find(|line| is_capitals(line));
        assert_eq!(left_open, None, "{}", page.display());
    }
}
