//! How complete evidence is, in JSON.

use domain::Completeness;
use serde::Serialize;
use utoipa::ToSchema;

/// How complete the evidence is that something rests on.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct CompletenessView {
    /// The least that was done in the time looked back on: `scored_seldom` or `little_evidence`.
    effort: String,
    /// The share of that time in which everything was done.
    whole_share: f32,
}

impl CompletenessView {
    pub(crate) fn new(completeness: Completeness) -> Self {
        Self {
            effort: completeness.effort.to_string(),
            whole_share: f32::from(completeness.whole_permille) / 1000.0,
        }
    }
}
