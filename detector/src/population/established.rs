//! Established clients: those with a successful history. What a wrong block would cost is counted in them.

use crate::policy::{Stake, Stakes};
use crate::window::Window;
use crate::window::decay::{Factors, HABIT};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Successful requests that make a history.
const SUCCESSES_MIN: f32 = 10.0;
/// Age that makes a history: ten minutes.
const AGE_MIN_MILLIS: i64 = 10 * 60 * 1000;
/// Share of requests that must have succeeded.
const SUCCESS_SHARE_MIN: f32 = 0.5;

/// Who does so little but sign in has no history: wrong passwords are answered 200 on many a site.
const SIGN_INS_MAX: f32 = 0.3;

/// A stronger claim than this when a client would become established keeps it out: its history would be its attack.
const CLAIM_MAX: f32 = 0.75;

/// How many established clients there are, and what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Established {
    /// Clients.
    pub clients: u64,
    /// Their successful requests over the longest horizon, decayed to `at_millis`.
    pub successes: f64,
    /// When that was.
    pub at_millis: i64,
}

/// The established clients, in all and by the gateway at which each became one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EstablishedAt {
    /// In all.
    pub all: Established,
    /// By gateway: no more than there are sources.
    by_gateway: BTreeMap<u16, Established>,
}

impl EstablishedAt {
    /// Decays their requests to `now`.
    pub fn move_to(&mut self, now: Timestamp) {
        self.all.move_to(now);
        self.by_gateway.values_mut().for_each(|some| some.move_to(now));
    }

    /// Takes in what one shard changed.
    pub fn change_by(&mut self, changes: &EstablishedChanges) {
        for (gateway, change) in &changes.0 {
            self.all.change_by(*change);
            let some = self.by_gateway.entry(*gateway).or_insert(Established {
                at_millis: self.all.at_millis,
                ..Established::default()
            });
            some.change_by(*change);
        }
    }

    /// What a wrong block could hit.
    #[must_use]
    pub fn stakes(&self) -> Stakes {
        let stakes = self.by_gateway.iter();
        Stakes {
            all: self.all.stake(),
            by_gateway: stakes.map(|(gateway, some)| (*gateway, some.stake())).collect(),
        }
    }
}

/// What one tick changed in one shard, by gateway: as many as its records came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EstablishedChanges(pub Vec<(u16, EstablishedChange)>);

impl EstablishedChanges {
    /// The change at a gateway.
    pub fn at(&mut self, gateway: u16) -> &mut EstablishedChange {
        let place = self.0.iter().position(|(known, _)| *known == gateway);
        let place = place.unwrap_or_else(|| {
            self.0.push((gateway, EstablishedChange::default()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }
}

/// What one tick changed in one shard, at one gateway.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EstablishedChange {
    /// Clients that became established, less those that no longer are.
    pub clients: i64,
    /// Successful requests of theirs: what they made, what newcomers bring, less what those take who leave.
    pub successes: f64,
}

impl Established {
    /// Whether a client has a successful history that is older than the moment at which it first stood out.
    ///
    /// `was` says whether it had one before, `claim_max` is the surest claim against it. Clients first seen inside an
    /// attack count neither way: whoever sends a thousand of them cannot trip the guard.
    #[must_use]
    pub fn is_established(window: &Window, was: bool, claim_max: f32) -> bool {
        window.age_millis() >= AGE_MIN_MILLIS
            && window.habit.successes >= SUCCESSES_MIN
            && window.share(window.habit.successes) >= SUCCESS_SHARE_MIN
            && (was || may_become(window, claim_max))
    }

    /// Decays the requests to `now`.
    pub fn move_to(&mut self, now: Timestamp) {
        let millis = now.as_millis();
        self.successes *= f64::from(Factors::after(millis.saturating_sub(self.at_millis)).0[HABIT]);
        self.at_millis = self.at_millis.max(millis);
    }

    /// Takes in what one shard changed.
    pub fn change_by(&mut self, change: EstablishedChange) {
        self.clients = self.clients.saturating_add_signed(change.clients);
        self.successes = (self.successes + change.successes).max(0.0);
    }

    /// What a wrong block could hit.
    #[must_use]
    pub fn stake(&self) -> Stake {
        Stake {
            clients: self.clients,
            successes: self.successes,
        }
    }
}

/// Whether so many successes among so many requests over that time are a successful history.
pub(crate) fn has_history(age_millis: i64, successes: f32, requests: f32) -> bool {
    age_millis >= AGE_MIN_MILLIS && successes >= SUCCESSES_MIN && successes >= SUCCESS_SHARE_MIN * requests
}

/// Whether what a client did so far is a history, and not an attack that is on its way.
fn may_become(window: &Window, claim_max: f32) -> bool {
    claim_max <= CLAIM_MAX && window.share(window.habit.logins) < SIGN_INS_MAX
}

impl EstablishedChange {
    /// A client became established, or is no longer, at `at`.
    pub fn turn(&mut self, window: &Window, is_established: bool, at: Timestamp) {
        let pause_millis = at.as_millis().saturating_sub(window.last_millis);
        let successes = f64::from(window.habit.successes * Factors::after(pause_millis).0[HABIT]);
        if is_established {
            self.clients += 1;
            self.successes += successes;
        } else {
            self.clients -= 1;
            self.successes -= successes;
        }
    }
}
