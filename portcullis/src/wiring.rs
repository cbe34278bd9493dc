//! What commands over finished logs have in common: options, files, settings.

use crate::analysis::{describe, scan_key};
use anyhow::{Context, anyhow};
use detector::Settings;
use domain::{Allowlist, TrustedProxies};
use ingest::{FormatChoice, LineReader, ParserConfig};
use ipnet::IpNet;
use std::path::{Path, PathBuf};

/// Wrong usage: exit code 2, like the mistakes that the command line's own parser finds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUsage(pub String);

/// Options of every command that passes over finished logs.
#[derive(Debug, Clone, clap::Args)]
pub struct PassOptions {
    /// Format of the lines; `portcullis formats` lists them.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    format: String,
    /// A model of your own instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed, as ranges.
    #[arg(long, value_name = "RANGE")]
    trusted_proxy: Vec<IpNet>,
    /// Your own ranges: never blocked.
    #[arg(long, value_name = "RANGE")]
    own_range: Vec<IpNet>,
    /// Treat private addresses as clients like any other.
    #[arg(long)]
    private_clients: bool,
    /// Remember at most so many clients.
    #[arg(long, value_name = "N", default_value_t = detector::limits::CLIENTS_MAX_DEFAULT)]
    clients_max: usize,
    /// Threads that share the work; their number changes no result.
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
}

impl PassOptions {
    /// How lines become records.
    ///
    /// # Errors
    /// When the format is not known.
    pub fn parser(&self) -> anyhow::Result<ParserConfig> {
        let format = format_choice(&self.format)?;
        let trusted = TrustedProxies::new(self.trusted_proxy.clone());
        Ok(ParserConfig {
            format,
            trusted,
            ..ParserConfig::new(scan_key())
        })
    }

    /// How records become decisions: an installation past its warm-up, in enforced mode.
    ///
    /// # Errors
    /// When a limit is out of its range.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        const CLIENTS: std::ops::RangeInclusive<usize> = 256..=100_000_000;
        if !CLIENTS.contains(&self.clients_max) {
            let text = format!(
                "--clients-max {} is out of range: expected 256 to 100000000",
                self.clients_max
            );
            return Err(WrongUsage(text).into());
        }
        let mut settings = Settings::new(scan_key(), describe);
        settings.assumes_enforcement = true;
        settings.clients_max = self.clients_max;
        settings.allowlist = Allowlist::new(self.own_range.clone(), Vec::new(), !self.private_clients);
        Ok(settings)
    }

    /// The model's file, if not the shipped one.
    #[must_use]
    pub fn model(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// Threads that share the work.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }
}

/// The format of that name, or detection for `auto`.
///
/// # Errors
/// When the format is not known.
pub fn format_choice(name: &str) -> anyhow::Result<FormatChoice> {
    if name == "auto" {
        return Ok(FormatChoice::Auto);
    }
    let found = ingest::format::by_name(name).map(FormatChoice::Named);
    let wrong = || {
        let known: Vec<&str> = ingest::FORMATS.iter().map(|format| format.name()).collect();
        WrongUsage(format!(
            "unknown format {name:?}: expected auto or one of {}",
            known.join(", ")
        ))
    };
    Ok(found.ok_or_else(wrong)?)
}

/// Opens files, or standard input when there are none.
///
/// # Errors
/// When a file cannot be opened; all of them are named.
pub fn open(files: &[PathBuf]) -> anyhow::Result<Vec<LineReader>> {
    if files.is_empty() {
        return Ok(vec![LineReader::stdin(0)?]);
    }
    let mut readers = Vec::with_capacity(files.len());
    let mut problems = Vec::new();
    for (source, file) in files.iter().enumerate() {
        let source = u32::try_from(source).context("more files than sources can be numbered")?;
        let opened = if file.as_os_str() == "-" {
            LineReader::stdin(source)
        } else {
            LineReader::open(file, source)
        };
        match opened {
            Ok(reader) => readers.push(reader),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() {
        Ok(readers)
    } else {
        Err(anyhow!("{}", problems.join("\n")))
    }
}
