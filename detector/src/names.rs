//! Names under which clients come (API keys, consumers, sessions, certificates), and whether a name is one client's.
//!
//! An API key that is built into an app is used by everybody who uses the app: to block it because one of them attacks would
//! block all the others. So a name has to show first that it is one client's, by what the gateway accepted of it over a while,
//! from one or two places; until then, and whenever it is used from more, its requests count for the address that each came
//! from. A name that is forgotten begins anew, which errs on the same side.

use crate::limits::{NAME_MEMORY_MILLIS, NAMES_MAX};
use crate::window::Distinct;
use domain::Scope;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// Places are counted for half a day, as other names are: at noon and at midnight (UTC) the count begins anew.
const SPAN_MILLIS: i64 = 12 * 3_600_000;

/// Up to so many places in half a day are one client's: an IPv4 and an IPv6 address, or home and work. Half a place more, as
/// estimates are not whole.
const OWN_PLACES: f32 = 2.5;

/// From so many places in half a day on, a name is shared: four, less half a place.
const SHARED_PLACES: f32 = 3.5;

/// From so many programs (user agents, with their TLS fingerprint where it keeps still) on, a name is shared, wherever it
/// comes from: six, less half a one. One client's programs are few; an app's are as many as its versions and devices.
const SHARED_PROGRAMS: f32 = 5.5;

/// Places of one half day at which a name that was one client's for long looks stolen: four times what it ever had.
const LEAKED_PLACES: f32 = 7.5;

/// A name that was one client's for so long and then is many's was not built into an app from the beginning.
const LEAK_AFTER_MILLIS: i64 = 24 * 3_600_000;

/// Accepted requests that show whose a name is, and the time over which they have to come.
#[derive(Debug, Clone, Copy)]
struct Proof {
    accepted: u32,
    millis: i64,
}

impl Proof {
    /// An hour shows whether a key is built into an app that more than a few use. A session is one browser's by its making, and
    /// is over before the hour is.
    const fn of(scope: Scope) -> Self {
        match scope {
            Scope::Session => Self {
                accepted: 10,
                millis: 10 * 60_000,
            },
            _ => Self {
                accepted: 20,
                millis: 60 * 60_000,
            },
        }
    }
}

/// What is known of one name.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Name {
    /// Under which number its window, blocks and episodes are kept: the keyed hash of the name, or of the one that the same
    /// secret had under the earlier key.
    number: u64,
    first_millis: i64,
    last_millis: i64,
    /// Requests that the gateway accepted.
    accepted: u32,
    /// Number of the half day in which places are counted.
    span: i64,
    places: Distinct<1>,
    places_before: Distinct<1>,
    programs: Distinct<1>,
    standing: Standing,
}

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    /// Nobody knows yet.
    Unproven,
    /// One client's, since then.
    Own { since_millis: i64 },
    /// Many's, until it was not seen with many for long.
    Shared {
        until_millis: i64,
        /// Whether it was one client's for long before, and nobody was told yet.
        is_leak: bool,
    },
}

/// One request that came under a name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) scope: Scope,
    pub(crate) at_millis: i64,
    /// Hash of the address, 0 for none.
    pub(crate) place: u64,
    /// Hash of the user agent and of the fingerprint.
    pub(crate) program: u64,
    /// Whether the gateway accepted it, and its source may lead to a block: what counts for whose the name is.
    pub(crate) is_proof: bool,
    /// The keyed hash of the name that the same secret had under the earlier key.
    pub(crate) former: Option<u64>,
}

/// Whose a name is at one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Holder {
    /// Under which number its state is kept.
    pub(crate) number: u64,
    /// Whether it is one client's.
    pub(crate) is_own: bool,
    /// Whether it is many's.
    pub(crate) is_shared: bool,
    /// From how many places it came in half a day, when it was one client's for long and looks stolen now; said once.
    pub(crate) leaked_to: Option<f32>,
    /// Whether it is seen for the first time under this name, and had another under the earlier key.
    pub(crate) is_renamed: bool,
}

/// The names that are remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    by_owner: HashMap<u64, Name, FixedState>,
    /// How many of them are many's.
    shared: u64,
    /// Names forgotten because there were too many.
    pub(crate) forgotten: u64,
}

impl Names {
    /// Takes in a request under the name with that keyed hash, and says whose the name is.
    pub(crate) fn see(&mut self, owner: u64, sighting: Sighting) -> Holder {
        let is_new = !self.by_owner.contains_key(&owner);
        if is_new {
            self.make_room();
            let name = self.known_before(owner, sighting);
            self.shared += u64::from(name.is_shared());
            self.by_owner.insert(owner, name);
        }
        let name = self
            .by_owner
            .entry(owner)
            .or_insert_with(|| Name::new(owner, sighting));
        let was_shared = name.is_shared();
        let holder = Holder {
            is_renamed: is_new && sighting.former.is_some(),
            ..name.observe(sighting)
        };
        match (was_shared, holder.is_shared) {
            (false, true) => self.shared += 1,
            (true, false) => self.shared -= 1,
            _ => {}
        }
        holder
    }

    /// How many are remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.by_owner.len()
    }

    /// The number under which the state of a name, or of any other client, with that keyed hash is kept.
    pub(crate) fn number_of(&self, owner: u64) -> u64 {
        self.by_owner.get(&owner).map_or(owner, |name| name.number)
    }

    /// Names that are many's.
    pub(crate) fn shared(&self) -> u64 {
        self.shared
    }

    /// Every name, in the order of their hashes.
    pub(crate) fn sorted(&self) -> Vec<(u64, Name)> {
        let mut all: Vec<(u64, Name)> = self
            .by_owner
            .iter()
            .map(|(owner, name)| (*owner, *name))
            .collect();
        all.sort_unstable_by_key(|(owner, _)| *owner);
        all
    }

    /// Puts names back, as a checkpoint holds them.
    pub(crate) fn restore(all: Vec<(u64, Name)>, forgotten: u64) -> Self {
        let mut names = Self {
            by_owner: all.into_iter().take(NAMES_MAX).collect(),
            shared: 0,
            forgotten,
        };
        names.count();
        names
    }

    fn count(&mut self) {
        self.shared = self.by_owner.values().filter(|name| name.is_shared()).count() as u64;
    }

    /// What is known of a secret under its earlier name, or nothing.
    fn known_before(&self, owner: u64, sighting: Sighting) -> Name {
        let Some(former) = sighting.former else {
            return Name::new(owner, sighting);
        };
        // Whatever was decided under the earlier name stands under its number, also where the name itself is forgotten.
        let fresh = || Name::new(former, sighting);
        self.by_owner.get(&former).copied().unwrap_or_else(fresh)
    }

    /// Forgets half of all names when there are too many: those first that showed nothing yet, and of these the longest silent.
    fn make_room(&mut self) {
        if self.by_owner.len() < NAMES_MAX {
            return;
        }
        let mut all: Vec<(bool, i64, u64)> = self
            .by_owner
            .iter()
            .map(|(owner, name)| (name.standing != Standing::Unproven, name.last_millis, *owner))
            .collect();
        all.sort_unstable();
        all.truncate(NAMES_MAX / 2);
        self.forgotten += all.len() as u64;
        for (_, _, owner) in all {
            self.by_owner.remove(&owner);
        }
        self.count();
    }
}

impl Name {
    fn new(number: u64, sighting: Sighting) -> Self {
        Self {
            number,
            first_millis: sighting.at_millis,
            last_millis: sighting.at_millis,
            accepted: 0,
            span: sighting.at_millis.div_euclid(SPAN_MILLIS),
            places: Distinct::default(),
            places_before: Distinct::default(),
            programs: Distinct::default(),
            standing: Standing::Unproven,
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self.standing, Standing::Shared { .. })
    }

    fn observe(&mut self, sighting: Sighting) -> Holder {
        self.move_to(sighting.at_millis);
        if sighting.is_proof {
            self.accepted = self.accepted.saturating_add(1);
            if sighting.place != 0 {
                self.places.insert(sighting.place);
            }
            self.programs.insert(sighting.program);
            self.judge(sighting);
        }
        Holder {
            number: self.number,
            is_own: matches!(self.standing, Standing::Own { .. }) && self.places.estimate() < OWN_PLACES,
            is_shared: self.is_shared(),
            leaked_to: self.leak(),
            is_renamed: false,
        }
    }

    /// Moves the time on; it never goes back.
    fn move_to(&mut self, at_millis: i64) {
        self.last_millis = self.last_millis.max(at_millis);
        let span = self.last_millis.div_euclid(SPAN_MILLIS);
        if span > self.span {
            let is_next = span == self.span + 1;
            self.places_before = if is_next { self.places } else { Distinct::default() };
            self.places = Distinct::default();
            self.programs = Distinct::default();
            self.span = span;
        }
    }

    fn judge(&mut self, sighting: Sighting) {
        let now = self.last_millis;
        let is_many = self.places.estimate() >= SHARED_PLACES || self.programs.estimate() >= SHARED_PROGRAMS;
        let is_one = self.places.estimate().max(self.places_before.estimate()) < OWN_PLACES;
        let proof = Proof::of(sighting.scope);
        self.standing = match self.standing {
            Standing::Own { since_millis } if is_many => Standing::Shared {
                until_millis: now.saturating_add(NAME_MEMORY_MILLIS),
                is_leak: now.saturating_sub(since_millis) >= LEAK_AFTER_MILLIS,
            },
            Standing::Shared { is_leak, .. } if is_many => Standing::Shared {
                until_millis: now.saturating_add(NAME_MEMORY_MILLIS),
                is_leak,
            },
            Standing::Unproven if is_many => Standing::Shared {
                until_millis: now.saturating_add(NAME_MEMORY_MILLIS),
                is_leak: false,
            },
            Standing::Shared { until_millis, .. } if now >= until_millis => {
                (self.first_millis, self.accepted) = (now, 0);
                Standing::Unproven
            }
            Standing::Unproven
                if is_one
                    && self.accepted >= proof.accepted
                    && now.saturating_sub(self.first_millis) >= proof.millis =>
            {
                Standing::Own { since_millis: now }
            }
            other => other,
        };
    }

    /// From how many places it comes now, once, when it was one client's for long.
    fn leak(&mut self) -> Option<f32> {
        let Standing::Shared { is_leak, .. } = &mut self.standing else {
            return None;
        };
        let places = self.places.estimate();
        if !*is_leak || places < LEAKED_PLACES {
            return None;
        }
        *is_leak = false;
        Some(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::HashKey;

    const HOUR: i64 = 3_600_000;

    fn sighting(at_millis: i64, place: u32) -> Sighting {
        Sighting {
            scope: Scope::ApiKey,
            at_millis,
            place: HashKey::new([7; 16]).hash(&place),
            program: 1 << 40,
            is_proof: true,
            former: None,
        }
    }

    /// So many requests from one place, spread over `millis`.
    fn settle(names: &mut Names, owner: u64, from: i64, millis: i64) -> Holder {
        for step in 0..24 {
            names.see(owner, sighting(from + millis * step / 24, 1));
        }
        names.see(owner, sighting(from + millis, 1))
    }

    #[test]
    fn a_name_is_one_clients_once_it_was_accepted_for_an_hour_from_one_place() {
        let mut names = Names::default();
        assert!(!settle(&mut names, 1, 0, HOUR - 1000).is_own, "not yet");
        assert!(settle(&mut names, 2, 0, HOUR).is_own);
        let refused = Sighting {
            is_proof: false,
            ..sighting(0, 1)
        };
        for step in 0..100 {
            let holder = names.see(
                3,
                Sighting {
                    at_millis: step * HOUR / 10,
                    ..refused
                },
            );
            assert!(!holder.is_own, "nobody accepted it");
        }
    }

    #[test]
    fn a_name_from_many_places_or_of_many_programs_is_shared_for_a_month() {
        let mut names = Names::default();
        for place in 0..8 {
            names.see(1, sighting(place * 1000, place as u32));
        }
        let holder = settle(&mut names, 1, HOUR, HOUR);
        assert!(holder.is_shared && !holder.is_own && holder.leaked_to.is_none());
        assert!(settle(&mut names, 1, 20 * 24 * HOUR, 2 * HOUR).is_shared);
        settle(&mut names, 1, 40 * 24 * HOUR, HOUR);
        assert!(settle(&mut names, 1, 41 * 24 * HOUR, HOUR).is_own, "many no more");

        for program in 0..8u64 {
            names.see(
                2,
                Sighting {
                    program: HashKey::new([7; 16]).hash(&program),
                    ..sighting(0, 1)
                },
            );
        }
        assert!(names.see(2, sighting(1, 1)).is_shared);
    }

    #[test]
    fn a_name_that_was_one_clients_for_a_day_and_is_many_s_now_looks_stolen_once() {
        let mut names = Names::default();
        for day in 0..3 {
            settle(&mut names, 1, day * 24 * HOUR, 2 * HOUR);
        }
        let told: Vec<f32> = (0..20)
            .filter_map(|place| {
                names
                    .see(1, sighting(72 * HOUR + i64::from(place), place))
                    .leaked_to
            })
            .collect();
        assert!(told.len() == 1 && told[0] > 7.0, "{told:?}");
        // A young one is an app that begins to be used.
        settle(&mut names, 2, 0, 2 * HOUR);
        let told = (0..20).filter_map(|place| names.see(2, sighting(3 * HOUR, place)).leaked_to);
        assert_eq!(told.count(), 0);
    }

    #[test]
    fn a_secret_under_a_new_key_goes_on_as_what_it_was() {
        let mut names = Names::default();
        assert!(settle(&mut names, 1, 0, HOUR).is_own);
        let renamed = names.see(
            2,
            Sighting {
                former: Some(1),
                ..sighting(HOUR + 1, 1)
            },
        );
        assert!(renamed.is_own && renamed.number == 1);
        assert_eq!((names.number_of(2), names.number_of(3)), (1, 3));
    }

    #[test]
    fn a_flood_of_names_pushes_out_none_that_showed_whose_it_is() {
        let mut names = Names::default();
        assert!(settle(&mut names, 1, 0, HOUR).is_own);
        for owner in 2..3 * NAMES_MAX as u64 {
            names.see(owner, sighting(2 * HOUR, 9));
        }
        assert!(names.by_owner.len() <= NAMES_MAX && names.forgotten > 0);
        assert!(names.see(1, sighting(2 * HOUR, 1)).is_own);
    }
}
