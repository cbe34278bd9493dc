//! Models, rejected lines and health in JSON.

use super::shown;
use crate::neutral::neutralise_json;
use crate::state::HealthPart;
use serde::Serialize;
use storage::{ModelRecord, RejectedSample};
use utoipa::ToSchema;

/// A model that was or is in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Its version name.
    version: String,
    /// When this installation first used it.
    created_at: String,
    /// When it began to score.
    activated_at: Option<String>,
    /// When another took over.
    retired_at: Option<String>,
    /// Its card.
    card: serde_json::Value,
}

impl ModelView {
    pub(crate) fn new(model: &ModelRecord) -> Self {
        Self {
            version: shown(&model.version),
            created_at: model.created_at.to_string(),
            activated_at: model.activated_at.map(|at| at.to_string()),
            retired_at: model.retired_at.map(|at| at.to_string()),
            card: neutralise_json(model.card.clone()),
        }
    }
}

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
