//! Rejected lines and health in JSON.

use super::shown;
use crate::state::HealthPart;
use serde::Serialize;
use storage::RejectedSample;
use utoipa::ToSchema;

/// A line that could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedView {
    /// When it was seen.
    at: String,
    /// Name of the source.
    source: String,
    /// Line or offset.
    line: u64,
    /// Why it was rejected.
    reason: String,
    /// Its beginning, masked.
    sample: String,
}

impl RejectedView {
    pub(crate) fn new(rejected: &RejectedSample) -> Self {
        Self {
            at: rejected.at.to_string(),
            source: shown(&rejected.source),
            line: rejected.line,
            reason: shown(&rejected.reason),
            sample: shown(&rejected.sample),
        }
    }
}

/// One part of the process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthPartView {
    /// Its name.
    pub(crate) name: String,
    /// Whether it works.
    pub(crate) is_ok: bool,
    /// What is wrong, or figures.
    pub(crate) detail: String,
}

impl HealthPartView {
    pub(crate) fn new(part: &HealthPart) -> Self {
        Self {
            name: part.name.to_owned(),
            is_ok: part.is_ok,
            detail: shown(&part.detail),
        }
    }
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthView {
    /// `ok`, `degraded` (answers, but something is wrong) or `failing`.
    pub(crate) status: String,
    /// Its version.
    pub(crate) version: String,
    /// Its parts.
    pub(crate) parts: Vec<HealthPartView>,
}
