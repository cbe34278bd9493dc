//! What routes are for, where people say so.

use super::Glob;
use crate::limits::ROLE_OVERRIDES_MAX;
use crate::signal::RouteRole;
use std::sync::Arc;

/// What routes are for, by patterns of paths. It goes before what the words of a path tell.
#[derive(Debug, Clone, Default)]
pub struct Roles(Arc<[(Glob, RouteRole)]>);

impl Roles {
    /// Takes the patterns in that order: the first that fits decides. Those past the limit are left out; whoever
    /// reads a configuration refuses them before.
    #[must_use]
    pub fn new(mut patterns: Vec<(Glob, RouteRole)>) -> Self {
        patterns.truncate(ROLE_OVERRIDES_MAX);
        Self(patterns.into())
    }

    /// What a path is for, when somebody said so.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<RouteRole> {
        let fits = |(glob, _): &&(Glob, RouteRole)| glob.matches(path.as_bytes());
        self.0.iter().find(fits).map(|(_, role)| *role)
    }
}
