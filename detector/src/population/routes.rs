//! Which routes exist here: popularity counted in clients, never in requests.
//!
//! A path that one client asks for a thousand times stays unknown; a missing picture that every browser asks for
//! is ordinary. Each client votes once per route.

use crate::limits::ROUTES_MAX;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// From this many clients on a route is ordinary.
const ORDINARY_CLIENTS: u16 = 3;

/// From this many successful clients on a path cannot be a probe, and is not searched for payloads.
const KNOWN_CLIENTS: u16 = 8;

/// How a route stands among clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteStanding {
    /// Clients that used it with success.
    pub successes: u16,
    /// Otherwise unsuspicious clients that missed on it.
    pub misses: u16,
}

impl RouteStanding {
    /// Whether hardly any client uses it.
    #[must_use]
    pub fn is_novel(self) -> bool {
        self.successes.saturating_add(self.misses) < ORDINARY_CLIENTS
    }

    /// Whether it certainly exists here.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.successes >= KNOWN_CLIENTS
    }
}

/// One client's word on a route that it used for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    /// Hash of the route's template.
    pub template: u64,
    /// Whether the request succeeded.
    pub is_success: bool,
}

/// Popularity of routes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "RoutesForm", into = "RoutesForm")]
pub struct Routes {
    standings: HashMap<u64, RouteStanding, FixedState>,
    /// Routes forgotten because the table was full.
    pub forgotten: u64,
}

/// Routes as a checkpoint holds them: sorted, so that equal tables are equal bytes.
#[derive(Clone, Serialize, Deserialize)]
struct RoutesForm {
    standings: Vec<(u64, RouteStanding)>,
    forgotten: u64,
}

impl From<RoutesForm> for Routes {
    fn from(form: RoutesForm) -> Self {
        Self {
            standings: form.standings.into_iter().collect(),
            forgotten: form.forgotten,
        }
    }
}

impl From<Routes> for RoutesForm {
    fn from(routes: Routes) -> Self {
        let mut standings: Vec<(u64, RouteStanding)> = routes.standings.into_iter().collect();
        standings.sort_unstable_by_key(|(template, _)| *template);
        Self {
            standings,
            forgotten: routes.forgotten,
        }
    }
}

impl Routes {
    /// How a route stands.
    #[must_use]
    pub fn standing(&self, template: u64) -> RouteStanding {
        self.standings.get(&template).copied().unwrap_or_default()
    }

    /// Number of routes remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.standings.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.standings.is_empty()
    }

    /// Counts votes.
    pub fn count(&mut self, votes: &[Vote]) {
        for vote in votes {
            let standing = self.standings.entry(vote.template).or_default();
            let count = if vote.is_success {
                &mut standing.successes
            } else {
                &mut standing.misses
            };
            *count = count.saturating_add(1);
        }
        if self.standings.len() > ROUTES_MAX {
            self.forget_half();
        }
    }

    /// Forgets the least used half. Ties fall by hash, which is keyed: nobody chooses who stays.
    fn forget_half(&mut self) {
        let mut ranked: Vec<(u32, u64)> = self
            .standings
            .iter()
            .map(|(template, standing)| {
                (
                    u32::from(standing.successes) * 2 + u32::from(standing.misses),
                    *template,
                )
            })
            .collect();
        ranked.sort_unstable();
        let surplus = ranked.len() - ROUTES_MAX / 2;
        for (_, template) in &ranked[..surplus] {
            self.standings.remove(template);
        }
        self.forgotten += surplus as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_ordinary_from_three_clients_on() {
        let mut routes = Routes::default();
        let vote = Vote {
            template: 7,
            is_success: false,
        };
        routes.count(&[vote, vote]);
        assert!(routes.standing(7).is_novel());
        routes.count(&[Vote {
            template: 7,
            is_success: true,
        }]);
        assert!(!routes.standing(7).is_novel() && !routes.standing(7).is_known());
    }

    #[test]
    fn a_flood_of_routes_pushes_out_the_unused_and_keeps_the_used() {
        let mut routes = Routes::default();
        let used = Vote {
            template: u64::MAX,
            is_success: true,
        };
        routes.count(&[used; 20]);
        let flood: Vec<Vote> = (0..ROUTES_MAX as u64 + 10)
            .map(|template| Vote {
                template,
                is_success: false,
            })
            .collect();
        routes.count(&flood);
        assert!(routes.len() <= ROUTES_MAX && routes.standing(u64::MAX).is_known());
        assert!(routes.forgotten > 0);
    }
}
