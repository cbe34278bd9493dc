//! What the judge is given: what was seen of every source in one minute.

use super::survey::FIELDS;
use domain::Timestamp;
use std::net::IpAddr;

/// What a source is: it says in which unit what waits is told, and which setting is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum SourceKind {
    /// A topic of Kafka's.
    Topic,
    /// A log that is followed.
    #[default]
    File,
    /// A syslog listener.
    Syslog,
    /// A gateway that pushes.
    Push,
    /// A gateway that a topic's records name.
    Gateway,
    /// Kafka's brokers, for all topics together.
    Brokers,
    /// The process itself.
    Process,
}

/// Requests that are dated elsewhere than they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Offset {
    /// How many of those looked at.
    pub(crate) requests: u32,
    /// The sum of their distances, in milliseconds.
    pub(crate) millis: i64,
}

/// The address that sent the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leader {
    /// Which.
    pub(crate) address: IpAddr,
    /// Its requests of those looked at.
    pub(crate) requests: u32,
    /// Different user agents that came with them, at least; counted up to 64.
    pub(crate) agents: u32,
}

/// What was seen of one source in one minute.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Seen {
    /// How people know it. Sources of one name are one.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: SourceKind,
    /// Where its settings stand: `kafka.topics[0]`.
    pub(crate) settings: String,
    /// Lines that came.
    pub(crate) lines: u64,
    /// Lines that could not be read.
    pub(crate) rejected: u64,
    /// Requests that were looked at closely.
    pub(crate) looked: u32,
    /// How many of these had each field.
    pub(crate) present: [u32; FIELDS.len()],
    /// How many of these are dated later than they arrived.
    pub(crate) ahead: Offset,
    /// How many of these are dated long before.
    pub(crate) behind: Offset,
    /// The address that sent the most of these.
    pub(crate) leader: Option<Leader>,
    /// What waited at least, at any time of the minute: messages of a topic, bytes of other sources.
    pub(crate) waits: u64,
    /// Lines that were lost before they were read.
    pub(crate) lost: u64,
    /// Requests of blocked clients that were refused.
    pub(crate) refused: u64,
    /// Requests of blocked clients that were served, although the gateway has had time to learn of the block.
    pub(crate) leaked: u64,
}

/// How long a minute is. Shorter ones are for trying out what is told and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MinuteLength {
    millis: i64,
}

impl MinuteLength {
    /// So many seconds, one at least.
    pub(crate) fn secs(secs: u32) -> Self {
        Self {
            millis: i64::from(secs.max(1)) * 1000,
        }
    }

    /// The number of the minute of a moment, counted from 1970.
    pub(crate) const fn number(self, at: Timestamp) -> i64 {
        at.as_millis().div_euclid(self.millis)
    }
}

impl Default for MinuteLength {
    fn default() -> Self {
        Self::secs(60)
    }
}

/// What was seen in one minute.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Minute {
    /// The present, by the wall clock.
    pub(crate) now: Timestamp,
    /// How long it is.
    pub(crate) length: MinuteLength,
    /// Every source that is open.
    pub(crate) sources: Vec<Seen>,
    /// Whether reading is held because nothing can be stored.
    pub(crate) is_held: bool,
    /// What brokers report, when they are in trouble; ours to know, never shown.
    pub(crate) is_troubled: bool,
    /// How much less than everything is done, as a step; 0 is everything.
    pub(crate) step: u8,
    /// Times that the guard held an established client back.
    pub(crate) held_back: u64,
}

impl Minute {
    /// Its number since 1970.
    pub(crate) const fn number(&self) -> i64 {
        self.length.number(self.now)
    }
}
