//! Alarms in JSON.

use super::shown;
use serde::Serialize;
use storage::AlarmRecord;
use utoipa::ToSchema;

/// What a person has to look at because it makes Portcullis blind or late.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AlarmView {
    /// What it is about, as a name that stays the same.
    name: String,
    /// How bad it is: critical or warning.
    severity: String,
    /// The source.
    source: String,
    /// Since when.
    since: String,
    /// When it was over; null while it goes on.
    cleared_at: Option<String>,
    /// The likely cause, in a sentence.
    cause: String,
    /// The setting to look at, as its path in the configuration.
    setting: String,
    /// What to do next.
    next: String,
}

impl AlarmView {
    pub(crate) fn new(record: &AlarmRecord) -> Self {
        Self {
            name: shown(&record.name),
            severity: shown(&record.severity),
            source: shown(&record.source),
            since: record.since.to_string(),
            cleared_at: record.cleared_at.map(|at| at.to_string()),
            cause: shown(&record.cause),
            setting: shown(&record.setting),
            next: shown(&record.next),
        }
    }
}
