//! The policy as data: clauses in an order, the first that fits decides. Where none does, the thresholds do.
//!
//! A clause may make an action milder freely. A stronger one it gets only as far as the same evidence would with the surest score
//! ([`PolicySettings::most`]), and what it asks for goes through mercy, warm-up, budget, guard and caps like everything else.

use super::charge::{Bounds, Charge};
use super::when::When;
use super::{DAY_MINUTES, OFFSET_MINUTES_MAX, PolicySettings};
use crate::limits::{
    CLAUSE_CLIENTS_MAX, CLAUSE_GATEWAYS_MAX, CLAUSE_LADDER_MAX, CLAUSE_NAME_BYTES_MAX, CLAUSE_SECS_MAX,
    CLAUSES_MAX, GATEWAY_NAME_BYTES_MAX,
};
use domain::Action;
use std::sync::Arc;

/// One clause of a policy: for whom it holds, and what is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// Its name, by which decisions name it.
    pub name: String,
    /// What it is for, for a person.
    pub description: String,
    /// For whom it holds.
    pub when: When,
    /// What is done.
    pub action: Action,
    /// For how long, in seconds: the first offence, the second, and so on, the last for all further ones. Empty for as long as usual.
    pub for_secs: Vec<u32>,
    /// How long an offence is remembered after it, in seconds; `None` for as long as usual.
    pub memory_secs: Option<u32>,
    /// The gateways that carry it out; empty for all.
    pub gateways: Vec<String>,
    /// Whether it is only recorded.
    pub is_shadow: bool,
}

impl Clause {
    /// Whether each further offence has a step of its own: then whatever it does counts as an offence, not blocks alone.
    #[must_use]
    pub fn has_ladder(&self) -> bool {
        self.for_secs.len() > 1
    }
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("clause {clause:?}: {field}: found {found}, expected {expected}")]
pub struct ClauseProblem {
    /// The clause's name; empty for the policy as a whole.
    pub clause: String,
    /// Which part of it.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// Every clause of a policy, and what the policy is called. Without a name it is that of an installation that wrote none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClauseSet {
    name: String,
    version: String,
    clauses: Arc<[Clause]>,
}

/// What a policy says about one client.
#[derive(Debug, Clone, Copy)]
pub struct Measure<'p> {
    /// What would be done without a clause.
    pub usual: Action,
    /// What is to be done, as far as evidence allows.
    pub action: Action,
    /// The clause that decided; `None` for thresholds.
    pub clause: Option<&'p Clause>,
    policy: &'p ClauseSet,
}

impl ClauseSet {
    /// Takes the clauses in that order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(name: String, version: String, clauses: Vec<Clause>) -> Result<Self, Vec<ClauseProblem>> {
        let mut problems = Vec::new();
        for (field, text) in [("name", &name), ("version", &version)] {
            if !is_name(text, CLAUSE_NAME_BYTES_MAX) {
                problems.push(problem("", field, format!("{text:?}"), name_form()));
            }
        }
        if clauses.len() > CLAUSES_MAX {
            let expected = format!("at most {CLAUSES_MAX}");
            problems.push(problem("", "clause", clauses.len().to_string(), expected));
        }
        for (place, clause) in clauses.iter().enumerate() {
            problems.extend(clause.problems());
            if clauses[..place].iter().any(|other| other.name == clause.name) {
                let expected = "a name of its own for each clause".to_owned();
                let found = format!("{:?} twice", clause.name);
                problems.push(problem(&clause.name, "name", found, expected));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            name,
            version,
            clauses: clauses.into(),
        })
    }

    /// Its clauses, in their order.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// What it is called, with its version; empty when there is none.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            String::new()
        } else {
            format!("{} {}", self.name, self.version)
        }
    }

    /// What is to be done about a client: what the first clause says that holds for it, within those bounds.
    #[must_use]
    pub fn measure(&self, charge: &Charge<'_>, bounds: Bounds) -> Measure<'_> {
        let clause = self.clauses.iter().find(|clause| clause.when.holds(charge));
        Measure {
            usual: bounds.usual,
            action: clause.map_or(bounds.usual, |clause| {
                clause.action.min(bounds.most.max(bounds.usual))
            }),
            clause,
            policy: self,
        }
    }
}

impl Measure<'_> {
    /// How long an action holds after that many earlier offences, in seconds. Never zero, and never past the longest block.
    ///
    /// A milder action than the clause asks for, to which evidence or something else lowered it, holds as long as usual.
    #[must_use]
    pub fn ttl_secs(&self, settings: &PolicySettings, action: Action, offences: u32) -> u32 {
        self.step_secs(settings, action, offences)
            .unwrap_or_else(|| settings.ttl_secs(action, offences))
    }

    /// As [`Self::ttl_secs`]; `None` where the clause says nothing of it.
    #[must_use]
    pub fn step_secs(&self, settings: &PolicySettings, action: Action, offences: u32) -> Option<u32> {
        let clause = self.clause.filter(|clause| action == clause.action)?;
        let last = clause.for_secs.len().checked_sub(1)?;
        let step = usize::try_from(offences).unwrap_or(last).min(last);
        Some(clause.for_secs[step].clamp(1, settings.block_secs_max.max(1)))
    }

    /// What was asked for, granted or not: what is usual, where a clause makes it milder.
    #[must_use]
    pub fn asked(&self) -> Action {
        self.action.max(self.usual)
    }

    /// Whether the clause is only recorded.
    #[must_use]
    pub fn is_shadow(&self) -> bool {
        self.clause.is_some_and(|clause| clause.is_shadow)
    }

    /// The gateways that carry it out; empty for all.
    #[must_use]
    pub fn gateways(&self) -> &[String] {
        self.clause.map_or(&[], |clause| &clause.gateways)
    }

    /// Which clause of which policy decided, in a few words; `None` when thresholds did.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        let clause = self.clause?;
        Some(format!(
            "clause {} of policy {}",
            clause.name,
            self.policy.title()
        ))
    }

    /// What the clause made of it, in a sentence; `None` when thresholds decided.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let (clause, source) = (self.clause?, self.source()?);
        let asked = clause.action;
        let mut sentence = if self.action < asked {
            format!(
                "{source} says {asked}, and the evidence allows {} at most",
                self.action
            )
        } else if asked == self.usual {
            format!("{source} says {asked}, as usual")
        } else {
            format!("{source} says {asked}, where {} is usual", self.usual)
        };
        if !clause.gateways.is_empty() {
            sentence = format!("{sentence}; at {} only", clause.gateways.join(", "));
        }
        if clause.is_shadow {
            sentence.push_str("; in shadow: recorded and not carried out");
        }
        Some(sentence)
    }

    /// The same where it keeps something from being done that would be; `None` where it does not.
    #[must_use]
    pub fn held_back(&self) -> Option<String> {
        let clause = self.clause?;
        let is_milder = self.action < self.usual || self.action < clause.action || clause.is_shadow;
        self.sentence().filter(|_| is_milder)
    }
}

impl Clause {
    /// Names everything in it that is out of bounds or makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<ClauseProblem> {
        let mut problems = Vec::new();
        let mut expect = |holds: bool, field, found: String, expected: String| {
            if !holds {
                let name: String = self.name.chars().take(CLAUSE_NAME_BYTES_MAX).collect();
                problems.push(problem(&name, field, found, expected));
            }
        };
        expect(
            is_name(&self.name, CLAUSE_NAME_BYTES_MAX),
            "name",
            format!("{:?}", self.name),
            name_form(),
        );
        let is_span = |secs: &u32| (1..=CLAUSE_SECS_MAX).contains(secs);
        expect(
            self.for_secs.iter().all(is_span),
            "for_secs",
            format!("{:?}", self.for_secs),
            format!("1 to {CLAUSE_SECS_MAX}: nothing is without an expiry"),
        );
        expect(
            self.for_secs.len() <= CLAUSE_LADDER_MAX,
            "for_secs",
            format!("{} steps", self.for_secs.len()),
            format!("at most {CLAUSE_LADDER_MAX}"),
        );
        expect(
            self.action.is_enforced() || self.for_secs.is_empty(),
            "for_secs",
            "a time for observe".to_owned(),
            "none: whoever is observed is let through".to_owned(),
        );
        expect(
            self.memory_secs.iter().all(is_span),
            "memory_secs",
            format!("{:?}", self.memory_secs.unwrap_or_default()),
            format!("1 to {CLAUSE_SECS_MAX}"),
        );
        let is_gateway = |name: &String| is_gateway_name(name);
        expect(
            self.gateways.iter().all(is_gateway) && self.gateways.len() <= CLAUSE_GATEWAYS_MAX,
            "gateways",
            format!("{:?}", self.gateways),
            format!(
                "at most {CLAUSE_GATEWAYS_MAX} names of at most {GATEWAY_NAME_BYTES_MAX} printed letters"
            ),
        );
        self.expect_when(&mut expect);
        problems
    }

    fn expect_when(&self, expect: &mut impl FnMut(bool, &'static str, String, String)) {
        let when = &self.when;
        for (field, share) in [
            ("confidence_min", when.confidence_min),
            ("evidence_min", when.evidence_min),
        ] {
            let is_share = (0.0..=1.0).contains(&share);
            expect(is_share, field, share.to_string(), "0 to 1".to_owned());
        }
        expect(
            when.clients.len() <= CLAUSE_CLIENTS_MAX,
            "client",
            when.clients.len().to_string(),
            format!("at most {CLAUSE_CLIENTS_MAX} clients"),
        );
        let hours = &when.hours;
        let are_minutes = |span: &super::Span| {
            span.from < DAY_MINUTES && span.until <= DAY_MINUTES && span.from != span.until
        };
        expect(
            hours.spans.iter().all(are_minutes),
            "hours",
            format!("{:?}", hours.spans),
            "spans such as \"22:00-06:00\"".to_owned(),
        );
        expect(
            hours.days.iter().all(|day| *day < 7),
            "days",
            format!("{:?}", hours.days),
            "days of the week".to_owned(),
        );
        expect(
            (-OFFSET_MINUTES_MAX..=OFFSET_MINUTES_MAX).contains(&hours.offset_minutes),
            "utc_offset",
            hours.offset_minutes.to_string(),
            "at most 14 hours".to_owned(),
        );
    }
}

fn problem(clause: &str, field: &'static str, found: String, expected: String) -> ClauseProblem {
    ClauseProblem {
        clause: clause.to_owned(),
        field,
        found,
        expected,
    }
}

fn name_form() -> String {
    format!("1 to {CLAUSE_NAME_BYTES_MAX} lower-case letters, digits, - _ . /")
}

fn is_name(text: &str, bytes_max: usize) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_./".contains(&byte);
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(is_letter)
}

/// Gateways are called as people like: any printed letters, as their keys and settings have it.
fn is_gateway_name(text: &str) -> bool {
    (1..=GATEWAY_NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}
