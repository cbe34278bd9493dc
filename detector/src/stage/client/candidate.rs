//! What the client stage hands on: a client that may have to be dealt with.

use crate::policy::RoleSet;
use crate::score::Score;
use crate::stage::kin::{Kin, KinNames};
use crate::threat::Claim;
use crate::window::Window;
use domain::{Action, Client, Evidence, Timestamp};
use std::net::IpAddr;

/// A client that may have to be dealt with, as it stood at one request.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The request's place in the order of arrival.
    pub seq: u64,
    /// Key of the client's window.
    pub key: u64,
    /// The client's keyed hash.
    pub owner: u64,
    /// Who.
    pub client: Client,
    /// Whose word it is: number of the present request's source.
    pub source: u32,
    /// The strongest action that the window may lead to.
    pub most: Action,
    /// Whether the present request's line could be read in more than one way.
    pub is_ambiguous: bool,
    /// When.
    pub at: Timestamp,
    /// The client's first request.
    pub first_seen: Timestamp,
    /// The client's requests, this one included.
    pub requests: u64,
    /// What the evidence names, surest first, with indices into the list of threats.
    pub claims: Vec<(usize, Claim)>,
    /// What was seen of each claim: the quantity and the sentence.
    pub sentences: Vec<(f32, String)>,
    /// What the model says.
    pub score: Score,
    /// What its score alone asks for; `None` for nothing.
    pub by_score: Option<ByScore>,
    /// The features, as the model saw them.
    pub row: Vec<f32>,
    /// What it did up to then, to say what less of it would have meant; `None` when the evidence names nothing.
    pub window: Option<Box<Window>>,
    /// Requests that show it.
    pub evidence: Vec<Evidence>,
    /// Whether the client had a successful history.
    pub is_established: bool,
    /// Successful requests over the longest horizon: what a wrong block would cost.
    pub successes: f32,
    /// The address of the present request: of an IPv6 client one of many.
    pub address: Option<IpAddr>,
    /// Hash of the present request's route.
    pub route: u64,
    /// Requests over the middle horizon: what a right block would save.
    pub load: f32,
    /// What the client of the present request shares with others.
    pub kin: Kin,
    /// The same as people read it; empty when the evidence names nothing.
    pub names: KinNames,
    /// Different user agents: how many people may be behind the address.
    pub agents: f32,
    /// Whether the address was only claimed by somebody untrusted.
    pub is_claimed: bool,
    /// Whether most of what speaks against it may be the doing of a page of somebody else's.
    pub may_be_planted: bool,
    /// What the routes are for on which the evidence lies; empty where no single request is any.
    pub roles: RoleSet,
    /// Whether its user agent says that it is a crawler.
    pub is_declared_crawler: bool,
    /// Whether it is a name that is many's: nothing is done about it, whatever it does.
    pub is_shared: bool,
    /// Whether another machine reported it; seen when it is decided about.
    pub is_reported: bool,
    /// Whether it is an address that used such a name.
    pub used_shared: bool,
}

/// What becomes of a block that a score alone asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByScore {
    /// It is within the budget.
    Block,
    /// It is within the budget and observed instead, by lot.
    HeldOut,
    /// It is observed: this site's client-days do not show the budget yet.
    Unproven {
        /// Client-days seen.
        seen: u64,
        /// Client-days that it takes.
        needed: u64,
    },
}

impl Candidate {
    /// Whether an act convicts by itself, whatever the model and the guard say.
    #[must_use]
    pub fn is_conclusive(&self) -> bool {
        self.claims.iter().any(|(_, claim)| claim.is_conclusive)
    }
}
