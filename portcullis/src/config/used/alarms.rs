//! `[alarms]`: who is told what needs a person.

use super::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// `[alarms]`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarms {
    /// Names of alarms that are not wanted.
    pub(crate) off: Vec<String>,
    /// How long a minute of the judge is, in seconds.
    pub(crate) minute_secs: u32,
    /// Addresses that are told.
    pub(crate) webhooks: Vec<Webhook>,
    /// Programs that are told.
    pub(crate) commands: Vec<AlarmCommand>,
}

/// One `[[alarms.webhooks]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// The address; may hold a secret.
    pub(crate) url: Secret,
    /// What the header says.
    pub(crate) secret: Option<Secret>,
    /// The header.
    pub(crate) header: String,
    /// The authorities that sign its certificate; `None` for those that browsers know.
    pub(crate) ca: Option<PathBuf>,
    /// How long an answer is waited for.
    pub(crate) timeout_secs: u32,
}

/// One `[[alarms.commands]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmCommand {
    /// Its path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// How long it may run.
    pub(crate) timeout_secs: u32,
}
