//! Logs that a real NGINX writes, rotated as logrotate rotates them, read by a program that is killed meanwhile: every
//! request counts once.

use anyhow::{Result, ensure};
use portcullis_tests::component::{Nginx, Portcullis, Setup, ask, checkout, http_client};
use serde_json::Value;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Requests between two events.
const BURST: usize = 40;

/// How a log is rotated.
#[derive(Clone, Copy, Debug)]
enum Rotation {
    /// Moved away; the server is told to open a new one.
    Create,
    /// Copied away and emptied.
    CopyTruncate,
}

/// NGINX, its log, and whoever follows it.
struct Site {
    nginx: Nginx,
    http: reqwest::Client,
    portcullis: Portcullis,
    sent: usize,
    rotations: usize,
    /// Lines in files that were packed.
    packed: usize,
}

impl Site {
    fn start() -> Result<Self> {
        let format = checkout().join("deploy/nginx/log-format.conf");
        let nginx = Nginx::start(|site| {
            format!(
                "include {};\nserver {{ listen 127.0.0.1:{}; access_log {}/access.log portcullis; return 204; }}",
                format.display(),
                site.port,
                site.folder.display()
            )
        })?;
        let portcullis = Portcullis::start(&Setup::new().file(&nginx.site().folder.join("access.log")))?;
        Ok(Self {
            nginx,
            http: http_client()?,
            portcullis,
            sent: 0,
            rotations: 0,
            packed: 0,
        })
    }

    fn log(&self) -> PathBuf {
        self.nginx.site().folder.join("access.log")
    }

    /// Sends requests and waits until NGINX has written their lines.
    fn send(&mut self) -> Result<()> {
        for _ in 0..BURST {
            let url = self.nginx.url(&format!("/page/{}", self.sent));
            ensure!(ask(self.http.get(&url))?.status == 204);
            self.sent += 1;
        }
        let (folder, sent) = (self.nginx.site().folder.clone(), self.sent - self.packed);
        self.nginx
            .wait_until("it had written every line", || lines(&folder) == sent)
    }

    fn rotate(&mut self, rotation: Rotation) -> Result<()> {
        self.rotations += 1;
        let (log, moved) = (
            self.log(),
            self.nginx
                .site()
                .folder
                .join(format!("access.log.{}", self.rotations)),
        );
        match rotation {
            Rotation::Create => {
                std::fs::rename(&log, &moved)?;
                self.nginx.reopen()?;
                self.nginx.wait_until("it opened a new log", || log.is_file())
            }
            Rotation::CopyTruncate => {
                std::fs::copy(&log, &moved)?;
                Ok(OpenOptions::new().write(true).open(&log)?.set_len(0)?)
            }
        }
    }

    /// Packs what was rotated, as logrotate does.
    fn pack(&mut self) -> Result<()> {
        let plain = self
            .nginx
            .site()
            .folder
            .join(format!("access.log.{}", self.rotations));
        self.packed += lines_of(&plain);
        let status = std::process::Command::new("gzip").arg(&plain).status()?;
        ensure!(status.success(), "gzip failed on {}", plain.display());
        Ok(())
    }

    /// Waits until a checkpoint holds every request, and none twice.
    fn check(&self) -> Result<()> {
        self.portcullis.wait_until_counted(self.sent)
    }
}

/// Lines in every file of a log that is not packed.
fn lines(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let logs = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("access.log") && !name.ends_with(".gz")
    });
    logs.map(|entry| lines_of(&entry.path())).sum()
}

fn lines_of(file: &Path) -> usize {
    let bytes = std::fs::read(file).unwrap_or_default();
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn every_request_counts_once_over_rotations_packing_and_kills() -> Result<()> {
    let mut site = Site::start()?;
    site.send()?;
    site.check()?;
    for rotation in [Rotation::Create, Rotation::CopyTruncate] {
        // While it runs.
        site.send()?;
        site.rotate(rotation)?;
        site.send()?;
        site.check()?;
        // Killed before, started after.
        site.send()?;
        site.portcullis.kill()?;
        site.send()?;
        site.rotate(rotation)?;
        site.pack()?;
        site.send()?;
        site.portcullis.start_again()?;
        site.send()?;
        site.check()?;
        // Killed between, twice, with a rotation of each kind.
        site.rotate(Rotation::CopyTruncate)?;
        site.send()?;
        site.portcullis.kill()?;
        site.send()?;
        site.rotate(rotation)?;
        site.send()?;
        site.portcullis.start_again()?;
        site.portcullis.kill()?;
        site.rotate(rotation)?;
        site.portcullis.start_again()?;
        site.send()?;
        site.check()?;
    }
    let figure = format!("source_rejected_total{{source=\"{}\"}}", site.log().display());
    ensure!(site.portcullis.metrics(&figure)? == 0.0);
    site.portcullis.stop()?;
    site.portcullis.start_again()?;
    site.check()?;
    println!("{} requests over {} rotations", site.sent, site.rotations);
    Ok(())
}

#[test]
fn a_line_that_cannot_be_read_is_kept_with_the_name_of_its_log() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("access.log");
    std::fs::write(&log, "what no gateway writes\n")?;
    let portcullis = Portcullis::start(&Setup::new().file(&log))?;
    let wanted = Value::from(log.display().to_string());
    portcullis.wait_until("the line was kept", |portcullis| {
        let kept = portcullis.list("/api/v1/rejected")?;
        Ok(kept
            .iter()
            .any(|line| line["source"] == wanted && line["line"] == 1))
    })
}
