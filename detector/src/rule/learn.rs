//! What routes look like by what happens on them: proposals for a person, from a finished log.
//!
//! Where clients fail and then succeed, once or twice each, somebody signs in. It is a proposal and no more: an expired
//! token looks much the same, and who decides what a failure means decides who is blocked.

use crate::limits::{ROLE_PAIRS_MAX, ROLE_PATH_BYTES_MAX};
use crate::signal::{MethodClass, RouteRole};
use domain::{HashKey, RequestRecord};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Fewest clients that must have failed and then succeeded: one person's bad day is no login page.
const TURNED_MIN: usize = 5;
/// And the least share of all clients that write there.
const TURNED_SHARE_MIN: f64 = 0.02;
/// Most successes of a client, on average: people sign in once, and use what they signed in for often.
const SUCCESSES_MAX: f64 = 3.0;

/// Looks at what happens on routes whose words tell nothing.
#[derive(Debug, Clone)]
pub struct RoleLearner {
    hash_key: HashKey,
    /// What each client did on each route.
    pairs: HashMap<(u64, u64), Pair, FixedState>,
    /// A path of each route.
    paths: HashMap<u64, Box<str>, FixedState>,
    /// Requests that were not looked at, because there were too many clients and routes.
    pub passed_over: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    has_failed: bool,
    has_turned: bool,
    successes: u32,
}

/// A route that looks like a role.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleProposal {
    /// A path of it.
    pub path: String,
    /// The role.
    pub role: RouteRole,
    /// Clients that wrote there.
    pub clients: usize,
    /// Those of them that failed and then succeeded.
    pub turned: usize,
    /// Successes of those that had any, on average.
    pub successes: f64,
}

impl RoleLearner {
    /// Begins with nothing.
    #[must_use]
    pub fn new(hash_key: HashKey) -> Self {
        Self {
            hash_key,
            pairs: HashMap::default(),
            paths: HashMap::default(),
            passed_over: 0,
        }
    }

    /// Takes in one request.
    pub fn observe(&mut self, record: &RequestRecord<'_>) {
        let is_write = MethodClass::of(&record.method) == MethodClass::Write;
        if !is_write || record.is_stopped || RouteRole::of(&record.path) != RouteRole::Plain {
            return;
        }
        let key = (record.route.template, self.hash_key.hash(&record.client));
        if self.pairs.len() >= ROLE_PAIRS_MAX && !self.pairs.contains_key(&key) {
            self.passed_over += 1;
            return;
        }
        let path = || record.path.chars().take(ROLE_PATH_BYTES_MAX).collect();
        self.paths.entry(record.route.template).or_insert_with(path);
        let pair = self.pairs.entry(key).or_default();
        match record.status {
            400 | 401 | 403 | 422 => pair.has_failed = true,
            200..=399 => {
                pair.successes += 1;
                pair.has_turned |= pair.has_failed;
            }
            _ => {}
        }
    }

    /// The routes that look like a login, those with the most clients first.
    #[must_use]
    pub fn proposals(&self) -> Vec<RoleProposal> {
        let mut routes: HashMap<u64, Vec<Pair>, FixedState> = HashMap::default();
        for ((template, _), pair) in &self.pairs {
            routes.entry(*template).or_default().push(*pair);
        }
        let mut proposals: Vec<RoleProposal> = routes
            .iter()
            .filter_map(|(template, pairs)| propose(self.paths.get(template)?, pairs))
            .collect();
        proposals.sort_by(|left, right| right.turned.cmp(&left.turned).then(left.path.cmp(&right.path)));
        proposals
    }
}

fn propose(path: &str, pairs: &[Pair]) -> Option<RoleProposal> {
    let turned = pairs.iter().filter(|pair| pair.has_turned).count();
    let successful = pairs.iter().filter(|pair| pair.successes > 0).count();
    let all: u64 = pairs.iter().map(|pair| u64::from(pair.successes)).sum();
    let successes = all as f64 / successful.max(1) as f64;
    let is_login = turned >= TURNED_MIN
        && turned as f64 >= TURNED_SHARE_MIN * pairs.len() as f64
        && successes <= SUCCESSES_MAX;
    is_login.then(|| RoleProposal {
        path: path.to_owned(),
        role: RouteRole::Login,
        clients: pairs.len(),
        turned,
        successes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{KEY, Line};

    fn proposals(visits: &[(&str, &[u16])], clients: u32) -> Vec<RoleProposal> {
        let mut learner = RoleLearner::new(KEY);
        for number in 0..clients {
            for (path, statuses) in visits {
                for status in *statuses {
                    let line = Line {
                        method: "POST",
                        ..Line::new(0, number, path, *status)
                    };
                    learner.observe(&line.record(1));
                }
            }
        }
        learner.proposals()
    }

    #[test]
    fn where_clients_fail_and_then_succeed_once_somebody_signs_in() {
        let found = proposals(&[("/konto/anmelden", &[401, 302]), ("/comments", &[201])], 6);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].turned), ("/konto/anmelden", 6));
    }

    #[test]
    fn an_expired_token_one_bad_day_and_a_known_word_propose_nothing() {
        assert!(proposals(&[("/api/orders", &[401, 201, 201, 201, 201])], 50).is_empty());
        assert!(proposals(&[("/konto/anmelden", &[401, 401, 302])], 4).is_empty());
        assert!(proposals(&[("/login", &[401, 302])], 50).is_empty());
        assert!(proposals(&[("/konto/anmelden", &[302, 401])], 50).is_empty());
    }
}
