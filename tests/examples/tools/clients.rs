//! Everybody at once, each at a place of its own and for a bounded time.

use crate::shop::HOST;
use crate::suite::{Part, Suite};
use anyhow::{Context as _, Result, bail, ensure};
use portcullis_tests::component::{Network, Place, program};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What tools that hide behind a browser's name say they are.
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// Gives a command a browser that stays open.
const BROWSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tools/browser.sh");
/// What `timeout` exits with when it ended the program: for a client that would go on, nothing is wrong.
const TIMED_OUT: i32 = 124;
/// What cannot be run, for whatever reason, leaves the shell with one of these.
const NOT_RUN: [i32; 2] = [126, 127];

/// Runs every client to its end.
pub(crate) fn run_all(suite: &Suite, network: &Network, kept: &Path) -> Result<()> {
    hide_the_machines_cron()?;
    let chromium = chromium()?;
    let mut clients = Vec::new();
    for part in suite.parts()? {
        clients.push((network.place(part.number)?, part));
    }
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter()
            .map(|(place, part)| scope.spawn(|| run(part, place, &chromium, kept)))
            .collect();
        let ended = running.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| bail!("a client's thread panicked"))
        });
        ended.collect()
    });
    results.into_iter().collect()
}

/// Runs one client, after its pause and no longer than it may.
fn run(part: &Part, place: &Place, chromium: &str, kept: &Path) -> Result<()> {
    std::thread::sleep(Duration::from_secs(part.after));
    let folder = kept.join("clients").join(part.name.replace([' ', ','], "-"));
    // What an earlier run left there, a browser's cache say, would be another client's.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let output = std::fs::File::create(folder.join("output.txt"))?;
    let seconds = part.seconds.to_string();
    let status = place
        .command("timeout")
        .args(["--kill-after=5", &seconds, "bash", "-c", &part.command])
        .current_dir(&folder)
        .env("SITE", format!("http://{HOST}"))
        .env("HOST", HOST)
        .env("FIREFOX", FIREFOX)
        .env("BROWSER", BROWSER)
        .env(
            "CHROMIUM",
            format!("{chromium} --user-data-dir={}/profile", folder.display()),
        )
        // Tools keep sessions and settings in the home folder: theirs is not the user's.
        .env("HOME", &folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .with_context(|| format!("could not run {}", part.name))?;
    let code = status.code().unwrap_or(TIMED_OUT);
    ensure!(
        !NOT_RUN.contains(&code),
        "{} could not be run (exit code {code}): see {}/output.txt, and run scripts/setup.sh tools",
        part.name,
        folder.display()
    );
    Ok(())
}

/// Puts empty folders over cron's: the one client that runs cron must not run what this machine's cron would.
fn hide_the_machines_cron() -> Result<()> {
    let run = |words: &str| -> Result<()> {
        let status = Command::new("mount").args(words.split(' ')).status()?;
        ensure!(
            status.success(),
            "mount {words} failed: cron is missing? run scripts/setup.sh tools"
        );
        Ok(())
    };
    run("--bind /dev/null /etc/crontab")?;
    for folder in ["/etc/cron.d", "/var/spool/cron"] {
        run(&format!("-t tmpfs none {folder}"))?;
    }
    std::fs::create_dir("/var/spool/cron/crontabs").context("could not make a folder for cron")
}

/// How Chromium is called: root has no sandbox, and nothing but the site is to be reached for.
fn chromium() -> Result<String> {
    let found: Option<PathBuf> = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| program(name).ok());
    let found = found.context("Chromium is missing: run scripts/setup.sh tools")?;
    Ok(format!(
        "{} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking --no-first-run",
        found.display()
    ))
}
