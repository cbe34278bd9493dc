//! Alarms: what a person has to know because it makes Portcullis blind or late, and how it is sent out.
//!
//! The judgement is pure: [`Judge`] takes what was seen of every source in one minute, with the time as a value, and gives
//! what was raised, repeated and cleared. [`outlet`] sends it, and takes any message, not only these.

mod cause;
mod judge;
mod kind;
pub(crate) mod outlet;
mod seen;
mod statistic;
mod survey;
#[cfg(test)]
mod tests;
mod usual;

pub(crate) use judge::{Judge, Learned};
pub(crate) use kind::Kind;
pub(crate) use seen::{Leader, Minute, MinuteLength, Offset, Seen, SourceKind};
pub(crate) use survey::{Survey, Surveyed};

use domain::Timestamp;

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// What it is about.
    pub(crate) kind: Kind,
    /// The source, as people know it; made safe to show.
    pub(crate) source: String,
    /// Since when.
    pub(crate) since: Timestamp,
    /// The likely cause, in a sentence with figures. Holds no text from a log.
    pub(crate) cause: String,
    /// The setting to look at, as its path in the configuration.
    pub(crate) setting: String,
    /// What to do next.
    pub(crate) next: &'static str,
}

/// What became of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It began.
    Raised,
    /// It goes on, and an hour has passed since it was last told.
    Reminded,
    /// It is over.
    Cleared,
}

impl Change {
    /// The public name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Reminded => "reminded",
            Self::Cleared => "cleared",
        }
    }
}

/// An alarm that began, goes on or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct News {
    /// What became of it.
    pub(crate) change: Change,
    /// Which.
    pub(crate) alarm: Alarm,
}
