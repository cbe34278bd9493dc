//! For whom a clause holds.

use super::charge::{Charge, RoleSet};
use super::hours::Hours;
use crate::rule::FeatureTest;
use domain::{Client, Origin, Scope, ThreatKind};

/// What must be true of a client. What is empty, 0 or `None` is not asked; of a list one entry must fit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// What its acts name most surely.
    pub threats: Vec<ThreatKind>,
    /// Least confidence, strengthened by the score.
    pub confidence_min: f32,
    /// Least confidence by evidence alone.
    pub evidence_min: f32,
    /// Least number of requests.
    pub requests_min: u32,
    /// Least number of earlier offences that are remembered.
    pub offences_min: u32,
    /// Some of the evidence lies on a route for one of these.
    pub roles: RoleSet,
    /// All of the evidence lies on routes for these.
    pub only_roles: RoleSet,
    /// What kind of client it is.
    pub scopes: Vec<Scope>,
    /// Who it is: itself, or a range around it.
    pub clients: Vec<Client>,
    /// Who found it.
    pub origins: Vec<Origin>,
    /// Whether an act convicts by itself.
    pub is_conclusive: Option<bool>,
    /// Whether it has a successful history.
    pub is_established: Option<bool>,
    /// Whether its user agent says that it is a crawler.
    pub is_declared_crawler: Option<bool>,
    /// Whether many people seem to be behind its address.
    pub is_crowd: Option<bool>,
    /// When: hours of the week.
    pub hours: Hours,
    /// What must hold of its features: all of these.
    pub features: Vec<FeatureTest>,
}

impl When {
    /// Whether it is true of a client.
    #[must_use]
    pub fn holds(&self, charge: &Charge<'_>) -> bool {
        let is = |wanted: Option<bool>, found: bool| wanted.is_none_or(|wanted| wanted == found);
        fits(&self.threats, |threat| *threat == charge.threat)
            && charge.confidence >= self.confidence_min
            && charge.evidence >= self.evidence_min
            && charge.requests >= u64::from(self.requests_min)
            && charge.offences >= self.offences_min
            && (self.roles.is_empty() || charge.roles.overlaps(self.roles))
            && (self.only_roles.is_empty() || charge.roles.is_within(self.only_roles))
            && fits(&self.scopes, |scope| *scope == charge.client.scope())
            && fits(&self.clients, |named| covers(named, charge.client))
            && fits(&self.origins, |origin| *origin == charge.origin)
            && is(self.is_conclusive, charge.is_conclusive)
            && is(self.is_established, charge.is_established)
            && is(self.is_declared_crawler, charge.is_declared_crawler)
            && is(self.is_crowd, charge.is_crowd)
            && self.hours.hold(charge.at)
            && self
                .features
                .iter()
                .all(|test| (charge.feature)(test.feature).is_some_and(|value| test.holds_for(value)))
    }
}

fn fits<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

/// Whether a client is the one that is named, or lies in the range that is.
fn covers(named: &Client, client: &Client) -> bool {
    match (named.range(), client.range()) {
        (Some(around), Some(range)) => around.contains(&range),
        _ => named == client,
    }
}
