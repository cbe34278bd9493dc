//! Remembers what the paths asked for most were found to be: taking a path apart is an eighth of reading a line, and most
//! requests are for a few paths.

use super::documents::Held;
use super::{DocumentedRoutes, RouteUse, digest_documented, digest_hashed, of_digest};
use domain::{Documented, HashKey, Route};

/// Paths remembered: their routes fit the second-level cache beside everything else. Each has one place, by its keyed hash; a new
/// path takes the place of the one before it, so that whoever invents paths makes the others slower by an eighth at most.
const PLACES: usize = 2048;

/// Routes of the latest paths, for one hash key.
#[derive(Debug, Clone, Default)]
pub(crate) struct RouteMemo {
    /// Empty until the first path: many parsers never see one.
    routes: Vec<Route>,
    /// What documents name, where there are some.
    held: Option<Held>,
}

impl RouteMemo {
    /// A memo that goes by documents first.
    pub(crate) fn new(documents: Option<DocumentedRoutes>) -> Self {
        Self {
            routes: Vec::new(),
            held: documents.map(Held::new),
        }
    }

    /// How often each documented route was asked for; `None` without documents.
    pub(crate) fn route_use(&self) -> Option<&RouteUse> {
        self.held.as_ref().map(|held| &held.tally)
    }

    /// As [`super::of`], always with the same key, and by what documents name where there are some.
    pub(crate) fn of(&mut self, path: &str, query: Option<&str>, key: &HashKey) -> Route {
        if let Some(held) = &mut self.held
            && held.renew(key)
        {
            self.routes.clear();
        }
        if self.routes.is_empty() {
            self.routes.resize(PLACES, Route::default());
        }
        let hash = key.hash(path.as_bytes());
        let place = &mut self.routes[hash as usize % PLACES];
        // An empty place has the hash 0: whatever path has it too is taken apart each time.
        if place.path != hash || hash == 0 {
            *place = match &self.held {
                Some(held) => digest_documented(path, hash, key, (&held.tally.catalogue, &held.templates)),
                None => digest_hashed(path, hash, key),
            };
        }
        if let Some(held) = &mut self.held {
            match place.documented {
                Documented::As(number) => held.tally.requests[usize::from(number)] += 1,
                _ => held.tally.undocumented += 1,
            }
        }
        of_digest(*place, query, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use proptest::prelude::*;

    const KEY: HashKey = HashKey::new([7; 16]);

    #[test]
    fn what_is_remembered_is_what_is_found_anew() {
        let mut memo = RouteMemo::default();
        // More paths than places, each asked for again at once and after all the others.
        let paths: Vec<String> = (0..3 * PLACES)
            .map(|at| format!("/items/{at}/{:x}", at * 31))
            .collect();
        for _ in 0..2 {
            for path in &paths {
                for query in [None, Some("id=7"), None] {
                    assert_eq!(memo.of(path, query, &KEY), route::of(path, query, &KEY), "{path}");
                }
            }
        }
        assert_eq!(memo.routes.len(), PLACES);
    }

    proptest! {
        #[test]
        fn any_path_twice_is_one_route(path in "\\PC{0,60}", query in "\\PC{0,20}") {
            let mut memo = RouteMemo::default();
            for query in [None, Some(&*query)] {
                prop_assert_eq!(memo.of(&path, query, &KEY), route::of(&path, query, &KEY));
            }
        }
    }
}
