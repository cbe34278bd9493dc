//! What commands over finished logs have in common: options, files, settings.

use crate::analysis::{DESCRIBE, scan_key};
use crate::config::{self, Config};
use crate::lists;
use crate::masking;
use crate::openapi;
use crate::policy;
use crate::rules;
use crate::scorer::{BundleScorer, ModelFiles};
use crate::service::detector_settings;
use anyhow::{Context, anyhow};
use detector::Settings;
use detector::policy::{BUDGET_MAX, ClauseSet, PolicySettings};
use domain::{Allowlist, HashKey, TrustedProxies};
use ingest::{FormatChoice, IdentityPolicy, LineReader, NamedIdentity, Networks, ParserConfig};
use ipnet::IpNet;
use std::path::{Path, PathBuf};

/// Wrong usage: exit code 2, like the mistakes that the command line's own parser finds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub String);

/// Options of every command that passes over finished logs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PassOptions {
    /// Format of the lines; `portcullis formats` lists them.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    format: String,
    /// Judge as a service with this configuration would: its policy, allowlist, proxies, identities, key and model.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// An installation past its warm-up that blocks (warm), or its first day, when it only watches (cold).
    #[arg(long, value_enum, default_value = "warm")]
    mode: PassMode,
    /// A model of your own instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Rules of yours, beside the shipped ones and those of the configuration; may be given several times.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// A policy instead of the configuration's: clauses that say for whom something else is done.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Clients that may be wrongly blocked by their score alone, per million client-days. Without it, or one in the
    /// configuration, nobody is blocked by score alone.
    #[arg(long, value_name = "N")]
    false_positive_budget: Option<u32>,
    /// Proxies whose `X-Forwarded-For` is believed, as ranges.
    #[arg(long, value_name = "RANGE")]
    trusted_proxy: Vec<IpNet>,
    /// Database of autonomous systems, in MaxMind's format (GeoLite2-ASN or one like it): clients of one of them that do the
    /// same are judged together.
    #[arg(long, value_name = "FILE")]
    networks: Option<PathBuf>,
    /// Document of OpenAPI 3 or Swagger 2 that names your API's routes; may be given several times.
    #[arg(long, value_name = "FILE")]
    openapi: Vec<PathBuf>,
    /// Who a client is: names to prefer over the address, best first (consumer, subject, api_key, session, certificate). Without it,
    /// what the configuration says.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = named_identity)]
    identity: Vec<NamedIdentity>,
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

/// Which installation a pass stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PassMode {
    /// Past its warm-up, blocks in force: a blocked client's later requests count as prevented.
    Warm,
    /// Its first day: it watches and says what it would have done.
    Cold,
}

/// What a pass is made of, after options and configuration are put together.
pub(crate) struct PassParts {
    /// How lines become records.
    pub parser: ParserConfig,
    /// How records become decisions.
    pub settings: Settings,
    /// The model's file, if not the shipped one.
    pub model: Option<PathBuf>,
    /// The model that the configuration lets score beside it.
    pub challenger: Option<PathBuf>,
    /// Threads that share the work.
    pub threads: usize,
}

impl PassOptions {
    /// The configuration that is named; `None` when none is.
    ///
    /// # Errors
    /// When it is wrong.
    pub(crate) fn config(&self) -> anyhow::Result<Option<Config>> {
        self.config.as_deref().map(load_config).transpose()
    }

    /// The policy that is named, if one is.
    pub(crate) fn named_policy(&self) -> Option<&Path> {
        self.policy.as_deref()
    }

    /// The same with another policy; with the configuration's for `None`.
    pub(crate) fn with_policy(&self, policy: Option<PathBuf>) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    /// The format that is named, if one is.
    pub(crate) fn format(&self) -> Option<&str> {
        (self.format != "auto").then_some(&self.format)
    }

    /// Puts options and configuration together.
    ///
    /// # Errors
    /// When the configuration is wrong, the format is not known, or a limit is out of its range.
    pub(crate) fn parts(&self) -> anyhow::Result<PassParts> {
        let config = self.config.as_deref().map(load_config).transpose()?;
        if let Some(config) = &config {
            masking::set(&config.masking())?;
        }
        let key = config.as_ref().and_then(|config| config.detector.hash_key);
        let key = key.unwrap_or_else(scan_key);
        Ok(PassParts {
            parser: self.parser(config.as_ref(), key)?,
            settings: self.settings(config.as_ref(), key)?,
            model: self
                .model
                .clone()
                .or_else(|| config.as_ref().and_then(|config| config.model.file.clone())),
            challenger: config.as_ref().and_then(|config| config.model.challenger.clone()),
            threads: self.threads,
        })
    }

    /// The policy of the configuration that is named; `None` when none is.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub(crate) fn policy(&self) -> anyhow::Result<Option<PolicySettings>> {
        let config = self.config.as_deref().map(load_config).transpose()?;
        Ok(config.map(|config| detector_settings(&config, scan_key()).policy))
    }

    fn parser(&self, config: Option<&Config>, key: HashKey) -> anyhow::Result<ParserConfig> {
        let format = format_choice(&self.format)?;
        openapi::set(match config {
            Some(config) if self.openapi.is_empty() => &config.openapi.files,
            _ => &self.openapi,
        })?;
        let mut parser = ParserConfig {
            format,
            trusted: TrustedProxies::new(self.trusted_proxy.clone()),
            networks: self.networks.as_deref().map(Networks::open).transpose()?,
            documents: openapi::in_force().cloned(),
            ..ParserConfig::new(key)
        };
        if let Some(config) = config {
            if self.trusted_proxy.is_empty() {
                parser.trusted = config.clients.trusted_proxies();
            }
            parser.identity = config.clients.identity();
            parser.secrets = config.clients.secret_keys(key);
            if parser.networks.is_none() {
                parser.networks = config
                    .clients
                    .networks
                    .as_deref()
                    .map(Networks::open)
                    .transpose()?;
            }
        }
        if !self.identity.is_empty() {
            parser.identity.prefer.clone_from(&self.identity);
        }
        if hashes_secrets(&parser.identity) && !config.is_some_and(has_own_key) {
            eprintln!(
                "note: API keys and sessions are hashed under a fixed key that is no secret, because the configuration names none: \
                 whoever has a report can try keys against it"
            );
        }
        Ok(parser)
    }

    /// The rules that hold: the shipped ones unless the configuration switches them off, its own, and those named.
    fn written(&self, config: Option<&Config>) -> anyhow::Result<Vec<rules::Written>> {
        let (mut files, with_shipped) = match config {
            Some(config) => (config.rules.files.clone(), config.rules.shipped),
            None => (Vec::new(), true),
        };
        files.extend(self.rules.iter().cloned());
        load_rules(&files, with_shipped)
    }

    fn settings(&self, config: Option<&Config>, key: HashKey) -> anyhow::Result<Settings> {
        const CLIENTS: std::ops::RangeInclusive<usize> = 256..=100_000_000;
        if !CLIENTS.contains(&self.clients_max) {
            let text = format!(
                "--clients-max {} is out of range: expected 256 to 100000000",
                self.clients_max
            );
            return Err(WrongUsage(text).into());
        }
        let mut settings = match config {
            Some(config) => detector_settings(config, key),
            None => Settings::new(key, DESCRIBE),
        };
        if config.is_none() || !self.own_range.is_empty() || self.private_clients {
            settings.allowlist = Allowlist::new(self.own_range.clone(), Vec::new(), !self.private_clients);
        }
        let written = self.written(config)?;
        let mut identity = config.map(|config| config.clients.identity()).unwrap_or_default();
        if !self.identity.is_empty() {
            identity.prefer.clone_from(&self.identity);
        }
        for warning in rules::unheard(&written, &identity) {
            eprintln!("warning: {}", api::neutralise(&warning));
        }
        settings.rules = rules::rule_set(&written)?;
        let configured = config.and_then(|config| config.policy.file.as_deref());
        settings.clauses = load_clauses(self.policy.as_deref().or(configured))?;
        for warning in policy::unheard(&settings.clauses, &settings.policy) {
            eprintln!("warning: {}", api::neutralise(&warning));
        }
        if let Some(config) = config {
            settings.listed = lists::load(&config.lists.files)?;
        }
        settings.clients_max = self.clients_max;
        if let Some(budget) = self.false_positive_budget {
            settings.policy.false_positive_budget = Some(f64::from(budget));
        }
        // Both modes say what they assume of the beginning.
        settings.policy.warm_up_secs = 0;
        settings.policy.is_shadow |= self.mode == PassMode::Cold;
        settings.assumes_enforcement = !settings.policy.is_shadow;
        Ok(settings)
    }
}

/// Whether names of clients are hashes of secrets.
fn hashes_secrets(identity: &IdentityPolicy) -> bool {
    let is_secret = |kind: &NamedIdentity| matches!(kind, NamedIdentity::ApiKey | NamedIdentity::Session);
    identity.shows_claims || identity.prefer.iter().any(is_secret)
}

/// Whether the configuration names a key for them.
fn has_own_key(config: &Config) -> bool {
    config.detector.hash_key.is_some() || config.clients.has_secret_key()
}

/// The name of that kind, as it stands in a list on the command line.
///
/// # Errors
/// What was expected.
pub(crate) fn named_identity(name: &str) -> Result<NamedIdentity, String> {
    let found = NamedIdentity::ALL
        .into_iter()
        .find(|kind| kind.scope().as_str() == name);
    found.ok_or_else(|| "expected consumer, subject, api_key, session or certificate".to_owned())
}

/// Refuses a budget of wrong blocks that the model cannot show.
///
/// # Errors
/// Wrong usage, with the smallest budget that it can.
pub(crate) fn check_budget(scorer: &BundleScorer, policy: &PolicySettings) -> anyhow::Result<()> {
    let Some(budget) = policy.false_positive_budget else {
        return Ok(());
    };
    if !(budget > 0.0 && budget <= BUDGET_MAX) {
        let text = format!("--false-positive-budget {budget} is out of range: expected 1 to {BUDGET_MAX}");
        return Err(WrongUsage(text).into());
    }
    let checked = scorer.check_budget(budget);
    checked
        .map(|_| ())
        .map_err(|error| WrongUsage(error.to_string()).into())
}

/// Reads a configuration for a command that needs one; a wrong one is wrong usage.
///
/// # Errors
/// Every problem of the file at once.
pub(crate) fn load_config(file: &Path) -> anyhow::Result<Config> {
    match config::load(file, &ModelFiles { must_load: false }) {
        Ok(loaded) => Ok(loaded.config),
        Err(error) => match error.downcast::<config::Report>() {
            Ok(report) => Err(WrongUsage(report.to_string()).into()),
            Err(error) => Err(error),
        },
    }
}

/// Reads files of rules for a command; a wrong one is wrong usage.
///
/// # Errors
/// Every problem of the first wrong file at once.
pub(crate) fn load_rules(files: &[PathBuf], with_shipped: bool) -> anyhow::Result<Vec<rules::Written>> {
    match rules::load(files, with_shipped) {
        Ok(written) => Ok(written),
        Err(error) => match error.downcast::<config::Report>() {
            Ok(report) => Err(WrongUsage(report.to_string()).into()),
            Err(error) => Err(error),
        },
    }
}

/// Reads the clauses of a policy for a command; a wrong one is wrong usage.
///
/// # Errors
/// Every problem of the file at once.
pub(crate) fn load_clauses(file: Option<&Path>) -> anyhow::Result<ClauseSet> {
    policy::load(file).map_err(as_usage)
}

/// A wrong file is wrong usage.
pub(crate) fn as_usage(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<config::Report>() {
        Ok(report) => WrongUsage(report.to_string()).into(),
        Err(error) => error,
    }
}

/// The format of that name, or detection for `auto`.
///
/// # Errors
/// When the format is not known.
pub(crate) fn format_choice(name: &str) -> anyhow::Result<FormatChoice> {
    Ok(FormatChoice::from_text(name).map_err(|wrong| WrongUsage(wrong.message))?)
}

/// Opens files, or standard input when there are none.
///
/// # Errors
/// When a file cannot be opened; all of them are named.
pub(crate) fn open(files: &[PathBuf]) -> anyhow::Result<Vec<LineReader>> {
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
