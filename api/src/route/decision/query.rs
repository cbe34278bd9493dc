//! Which decisions are wanted, as a query says it.

use crate::problem::Problem;
use crate::route::input::{action, read, threat};
use crate::wire::parse_client;
use domain::{Mode, Origin};
use serde::Deserialize;
use storage::{DecisionFilter, StateFilter};
use utoipa::IntoParams;

/// Which decisions are wanted. Every parameter narrows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionQuery {
    /// `active`, `expired` or `revoked`.
    state: Option<String>,
    /// What kind of thing the value names; goes with `value`.
    scope: Option<String>,
    /// Whom it names; goes with `scope`.
    value: Option<String>,
    /// `observe`, `challenge`, `throttle` or `block`.
    action: Option<String>,
    /// `model`, `rule`, `policy`, `operator` or `import`.
    origin: Option<String>,
    /// `enforced`, `shadow` or `replayed`.
    mode: Option<String>,
    /// Against which threat.
    threat: Option<String>,
    /// Most items, 1 to 1000; 50 when absent. A download has all.
    pub(crate) limit: Option<u32>,
    /// `next` of the slice before.
    pub(crate) cursor: Option<String>,
    /// Of a download: `csv` (the default) or `jsonl`.
    pub(crate) format: Option<String>,
}

impl DecisionQuery {
    pub(crate) fn filter(&self) -> Result<DecisionFilter, Problem> {
        let scope = self.scope.as_deref().filter(|scope| !scope.is_empty());
        let client = match (scope, self.value.as_deref().filter(|value| !value.is_empty())) {
            (None, None) => None,
            (Some(scope), Some(value)) => {
                Some(parse_client(scope, value).map_err(|why| Problem::bad_request(&why))?)
            }
            _ => return Err(Problem::bad_request("scope and value go together")),
        };
        Ok(DecisionFilter {
            state: read(self.state.as_deref(), state)?,
            client,
            action: read(self.action.as_deref(), action)?,
            origin: read(self.origin.as_deref(), |name| {
                Origin::from_name(name).ok_or_else(|| format!("unknown origin {name:?}"))
            })?,
            mode: read(self.mode.as_deref(), |name| {
                Mode::from_name(name).ok_or_else(|| format!("unknown mode {name:?}"))
            })?,
            threat: read(self.threat.as_deref(), threat)?,
            ..DecisionFilter::default()
        })
    }
}

fn state(name: &str) -> Result<StateFilter, String> {
    match name {
        "active" => Ok(StateFilter::Active),
        "expired" => Ok(StateFilter::Expired),
        "revoked" => Ok(StateFilter::Revoked),
        other => Err(format!("unknown state {other:?}")),
    }
}
