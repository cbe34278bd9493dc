//! Every minute what was seen of the sources is judged, and what changed is told: to the log, the store, `/metrics` and the outlets.

use super::super::Role;
use super::super::inputs::SourceName;
use super::{Fault, Session};
use crate::alarm::{
    Alarm, Change, Judge, Kind, Learned, Minute, MinuteLength, News, Seen, SourceKind, Surveyed,
};
use crate::service::push;
use domain::Timestamp;
use std::collections::BTreeMap;
use storage::{ALARMS_KEPT, AlarmRecord};

/// Longest name of a source that is told, in bytes: a path or a gateway's name; records name gateways freely.
const NAME_BYTES_MAX: usize = 128;

/// News in one message; of more their number is told. Together they stay far below what an outlet takes.
const NEWS_TOLD_MAX: usize = 24;

/// The part that is the process itself.
const PROCESS: &str = "this process";

/// What is told of all topics together. No topic has a space in its name.
const BROKERS: &str = "kafka brokers";

/// Watches the sources of this session.
pub(super) struct Watching {
    judge: Judge,
    /// What was learned in real minutes, where shorter ones are tried out: what is learned meanwhile is forgotten.
    aside: Option<Learned>,
    /// How long a minute is, and the one that is being watched.
    length: MinuteLength,
    minute: i64,
    /// What waited at least in this minute, by source.
    least: BTreeMap<String, u64>,
    /// Counters as they stood a minute ago; `None` before the first look: what was lost before this session was told by another.
    lost: Option<BTreeMap<String, u64>>,
    gateways: BTreeMap<String, u64>,
    /// Times that the guard had held somebody back a minute ago; `None` before the first look.
    held_back: Option<u64>,
    /// What could not be stored yet: one for each alarm.
    unstored: BTreeMap<(String, String, i64), AlarmRecord>,
}

impl Watching {
    /// Goes on with what was learned, and with the alarms that go on by the store.
    ///
    /// # Errors
    /// What the store says.
    pub(super) fn begin(role: &Role, learned: Learned) -> Result<Self, Fault> {
        let setup = &role.setup;
        let stored = role.wait(setup.shared.store.alarms(ALARMS_KEPT))?;
        let open = stored.iter().filter(|alarm| alarm.cleared_at.is_none());
        let off = setup
            .config
            .alarms
            .off
            .iter()
            .filter_map(|name| Kind::from_name(name));
        let now = (setup.shared.clock)();
        let length = MinuteLength::secs(setup.config.alarms.minute_secs);
        let (learned, aside) = if length == MinuteLength::default() {
            (learned, None)
        } else {
            (Learned::default(), Some(learned))
        };
        Ok(Self {
            aside,
            held_back: None,
            judge: Judge::new(learned, open.filter_map(read).collect(), off.collect(), now),
            length,
            minute: length.number(now),
            least: BTreeMap::new(),
            lost: None,
            gateways: setup.figures.topics().gateways(),
            unstored: BTreeMap::new(),
        })
    }

    /// What was learned so far, and is to outlive the process.
    pub(super) fn learned(&self) -> Learned {
        self.aside.clone().unwrap_or_else(|| self.judge.learned())
    }
}

/// What waits of a source, and lines that it has lost so far.
type Waits = BTreeMap<String, (u64, u64)>;

impl Session<'_> {
    /// Once a second: what waits; once a minute: what that comes to.
    pub(super) fn tell_of_alarms(&mut self) {
        let now = (self.role.setup.shared.clock)();
        let waits = self.waits();
        let counters = || {
            waits
                .iter()
                .map(|(name, (_, lost))| (name.clone(), *lost))
                .collect()
        };
        self.watching.lost.get_or_insert_with(counters);
        for (name, (waits, _)) in &waits {
            let least = self.watching.least.entry(name.clone()).or_insert(*waits);
            *least = (*least).min(*waits);
        }
        let number = self.watching.length.number(now);
        if number != self.watching.minute {
            self.watching.minute = number;
            let minute = self.minute(now, &waits);
            let news = self.watching.judge.take(&minute);
            self.publish(&news, now);
        }
        self.store_alarms();
    }

    /// What waits of each source now.
    fn waits(&self) -> Waits {
        let mut waits = Waits::new();
        if let Some(kafka) = &self.inputs.kafka {
            for lag in kafka.lags() {
                if let Some(partition) = kafka.partition(lag.source) {
                    waits.entry(safe(&partition.topic)).or_default().0 += lag.messages();
                }
            }
            let counters = kafka.counters();
            waits.insert(BROKERS.to_owned(), (0, counters.offsets_lost));
        }
        for (number, (unread, lost)) in self.inputs.doors.waits() {
            if let Some(source) = self.inputs.sources.get(number) {
                waits.insert(safe(&source.name.label()), (unread, lost));
            }
        }
        waits
    }

    /// What the minute that is over showed.
    fn minute(&mut self, now: Timestamp, waits: &Waits) -> Minute {
        let mut by_name: BTreeMap<String, (Seen, Surveyed)> = BTreeMap::new();
        let effects = self.detector.effects();
        // While everything is suspended gateways are to serve everybody.
        let is_suspended = self
            .role
            .setup
            .shared
            .blocklist
            .read(|list| list.suspension().is_some());
        for (number, source) in self.inputs.sources.iter_mut() {
            let Some(terms) = &source.terms else { continue };
            let (name, kind) = name_and_kind(&source.name);
            let settings = terms.settings.clone();
            let (lines, rejected, surveyed) = source.take_survey();
            let fresh = || {
                let seen = Seen {
                    name: name.clone(),
                    kind,
                    settings,
                    ..Seen::default()
                };
                (seen, Surveyed::default())
            };
            let (seen, sum) = by_name.entry(name.clone()).or_insert_with(fresh);
            let effect = effects.get(number as usize).copied().unwrap_or_default();
            let (refused, leaked) = source.take_effect(&effect);
            if !is_suspended {
                seen.refused += refused;
                seen.leaked += leaked;
            }
            seen.lines += lines;
            seen.rejected += rejected;
            sum.add(&surveyed);
        }
        let mut sources: Vec<Seen> = by_name
            .into_values()
            .map(|(seen, sum)| whole(seen, sum))
            .collect();
        for seen in &mut sources {
            seen.waits = self.watching.least.get(&seen.name).copied().unwrap_or_default();
            seen.lost = self.lost_since(&seen.name, waits);
        }
        sources.extend(self.gateways());
        sources.extend(self.process(waits));
        self.watching.least.clear();
        Minute {
            now,
            length: self.watching.length,
            sources,
            is_held: self.held_until.is_some(),
            is_troubled: self.is_troubled() || self.is_stalled,
            step: self.pressure.effort().step(),
            held_back: self.held_back_since(),
        }
    }

    /// Lines that a source lost since the last minute.
    fn lost_since(&mut self, name: &str, waits: &Waits) -> u64 {
        let lost = waits.get(name).map_or(0, |(_, lost)| *lost);
        let known = self.watching.lost.get_or_insert_default();
        lost.saturating_sub(known.insert(name.to_owned(), lost).unwrap_or_default())
    }

    /// Times that the guard held somebody back since the last minute.
    fn held_back_since(&mut self) -> u64 {
        let held_back = self.detector.totals().held_back;
        let before = self.watching.held_back.replace(held_back);
        held_back.saturating_sub(before.unwrap_or(held_back))
    }

    /// The gateways that records name, beside those of settings, which are their sources.
    fn gateways(&mut self) -> Vec<Seen> {
        let counted = self.role.setup.figures.topics().gateways();
        let waits: u64 = self.watching.least.values().sum();
        let sources = &self.inputs.sources;
        let is_setting = |name: &String| {
            let mut terms = sources.iter().filter_map(|(_, source)| source.terms.as_ref());
            terms.any(|terms| terms.gateway == *name)
        };
        let before = std::mem::replace(&mut self.watching.gateways, counted.clone());
        let seen = |(name, lines): (&String, &u64)| Seen {
            name: format!("gateway {}", safe(name)),
            kind: SourceKind::Gateway,
            settings: "kafka.topics[].gateway".to_owned(),
            lines: lines.saturating_sub(before.get(name).copied().unwrap_or_default()),
            waits,
            ..Seen::default()
        };
        counted
            .iter()
            .filter(|(name, _)| !is_setting(name))
            .map(seen)
            .collect()
    }

    /// The process itself, and what brokers have deleted.
    fn process(&mut self, waits: &Waits) -> Vec<Seen> {
        let part = |name: &str, kind: SourceKind, lost: u64| Seen {
            name: name.to_owned(),
            kind,
            settings: String::new(),
            lost,
            ..Seen::default()
        };
        let mut parts = vec![part(PROCESS, SourceKind::Process, 0)];
        if self.inputs.kafka.is_some() {
            let lost = self.lost_since(BROKERS, waits);
            parts.push(part(BROKERS, SourceKind::Brokers, lost));
        }
        parts
    }

    /// Tells what has changed.
    fn publish(&mut self, news: &[News], now: Timestamp) {
        for told in news {
            log(told);
            let record = record(told, now);
            let key = (
                record.name.clone(),
                record.source.clone(),
                record.since.as_millis(),
            );
            if self.watching.unstored.len() < ALARMS_KEPT as usize {
                self.watching.unstored.insert(key, record);
            }
        }
        let judge = &self.watching.judge;
        let setup = &self.role.setup;
        setup.figures.alarms().set(judge.raised(), judge.unwatched());
        if !news.is_empty() {
            setup.outlets.send(&message(news, now));
        }
    }

    /// Stores what has changed. What could not be stored is tried again.
    fn store_alarms(&mut self) {
        if self.watching.unstored.is_empty() || self.held_until.is_some() {
            return;
        }
        let records: Vec<AlarmRecord> = self.watching.unstored.values().cloned().collect();
        let setup = &self.role.setup;
        match self.role.wait(setup.shared.store.put_alarms(&records)) {
            Ok(()) => self.watching.unstored.clear(),
            Err(error) => tracing::debug!(%error, "could not store alarms: {error}"),
        }
    }
}

/// With what was looked at.
fn whole(seen: Seen, sum: Surveyed) -> Seen {
    Seen {
        looked: sum.looked,
        present: sum.present,
        ahead: sum.ahead,
        behind: sum.behind,
        leader: sum.leader,
        ..seen
    }
}

fn name_and_kind(name: &SourceName) -> (String, SourceKind) {
    match name {
        SourceName::Partition(topic, _) => (safe(topic), SourceKind::Topic),
        SourceName::Log(path) => (safe(path), SourceKind::File),
        SourceName::Spool(name) if name.starts_with(push::PREFIX) => (safe(name), SourceKind::Push),
        SourceName::Spool(name) => (safe(name), SourceKind::Syslog),
    }
}

/// A name as it may be shown, not too long.
fn safe(name: &str) -> String {
    let mut shown = api::neutralise(name).into_owned();
    let mut end = shown.len().min(NAME_BYTES_MAX);
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    shown.truncate(end);
    shown
}

fn log(told: &News) {
    let Alarm {
        kind,
        source,
        cause,
        setting,
        next,
        ..
    } = &told.alarm;
    let (alarm, severity) = (kind.as_str(), kind.severity().as_str());
    match told.change {
        Change::Raised => {
            tracing::warn!(
                alarm,
                severity,
                source,
                setting,
                "{alarm} of {source}: {cause} {next} Setting: {setting}"
            );
        }
        Change::Reminded => tracing::warn!(
            alarm,
            severity,
            source,
            setting,
            "{alarm} of {source} goes on: {cause}"
        ),
        Change::Cleared => tracing::info!(alarm, severity, source, "{alarm} of {source} is over"),
    }
}

/// As the store keeps it.
fn record(told: &News, now: Timestamp) -> AlarmRecord {
    let alarm = &told.alarm;
    AlarmRecord {
        name: alarm.kind.as_str().to_owned(),
        source: alarm.source.clone(),
        since: alarm.since,
        severity: alarm.kind.severity().as_str().to_owned(),
        cause: alarm.cause.clone(),
        setting: alarm.setting.clone(),
        next: alarm.next.to_owned(),
        cleared_at: (told.change == Change::Cleared).then_some(now),
    }
}

/// As the store kept it; `None` for a kind that another version knew.
fn read(record: &AlarmRecord) -> Option<Alarm> {
    let kind = Kind::from_name(&record.name)?;
    Some(Alarm {
        kind,
        source: record.source.clone(),
        since: record.since,
        cause: record.cause.clone(),
        setting: record.setting.clone(),
        next: kind.next(),
    })
}

/// As outlets get it: one message for all that changed in a minute.
fn message(news: &[News], now: Timestamp) -> String {
    let one = |told: &News| {
        let alarm = &told.alarm;
        serde_json::json!({
            "change": told.change.as_str(),
            "name": alarm.kind.as_str(),
            "severity": alarm.kind.severity().as_str(),
            "source": alarm.source,
            "since": alarm.since.to_string(),
            "cause": alarm.cause,
            "setting": alarm.setting,
            "next": alarm.next,
        })
    };
    let told: Vec<serde_json::Value> = news.iter().take(NEWS_TOLD_MAX).map(one).collect();
    let left_out = news.len().saturating_sub(NEWS_TOLD_MAX);
    serde_json::json!({
        "from": "portcullis",
        "kind": "alarms",
        "at": now.to_string(),
        "news": told,
        "left_out": left_out,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::outlet::MESSAGE_BYTES_MAX;

    fn news(change: Change) -> News {
        News {
            change,
            alarm: Alarm {
                kind: Kind::SourceSilent,
                source: safe(&"\u{202e}\u{1b}[2J\"x".repeat(100)),
                since: Timestamp::from_secs(1_800_000_000),
                cause: "c".repeat(600),
                setting: "files[0]".to_owned(),
                next: Kind::SourceSilent.next(),
            },
        }
    }

    #[test]
    fn a_message_names_what_changed_and_fits_whatever_sources_are_called() {
        let many: Vec<News> = (0..NEWS_TOLD_MAX + 3).map(|_| news(Change::Raised)).collect();
        let text = message(&many, Timestamp::from_secs(1_800_000_060));
        assert!(text.len() <= MESSAGE_BYTES_MAX, "{}", text.len());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (read["left_out"].as_u64(), read["news"].as_array().map(Vec::len)),
            (Some(3), Some(NEWS_TOLD_MAX))
        );
        assert_eq!(read["news"][0]["name"], "source_silent");
        assert_eq!(read["at"], "2027-01-15T08:01:00Z");
    }

    #[test]
    fn an_alarm_is_read_back_as_it_was_stored() {
        let raised = news(Change::Raised);
        let stored = record(&raised, Timestamp::from_secs(1_800_000_060));
        assert_eq!((stored.cleared_at, read(&stored)), (None, Some(raised.alarm)));
        let cleared = record(&news(Change::Cleared), Timestamp::from_secs(1_800_000_060));
        assert_eq!(cleared.cleared_at, Some(Timestamp::from_secs(1_800_000_060)));
    }
}
