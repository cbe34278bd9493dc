//! What all clients together show: which routes exist here and what they are for, who is established, how scores are spread.
//!
//! During a tick it is read only; at its end the shards' changes are merged in shard order, so that the number of
//! threads changes nothing.

mod baseline;
mod established;
mod in_order;
mod roles;
mod routes;
mod scores;
mod site_names;

pub use baseline::{
    Baselines, Counts, Expected, HourView, Passed, QUANTITIES, Quantity, Running, Sample, Series, Surge,
    Traffic, UsualView,
};
pub(crate) use established::has_history;
pub use established::{Established, EstablishedAt, EstablishedChange, EstablishedChanges};
pub use roles::{Answer, Deed, LearnedRole, LearnedRoles};
pub use routes::{RouteStanding, Routes, Vote};
pub use scores::{ScoreOnly, ScoreSpread, Standing as ScoreStanding, day_of};
pub use site_names::SiteNames;

use crate::policy::WarmUp;
use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What all clients together show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Population {
    /// Which routes exist here, by how many clients use them.
    pub routes: Routes,
    /// What they are for, where no word tells it.
    pub roles: LearnedRoles,
    /// Established clients and their successful requests: what a wrong block would cost.
    pub established: EstablishedAt,
    /// How long the site was seen, and how many came.
    pub seen: Seen,
    /// How the highest daily scores of unsuspicious clients are spread here.
    pub scores: ScoreSpread,
    /// What is usual here at this hour of the week.
    pub baselines: Baselines,
    /// By which names the site is called, where its logs do not say.
    pub names: SiteNames,
}

/// How much of a site was seen. Whoever is trusted less than a block shows nothing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When its first client came.
    since_millis: Option<i64>,
    /// Its clients.
    clients: u64,
}

impl Seen {
    /// Takes in that so many clients came first in the tick that ends at `now`.
    pub fn welcome(&mut self, newcomers: u32, now: Timestamp) {
        if newcomers > 0 {
            // A clock that was ahead and is put right must not make a site wait until then.
            let millis = now.as_millis();
            self.since_millis = Some(self.since_millis.map_or(millis, |since| since.min(millis)));
            self.clients = self.clients.saturating_add(u64::from(newcomers));
        }
    }

    /// What is missing of a warm-up of that length; `None` when it is over.
    #[must_use]
    pub fn warm_up(&self, secs: u32, now: Timestamp) -> Option<WarmUp> {
        let millis = self
            .since_millis
            .map_or(0, |since| now.as_millis().saturating_sub(since));
        WarmUp::of(millis / 1000, self.clients, secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_ahead_at_first_delays_no_warm_up() {
        let mut seen = Seen::default();
        let is_over = |seen: &Seen, secs| seen.warm_up(3600, Timestamp::from_secs(secs)).is_none();
        seen.welcome(1, Timestamp::from_secs(4_000_000_000));
        seen.welcome(200, Timestamp::from_secs(1_700_000_000));
        assert!(!is_over(&seen, 1_700_003_599));
        assert!(is_over(&seen, 1_700_003_600));
    }
}
