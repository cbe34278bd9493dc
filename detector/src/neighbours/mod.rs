//! Who else comes from an address: whom a decision about it would hit besides those whom it is about, and whether one program among
//! them is at fault.
//!
//! Behind one IPv4 address there may be a thousand people. Behind most there is one client with one program, of which nothing needs
//! to be kept; an address is looked at here from its second program (user agent, with the TLS fingerprint where that keeps still)
//! on, or from the first name on that is one client's and that the gateway accepts. Programs are anybody's invention, names are
//! not: what only programs speak for is slowed down where it cannot be blocked more narrowly, and what names speak for is left alone.

mod behind;
mod many;
mod reach;
mod sliding;
#[cfg(test)]
mod tests;

pub(crate) use behind::{Behind, program_hash};
pub(crate) use reach::{Accused, Narrowed, Reach, reach};

use crate::limits::{CONDITION_BYTES_MAX, NEIGHBOURS_MAX};
use crate::stage::kin::{short_hash, text_hash};
use domain::{NO_USER_AGENT, RequestRecord};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// One request under no name, of an address with several programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    /// Keyed hash of the address.
    pub(crate) owner: u64,
    /// When.
    pub(crate) at_millis: i64,
    /// Hash of the user agent, 0 for none.
    pub(crate) agent: u32,
    /// Hash of the TLS fingerprint, 0 for none.
    pub(crate) fingerprint: u32,
    /// Whether the address is seen with that agent for the first time.
    pub(crate) is_new_agent: bool,
    /// Whether it was answered with a success.
    pub(crate) is_success: bool,
    /// Whether it shows what its client is about.
    pub(crate) is_telling: bool,
    /// What the address did under its first program.
    pub(crate) earlier: Option<Earlier>,
    /// As a gateway can compare it; only of what is telling.
    pub(crate) name: Option<Name>,
}

/// What an address did before a second program came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Earlier {
    pub(crate) first_millis: i64,
    pub(crate) last_millis: i64,
    pub(crate) requests: u32,
    pub(crate) successes: u32,
}

/// What a gateway can compare of a program; a text is empty where there is none, or none that may be written down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Name {
    pub(crate) agent: Box<str>,
    pub(crate) fingerprint: Box<str>,
}

impl Name {
    /// Of a request. What is masked where people read it, or too long, is not written down: a secret must not stand in a decision.
    pub(crate) fn of(record: &RequestRecord<'_>, write: fn(&str) -> String) -> Self {
        let plain = |text: &str| -> Box<str> {
            let may_stand = text.len() <= CONDITION_BYTES_MAX && write(text) == text;
            if may_stand { text.into() } else { Box::default() }
        };
        Self {
            agent: record.user_agent.as_deref().map_or(NO_USER_AGENT.into(), plain),
            fingerprint: steady(record.fingerprint.as_deref()).map_or_else(Box::default, plain),
        }
    }

    fn is_empty(&self) -> bool {
        self.agent.is_empty()
    }
}

/// A TLS fingerprint that keeps still. A JA4 does; browsers shuffle what a JA3 is made of at every connection.
pub(crate) fn steady(fingerprint: Option<&str>) -> Option<&str> {
    fingerprint.filter(|text| text.contains('_'))
}

/// What tells the program of a request from others in few bytes; never 0.
pub(crate) fn program_of(record: &RequestRecord<'_>) -> u32 {
    let agent = short_hash(text_hash(record.user_agent.as_deref()));
    let fingerprint = short_hash(text_hash(steady(record.fingerprint.as_deref())));
    program_hash(agent, fingerprint)
}

/// The addresses that are remembered, by their keyed hashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    by_address: HashMap<u64, Behind, FixedState>,
    /// Addresses forgotten because there were too many.
    pub(crate) forgotten: u64,
}

impl Neighbours {
    /// Takes in what came from addresses with several programs.
    pub(crate) fn take(&mut self, uses: impl Iterator<Item = Use>) {
        for used in uses {
            self.by_address.entry(used.owner).or_default().note(&used);
        }
    }

    /// Takes in an accepted request from an address, under a name that is one client's.
    pub(crate) fn note_name(&mut self, address: u64, number: u64, at_millis: i64) {
        self.by_address
            .entry(address)
            .or_default()
            .note_name(number, at_millis);
    }

    /// Who comes from an address; `None` where it was never seen with more than one client.
    pub(crate) fn get(&self, address: u64) -> Option<&Behind> {
        self.by_address.get(&address)
    }

    /// What is known of these addresses, to go on with apart.
    pub(crate) fn some(&self, addresses: impl Iterator<Item = u64>) -> Self {
        let known = addresses.filter_map(|address| Some((address, self.get(address)?.clone())));
        Self {
            by_address: known.collect(),
            forgotten: 0,
        }
    }

    /// How many are remembered.
    pub(crate) fn remembered(&self) -> usize {
        self.by_address.len()
    }

    /// Forgets those of whom least would be lost, when there are too many.
    pub(crate) fn forget(&mut self) {
        if self.by_address.len() <= NEIGHBOURS_MAX {
            return;
        }
        // An eighth more than needed: the next address must not sort everything again.
        let surplus = self.by_address.len() - NEIGHBOURS_MAX / 8 * 7;
        let mut least: Vec<((u32, i64), u64)> = self
            .by_address
            .iter()
            .map(|(address, behind)| (behind.worth(), *address))
            .collect();
        least.sort_unstable();
        for (_, address) in least.into_iter().take(surplus) {
            self.by_address.remove(&address);
        }
        self.forgotten += surplus as u64;
    }

    /// Every address, in the order of their hashes.
    pub(crate) fn sorted(&self) -> Vec<(u64, Behind)> {
        let mut all: Vec<(u64, Behind)> = self
            .by_address
            .iter()
            .map(|(address, behind)| (*address, behind.clone()))
            .collect();
        all.sort_by_key(|(address, _)| *address);
        all
    }

    /// Puts addresses back, as a checkpoint holds them.
    pub(crate) fn restore(all: Vec<(u64, Behind)>, forgotten: u64) -> Self {
        Self {
            by_address: all.into_iter().take(NEIGHBOURS_MAX).collect(),
            forgotten,
        }
    }
}

/// The addresses as a tick's end sees them: what the tick itself brought lies apart while it is only looked at early.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    all: &'a Neighbours,
    fresh: Option<&'a Neighbours>,
}

impl<'a> Around<'a> {
    /// As they are.
    pub(crate) fn new(all: &'a Neighbours) -> Self {
        Self { all, fresh: None }
    }

    /// With some that go before.
    pub(crate) fn with(all: &'a Neighbours, fresh: &'a Neighbours) -> Self {
        Self {
            all,
            fresh: Some(fresh),
        }
    }

    /// Who comes from an address; `None` where it was never seen with more than one client.
    pub(crate) fn get(&self, address: u64) -> Option<&'a Behind> {
        self.fresh
            .and_then(|fresh| fresh.get(address))
            .or_else(|| self.all.get(address))
    }
}
