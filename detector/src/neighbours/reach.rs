//! How far a decision about an address may reach: all of it, one program of it, or nobody.

use super::behind::Others;
use super::{Behind, program_hash, steady};
use crate::limits::NARROWED_MAX;
use crate::policy::PriceBudget;
use crate::stage::kin::{Kin, KinNames, short_hash, text_hash};
use domain::{Action, Client, NO_USER_AGENT, Price, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Telling requests of others, after a program was blocked by itself, from which on whoever sends them is dealt with, too.
const MOVED_MIN: u32 = 3;

/// How far a decision may reach.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reach {
    /// To everybody of the address: so much it costs.
    Whole(Price),
    /// To one program of it.
    Program {
        /// What a gateway has to compare beside the address.
        conditions: Vec<Client>,
        /// What tells it from others.
        program: u32,
        /// What it costs.
        price: Price,
        /// Whom the whole address would have hit.
        spared: Price,
    },
    /// Nobody can be told apart: it is slowed down at most.
    Slow(Price, String),
    /// It would hit too many who are surely others.
    Nobody(Price, String),
}

/// To which programs the decisions of an episode were narrowed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Narrowed {
    /// What tells each from others, in the order in which something was done about them first.
    programs: Vec<u32>,
    /// Those of them that were blocked.
    blocked: Vec<u32>,
    /// Telling requests of all others by then.
    telling: u32,
}

impl Narrowed {
    /// Those about whom as much was done as is to be done.
    fn settled(&self, action: Action) -> &[u32] {
        if action == Action::Block {
            &self.blocked
        } else {
            &self.programs
        }
    }

    /// Notes what was decided: about one more program, or about nobody in particular.
    pub(crate) fn note(&mut self, program: Option<NonZeroU32>, action: Action, behind: &Behind) {
        if let Some(program) = program.map(NonZeroU32::get) {
            insert(&mut self.programs, program);
            if action == Action::Block {
                insert(&mut self.blocked, program);
            }
        }
        self.telling = behind.telling_besides(&self.programs);
    }

    /// Whether somebody else behind the address goes on.
    pub(crate) fn has_moved(&self, behind: &Behind) -> bool {
        !self.programs.is_empty()
            && behind.telling_besides(&self.programs) >= self.telling.saturating_add(MOVED_MIN)
    }
}

fn insert(programs: &mut Vec<u32>, program: u32) {
    if !programs.contains(&program) {
        programs.push(program);
    }
}

/// Who is to be acted on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accused<'a> {
    /// What it shares with others, for an address of which all others came under names.
    pub(crate) kin: Kin,
    /// The same as text.
    pub(crate) names: &'a KinNames,
    /// Its successful requests of late.
    pub(crate) successes: f32,
}

/// How far an action about an address may reach.
pub(crate) fn reach(
    behind: &Behind,
    (action, narrowed): (Action, Option<&Narrowed>),
    accused: Accused<'_>,
    budget: &PriceBudget,
    at: Timestamp,
) -> Reach {
    let before = narrowed.map_or(&[][..], |narrowed| narrowed.settled(action));
    let has_room = |program: u32| {
        narrowed.is_none_or(|narrowed| {
            narrowed.programs.len() < NARROWED_MAX || narrowed.programs.contains(&program)
        })
    };
    let culprit = behind.culprit(before, at);
    let others = behind.others(culprit, at);
    // Where programs are told apart, the window's own count is that of all of them.
    let own = if behind.has_programs() {
        others.own
    } else {
        f64::from(accused.successes.max(0.0))
    };
    let price = price(others, own);
    if others.clients <= f64::from(budget.clients) && others.day <= budget.requests as f64 {
        return Reach::Whole(price);
    }
    let program = if behind.has_programs() {
        culprit.and_then(|place| Some((behind.program(place)?.hash(), behind.conditions(place)?)))
    } else {
        accused.program().filter(|(program, _)| !before.contains(program))
    };
    match program.filter(|(program, _)| has_room(*program)) {
        Some((program, conditions)) => Reach::Program {
            conditions,
            program,
            price: price_of_own(own as f32),
            spared: self::price(others, 0.0),
        },
        None if others.names > f64::from(budget.clients) * SLOWED_FACTOR => {
            Reach::Nobody(price, sentence(others))
        }
        // Slowing down hurts less, and what anybody can invent must not be a shield against it.
        None if action == Action::Block => Reach::Slow(price, sentence(others)),
        None => Reach::Whole(price),
    }
}

impl Accused<'_> {
    /// Its only program, and what a gateway has to compare; `None` where its text is not known as it was sent.
    fn program(&self) -> Option<(u32, Vec<Client>)> {
        let Kin {
            agent, fingerprint, ..
        } = self.kin;
        let is_as_sent = |text: &str, hash: u32| short_hash(text_hash(Some(text))) == hash;
        let named = |scope, text: &str| Client::parse(scope, text).ok();
        let mut conditions = Vec::new();
        match agent {
            0 => conditions.extend(named(Scope::UserAgent, NO_USER_AGENT)),
            _ if is_as_sent(&self.names.agent, agent) => {
                conditions.extend(named(Scope::UserAgent, &self.names.agent));
            }
            _ => return None,
        }
        let is_steady =
            steady(Some(&self.names.fingerprint)).is_some_and(|text| is_as_sent(text, fingerprint));
        let fingerprint = if is_steady { fingerprint } else { 0 };
        Some((program_hash(agent, fingerprint), conditions))
    }
}

/// So many times as many may be slowed down as may be blocked: they wait, and get through.
const SLOWED_FACTOR: f64 = 5.0;

fn price(others: Others, own: f64) -> Price {
    Price {
        clients: others.clients.round() as u64,
        successful_requests: (others.day + own).round() as u64,
        error: others.error as f32,
    }
}

/// What a decision costs that hits nobody else.
pub(crate) fn price_of_own(successes: f32) -> Price {
    Price {
        clients: 0,
        successful_requests: successes.round().max(0.0) as u64,
        // Decayed counts are exact but for their half-life.
        error: 0.1,
    }
}

/// Whom it would hit. Holds no text from the log.
fn sentence(others: Others) -> String {
    format!(
        "others come from the address: about {:.0} with a history, {:.0} of them under names of their own, with {:.0} successful requests \
         in a day and {:.0} in the last hour (within {:.0}%)",
        others.clients,
        others.names,
        others.day,
        others.hour,
        others.error * 100.0
    )
}
