//! Rules that people write: which requests count, by what, how many are too many, and what is done then.
//!
//! A rule is a value given to the detector. Shards say which requests count; the end of the tick counts them in the
//! order of their arrival, so that a rule may count over clients and is still the same with any number of threads.

mod condition;
mod count;
mod glob;
mod hit;
mod learn;
mod role;
#[cfg(test)]
mod tests;

pub use condition::{Comparison, Condition, Facts, FeatureTest};
pub(crate) use count::{Counts, Fired, Meter};
pub use glob::Glob;
pub use hit::Hit;
pub(crate) use hit::{Seen, catch};
pub use learn::{RoleLearner, RoleProposal};
pub use role::Roles;

use crate::limits::{
    RULE_ALTERNATIVES_MAX, RULE_COUNT_MAX, RULE_DISTINCT_MAX, RULE_NAME_BYTES_MAX, RULE_SECS_MAX, RULES_MAX,
};
use domain::{Action, Scope, ThreatKind};
use foldhash::fast::FixedState;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, by which alerts name it.
    pub name: String,
    /// What it is for, for a person.
    pub description: String,
    /// The threat it claims.
    pub threat: ThreatKind,
    /// What it counts by.
    pub by: By,
    /// The requests that count: those for which one of these holds; every request when there is none.
    pub when: Vec<Condition>,
    /// Requests that do not count: those for which any part of this holds.
    pub unless: Condition,
    /// How many are too many.
    pub limit: Limit,
    /// What is done then.
    pub action: Action,
    /// For how long, in seconds; for as long it is also silent about the same key.
    pub for_secs: u32,
}

/// What a rule counts by: each combination of these has a count of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct By {
    /// Who is counted and acted on; `None` for a rule that only watches routes or hosts.
    pub who: Option<Who>,
    /// Whether each route counts by itself.
    pub route: bool,
    /// Whether each virtual host counts by itself.
    pub host: bool,
}

/// Who a rule counts by, and acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The client, in the narrowest form that the log proves.
    Client,
    /// The address, also of clients that have a name.
    Address,
    /// Clients of that scope; requests of others do not count.
    Named(Scope),
}

/// How many are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// From so many on the rule fires.
    pub count: u32,
    /// Different values of this are counted, not requests.
    pub distinct: Option<DistinctOf>,
    /// What makes old requests count no more.
    pub pace: Pace,
}

/// What different values of can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistinctOf {
    /// Paths as sent, without the query.
    Path,
    /// Routes.
    Route,
    /// Objects that paths name; requests that name none do not count.
    Object,
    /// Queries; requests without one do not count.
    Query,
    /// User agents, none being one too.
    UserAgent,
    /// Virtual hosts, none being one too.
    Host,
    /// Clients.
    Client,
}

impl DistinctOf {
    /// Everything of which different values can be counted.
    pub const ALL: [Self; 7] = [
        Self::Path,
        Self::Route,
        Self::Object,
        Self::Query,
        Self::UserAgent,
        Self::Host,
        Self::Client,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Route => "route",
            Self::Object => "object",
            Self::Query => "query",
            Self::UserAgent => "user_agent",
            Self::Host => "host",
            Self::Client => "client",
        }
    }
}

/// What makes old requests count no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A window that slides on in eighths: what is counted lies within at most so many seconds.
    Within {
        /// Length of the window.
        secs: u32,
    },
    /// A bucket that leaks: one counts less each time so many milliseconds have passed. Different values are
    /// remembered until the bucket is empty.
    Leak {
        /// Time that one takes to leak out.
        millis: u32,
    },
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule:?}: {field}: found {found}, expected {expected}")]
pub struct RuleProblem {
    /// The rule's name.
    pub rule: String,
    /// Which part of it.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl Rule {
    /// Names everything in it that is out of bounds or makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<RuleProblem> {
        let mut problems = Vec::new();
        let mut expect = |holds: bool, field, found: String, expected: String| {
            if !holds {
                let rule = self.name.chars().take(RULE_NAME_BYTES_MAX).collect();
                problems.push(RuleProblem {
                    rule,
                    field,
                    found,
                    expected,
                });
            }
        };
        expect(
            is_name(&self.name),
            "name",
            format!("{:?}", self.name),
            format!("1 to {RULE_NAME_BYTES_MAX} lower-case letters, digits, - _ . /"),
        );
        let by = self.by;
        let is_keyed = by.who.is_some() || by.route || by.host;
        expect(
            is_keyed,
            "by",
            "nothing".to_owned(),
            "at least one thing to count by".to_owned(),
        );
        expect(
            by.who.is_some() || self.action == Action::Observe,
            "action",
            self.action.to_string(),
            "observe, or a client, an address or another identity to count by: a rule that counts all clients of a \
             route together must not act, or one client could have the others blocked"
                .to_owned(),
        );
        expect(
            self.action != Action::Challenge,
            "action",
            self.action.to_string(),
            "observe, throttle or block".to_owned(),
        );
        self.expect_limits(&mut expect);
        problems
    }

    fn expect_limits(&self, expect: &mut impl FnMut(bool, &'static str, String, String)) {
        let most = match self.limit.distinct {
            Some(_) => RULE_DISTINCT_MAX,
            None => RULE_COUNT_MAX,
        };
        expect(
            (1..=most).contains(&self.limit.count),
            "count",
            self.limit.count.to_string(),
            format!("1 to {most}"),
        );
        expect(
            (1..=RULE_SECS_MAX).contains(&self.for_secs),
            "for_secs",
            self.for_secs.to_string(),
            format!("1 to {RULE_SECS_MAX}: nothing is without an expiry"),
        );
        let (field, found, is_right) = match self.limit.pace {
            Pace::Within { secs } => ("within_secs", secs, (1..=RULE_SECS_MAX).contains(&secs)),
            Pace::Leak { millis } => ("leak_secs", millis, (1..=RULE_SECS_MAX * 1000).contains(&millis)),
        };
        expect(
            is_right,
            field,
            found.to_string(),
            format!("more than 0 and at most {RULE_SECS_MAX} seconds"),
        );
        expect(
            self.when.len() <= RULE_ALTERNATIVES_MAX,
            "when",
            self.when.len().to_string(),
            format!("at most {RULE_ALTERNATIVES_MAX} alternatives"),
        );
    }

    /// Whether a request counts.
    #[must_use]
    pub fn counts(&self, facts: &Facts<'_>) -> bool {
        let is_wanted = self.when.is_empty() || self.when.iter().any(|condition| condition.holds(facts));
        is_wanted && !self.unless.holds_in_part(facts)
    }

    /// Tells rules apart that count differently. A changed rule counts from nothing.
    fn fingerprint(&self) -> u64 {
        let counted = format!(
            "{:?}",
            (&self.name, self.by, &self.when, &self.unless, self.limit)
        );
        FixedState::with_seed(0x0012_71e5).hash_one(counted)
    }
}

/// Every rule of a detector.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Arc<[Numbered]>,
    route_text: Option<RouteText>,
}

/// Writes the route of a path as text.
pub type RouteText = fn(&str) -> String;

/// A rule and what tells it apart.
#[derive(Debug)]
struct Numbered {
    number: u64,
    rule: Rule,
}

impl PartialEq for RuleSet {
    /// Whether they hold the same rules in the same order.
    fn eq(&self, other: &Self) -> bool {
        self.rules.len() == other.rules.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(left, right)| left.1 == right.1)
    }
}

impl RuleSet {
    /// Takes the rules in that order. `route_text` names the route of a path in alerts about routes.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(rules: Vec<Rule>, route_text: RouteText) -> Result<Self, Vec<RuleProblem>> {
        let mut problems: Vec<RuleProblem> = rules.iter().flat_map(Rule::problems).collect();
        if rules.len() > RULES_MAX {
            problems.push(RuleProblem {
                rule: String::new(),
                field: "rules",
                found: rules.len().to_string(),
                expected: format!("at most {RULES_MAX} rules"),
            });
        }
        for (place, rule) in rules.iter().enumerate() {
            if rules[..place].iter().any(|other| other.name == rule.name) {
                problems.push(RuleProblem {
                    rule: rule.name.clone(),
                    field: "name",
                    found: format!("{:?} twice", rule.name),
                    expected: "a name of its own for each rule".to_owned(),
                });
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let numbered = rules.into_iter().map(|rule| Numbered {
            number: rule.fingerprint(),
            rule,
        });
        Ok(Self {
            rules: numbered.collect(),
            route_text: Some(route_text),
        })
    }

    /// Every rule, in the order in which they were given, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Rule)> {
        self.rules
            .iter()
            .map(|numbered| (numbered.number, &numbered.rule))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The rule of a number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Rule> {
        self.iter()
            .find(|(known, _)| *known == number)
            .map(|(_, rule)| rule)
    }

    fn route_text(&self, path: &str) -> String {
        self.route_text.map_or_else(String::new, |write| write(path))
    }
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_./".contains(&byte);
    (1..=RULE_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_letter)
}
