//! By which names a site is called, learned from the pages that its established clients come from: a log in NGINX's own format does not
//! say which host was asked, and without it nobody could tell a page of the site from one of somebody else's.

use serde::{Deserialize, Serialize};

/// Names that are counted at the same time. More is a site of many names; a new one then takes from all (Misra and Gries, "Finding repeated
/// elements", 1982), so that none with more than a seventeenth of the votes is lost.
const NAMES_MAX: usize = 16;

/// So many votes have to be known before another name is said to be another's.
const VOTES_MIN: u32 = 5;

/// A name is the site's with at least this share of the votes. A search engine, from which many come, may be taken for one: then what
/// comes from there counts as everybody's.
const SHARE_MIN: f64 = 0.1;

/// Votes are halved at so many: names change.
const VOTES_MAX: u32 = 4096;

/// Votes for names, by their keyed hashes: one of each client when it becomes established. Whoever would poison it has to bring histories, and
/// would only have those who come from the site's own pages slowed down where they would be blocked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SiteNames {
    votes: Vec<(u64, u32)>,
    all: u32,
}

impl SiteNames {
    /// A client became established that came from a page of that name.
    pub fn vote(&mut self, name: u64) {
        if self.all >= VOTES_MAX {
            self.votes.iter_mut().for_each(|(_, votes)| *votes /= 2);
            self.votes.retain(|(_, votes)| *votes > 0);
            self.all /= 2;
        }
        self.all += 1;
        match self.votes.iter().position(|(known, _)| *known == name) {
            Some(place) => self.votes[place].1 += 1,
            None if self.votes.len() < NAMES_MAX => self.votes.push((name, 1)),
            None => self.votes.iter_mut().for_each(|(_, votes)| *votes -= 1),
        }
        self.votes.retain(|(_, votes)| *votes > 0);
    }

    /// Whether there are no more names and votes than there can be: a damaged checkpoint may say anything.
    pub(crate) fn is_whole(&self) -> bool {
        let named: u64 = self.votes.iter().map(|(_, votes)| u64::from(*votes)).sum();
        self.votes.len() <= NAMES_MAX && self.all <= VOTES_MAX && named <= u64::from(self.all)
    }

    /// Whether a name is somebody else's; false while too little is known.
    #[must_use]
    pub fn is_another(&self, name: u64) -> bool {
        let own = |votes: u32| f64::from(votes) >= SHARE_MIN * f64::from(self.all);
        self.all >= VOTES_MIN
            && !self
                .votes
                .iter()
                .any(|(known, votes)| *known == name && own(*votes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_once_a_few_came_from_its_pages_and_others_are_not() {
        let mut names = SiteNames::default();
        assert!(!names.is_another(9));
        (0..4).for_each(|_| names.vote(1));
        assert!(!names.is_another(9), "too few to tell");
        names.vote(1);
        assert!(names.is_another(9) && !names.is_another(1));
        // From a search engine came some, and from somewhere one.
        names.vote(2);
        (0..20).for_each(|_| names.vote(1));
        (0..8).for_each(|_| names.vote(2));
        names.vote(3);
        assert!(!names.is_another(2) && names.is_another(3));
    }

    #[test]
    fn many_names_make_room_and_the_frequent_one_stays() {
        let mut names = SiteNames::default();
        for number in 0..100_000 {
            names.vote(if number % 3 == 0 { 1 } else { 1000 + number });
        }
        assert!(names.votes.len() <= NAMES_MAX && names.all <= VOTES_MAX);
        assert!(!names.is_another(1) && names.is_another(1000));
    }
}
