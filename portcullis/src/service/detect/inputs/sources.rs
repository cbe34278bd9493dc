//! Every source that was ever read, by its number: the detector knows sources by number only, and keeps a watermark and a
//! trust for each, so a number is never given anew.

use super::super::checkpoint::{PartitionPlace, Place};
use crate::alarm::{Survey, Surveyed};
use detector::SourceTerms;
use domain::{Action, Timestamp};
use ingest::IdentityPolicy;
use std::collections::HashMap;
use std::sync::Arc;

/// By what a source is known again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) enum SourceName {
    /// A partition of a topic.
    Partition(Arc<str>, i32),
    /// A log, by its path.
    Log(String),
    /// A spool, by its name.
    Spool(String),
}

/// How the lines of a source are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Terms {
    /// `auto`, a format's name, or one written down.
    pub(in super::super) format: String,
    /// The strongest action that they may lead to.
    pub(in super::super) trust: Action,
    /// Clients acted on by its word within an hour at most.
    pub(in super::super) acts_per_hour: u32,
    /// How far behind the latest of its lines one may lie.
    pub(in super::super) lateness_secs: u32,
    /// The gateway whose log it is.
    pub(in super::super) gateway: String,
    /// Who its clients are.
    pub(in super::super) identity: IdentityPolicy,
    /// Where these settings stand: `kafka.topics[0]`.
    pub(in super::super) settings: String,
}

/// What was counted of a source since this session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Counts {
    pub(in super::super) lines: u64,
    pub(in super::super) rejected: u64,
    pub(in super::super) bytes: u64,
    /// Time of the last request.
    pub(in super::super) latest: Timestamp,
}

/// One source.
#[derive(Debug, Clone)]
pub(in super::super) struct Source {
    pub(in super::super) name: SourceName,
    /// `None` until its door is open in this session.
    pub(in super::super) terms: Option<Terms>,
    pub(in super::super) counts: Counts,
    /// What is looked at of its requests, for alarms.
    pub(in super::super) survey: Survey,
    /// What was counted when that was last taken.
    counted: Counts,
    /// What its log showed of our blocks when that was last taken.
    shown: (u64, u64),
    /// Where it stood when the checkpoint was written: kept for a door that is closed at the moment.
    stood: Option<Place>,
}

/// Every source, by its number.
#[derive(Debug, Default)]
pub(in super::super) struct Sources {
    list: Vec<Source>,
    numbers: HashMap<SourceName, u32>,
}

impl SourceName {
    fn of(place: &Place) -> Self {
        match place {
            Place::Partition(place) => Self::Partition(place.topic.as_str().into(), place.partition),
            Place::Log(path, _) => Self::Log(path.clone()),
            Place::Spool(name, _) => Self::Spool(name.clone()),
        }
    }

    /// How people know it.
    pub(in super::super) fn label(&self) -> String {
        match self {
            Self::Partition(topic, partition) => format!("{topic}[{partition}]"),
            Self::Log(name) | Self::Spool(name) => name.clone(),
        }
    }
}

impl Source {
    /// Lines since this was last called, those of them that could not be read, and what was looked at.
    pub(in super::super) fn take_survey(&mut self) -> (u64, u64, Surveyed) {
        let before = std::mem::replace(&mut self.counted, self.counts);
        let lines = self.counts.lines.saturating_sub(before.lines);
        let rejected = self.counts.rejected.saturating_sub(before.rejected);
        (lines, rejected, self.survey.take())
    }

    /// Requests of blocked clients that were refused, and served, since this was last called.
    pub(in super::super) fn take_effect(&mut self, effect: &detector::Effect) -> (u64, u64) {
        let now = (effect.refused, effect.leaked);
        let before = std::mem::replace(&mut self.shown, now);
        (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1))
    }

    /// The topic of a partition, and the gateway whose log it is.
    pub(in super::super) fn topic(&self) -> Option<(&str, &str)> {
        let SourceName::Partition(topic, _) = &self.name else {
            return None;
        };
        let gateway = self.terms.as_ref().map_or(&**topic, |terms| &terms.gateway);
        Some((topic, gateway))
    }
}

impl Sources {
    /// The sources of a checkpoint, with their numbers.
    pub(super) fn resume(places: &[Place]) -> Self {
        let mut sources = Self::default();
        for place in places {
            let number = sources.number(SourceName::of(place));
            if let Some(source) = sources.list.get_mut(number as usize) {
                source.stood = Some(place.clone());
            }
        }
        sources
    }

    /// Its number; a new one for a source that was never read.
    pub(super) fn number(&mut self, name: SourceName) -> u32 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.clone(), number);
        self.list.push(Source {
            name,
            terms: None,
            counts: Counts::default(),
            survey: Survey::default(),
            counted: Counts::default(),
            shown: (0, 0),
            stood: None,
        });
        number
    }

    /// The source of that number.
    pub(in super::super) fn get(&self, number: u32) -> Option<&Source> {
        self.list.get(number as usize)
    }

    /// The same, to be changed.
    pub(in super::super) fn get_mut(&mut self, number: u32) -> Option<&mut Source> {
        self.list.get_mut(number as usize)
    }

    /// How the detector takes the word of a source, once its door is open.
    pub(in super::super) fn taken(&self, number: u32) -> Option<SourceTerms> {
        let source = self.get(number)?;
        let terms = source.terms.as_ref()?;
        // The partitions of a topic spend one cap: whoever writes to one writes to all.
        let is_kin = |other: &SourceName| match (other, &source.name) {
            (SourceName::Partition(topic, _), SourceName::Partition(own, _)) => topic == own,
            _ => false,
        };
        let first = self.iter().find(|(_, other)| is_kin(&other.name));
        Some(SourceTerms {
            most: terms.trust,
            lateness_millis: i64::from(terms.lateness_secs) * 1000,
            cap: terms.acts_per_hour,
            counted_with: first.map(|(number, _)| number),
        })
    }

    /// The same, to be changed.
    pub(in super::super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Source)> {
        (0..).zip(&mut self.list)
    }

    /// Numbers and sources.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (u32, &Source)> {
        (0..).zip(&self.list)
    }

    /// Where each stands, by number: as `open` says, else as the last checkpoint said.
    pub(super) fn places(&self, mut open: impl FnMut(&SourceName) -> Option<Place>) -> Vec<Place> {
        let place = |source: &Source| {
            let stood = || source.stood.clone();
            open(&source.name)
                .or_else(stood)
                .unwrap_or_else(|| unread(&source.name))
        };
        self.list.iter().map(place).collect()
    }
}

/// The place of a source of which nothing was read.
fn unread(name: &SourceName) -> Place {
    match name {
        SourceName::Partition(topic, partition) => Place::Partition(PartitionPlace {
            topic: topic.to_string(),
            partition: *partition,
            next: None,
        }),
        SourceName::Log(path) => Place::Log(path.clone(), Default::default()),
        SourceName::Spool(name) => Place::Spool(name.clone(), Default::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ingest::source::follow::LogPlace;

    #[test]
    fn a_number_stays_over_a_checkpoint_and_a_closed_door_keeps_its_place() {
        let mut sources = Sources::default();
        let log = SourceName::Log("/a.log".to_owned());
        assert_eq!(sources.number(SourceName::Partition("t".into(), 1)), 0);
        assert_eq!(sources.number(log.clone()), 1);
        assert_eq!(sources.number(SourceName::Partition("t".into(), 1)), 0);
        let stands = Place::Log(
            "/a.log".to_owned(),
            LogPlace {
                line: 5,
                ..LogPlace::default()
            },
        );
        let places = sources.places(|name| (*name == log).then(|| stands.clone()));
        let mut again = Sources::resume(&places);
        assert_eq!(again.number(log), 1);
        assert_eq!(again.places(|_| None), places);
        assert_eq!(again.number(SourceName::Partition("u".into(), 0)), 2);
    }
}
