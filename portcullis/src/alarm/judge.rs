//! From what was seen of every source in one minute to alarms that are raised, repeated and cleared.

mod verdict;

use super::usual::{Doubted, Hour, Usual};
use super::{Alarm, Change, Kind, Minute, News, Seen, SourceKind};
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use verdict::Verdict;

/// Sources that are watched, a KB or so of what is usual and some ten of what was seen last for each. Further ones are not, and
/// are counted.
pub(crate) const SOURCES_MAX: usize = 256;

/// Minutes of each source that are looked back on: whoever sends fewer lines in an hour than a judgement takes is not judged.
const MINUTES_KEPT: usize = 60;

/// An alarm that goes on is told again after this long.
const REMIND_MILLIS: i64 = 3_600_000;

/// What has lasted so long is usual: a source that was taken away for good, a client that always sends the most.
const USUAL_AFTER_MILLIS: i64 = 7 * 24 * 3_600_000;

/// A source that is open no more is forgotten after this long, and its alarms are cleared: it was taken out of the configuration.
const FORGET_MILLIS: i64 = 3_600_000;

/// What is usual of a source that is open no more is kept for this long: a door may be closed over a weekend.
const KEEP_USUAL_MILLIS: i64 = 28 * 24 * 3_600_000;

/// Watches sources and says what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    sources: BTreeMap<String, Watched>,
    latches: BTreeMap<(String, Kind), Latch>,
    /// Kinds that nobody wants to hear of.
    off: Vec<Kind>,
    /// Sources that were not watched in the last minute, for there were too many.
    unwatched: usize,
}

/// What is usual of the sources: what outlives the process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Learned(Vec<(String, i64, Usual)>);

/// One source.
#[derive(Debug, Clone, Default)]
struct Watched {
    usual: Usual,
    hour: Hour,
    /// The latest minutes, the present one last.
    recent: VecDeque<(i64, Seen)>,
    seen_at: Timestamp,
}

/// Keeps an alarm from flickering.
#[derive(Debug, Clone, Default)]
struct Latch {
    /// Minutes in a row that it was seen.
    bad: u16,
    /// Minutes in a row that it was seen no more.
    good: u16,
    raised: Option<Alarm>,
    told_at: Timestamp,
}

impl Judge {
    /// Begins with what was learned before and with the alarms that had not been cleared.
    pub(crate) fn new(learned: Learned, open: Vec<Alarm>, off: Vec<Kind>, now: Timestamp) -> Self {
        let watched = |(name, seen_at, usual)| {
            let watched = Watched {
                usual,
                seen_at: Timestamp::from_millis(seen_at),
                ..Watched::default()
            };
            (name, watched)
        };
        let latch = |alarm: Alarm| {
            let latch = Latch {
                raised: Some(alarm.clone()),
                told_at: now,
                ..Latch::default()
            };
            ((alarm.source, alarm.kind), latch)
        };
        let mut sources: BTreeMap<String, Watched> =
            learned.0.into_iter().take(SOURCES_MAX).map(watched).collect();
        // A source whose alarm is open counts as seen: it is cleared when it is not open for an hour from now.
        for alarm in &open {
            if let Some(watched) = sources.get_mut(&alarm.source) {
                watched.seen_at = watched.seen_at.max(now);
            }
        }
        Self {
            sources,
            latches: open
                .into_iter()
                .take(SOURCES_MAX * Kind::ALL.len())
                .map(latch)
                .collect(),
            off,
            unwatched: 0,
        }
    }

    /// What was learned so far.
    pub(crate) fn learned(&self) -> Learned {
        let part = |(name, watched): (&String, &Watched)| {
            (name.clone(), watched.seen_at.as_millis(), watched.usual.clone())
        };
        Learned(self.sources.iter().map(part).collect())
    }

    /// Sources that were not watched in the last minute, for there were too many.
    pub(crate) const fn unwatched(&self) -> usize {
        self.unwatched
    }

    /// Every alarm that is raised.
    pub(crate) fn raised(&self) -> impl Iterator<Item = &Alarm> {
        self.latches.values().filter_map(|latch| latch.raised.as_ref())
    }

    /// Takes in a minute and gives what has changed.
    pub(crate) fn take(&mut self, minute: &Minute) -> Vec<News> {
        let mut news = Vec::new();
        self.unwatched = 0;
        self.make_room(minute);
        for seen in &minute.sources {
            if !self.sources.contains_key(&seen.name) && self.sources.len() >= SOURCES_MAX {
                self.unwatched += 1;
                continue;
            }
            self.watch(seen, minute, &mut news);
        }
        self.forget(minute.now, &mut news);
        news
    }

    fn watch(&mut self, seen: &Seen, minute: &Minute, news: &mut Vec<News>) {
        let now = minute.now;
        let doubted = self.doubted(&seen.name);
        let watched = self.sources.entry(seen.name.clone()).or_default();
        watched.note(seen, minute, doubted);
        let verdicts: Vec<(Kind, Verdict)> = Kind::ALL
            .into_iter()
            .filter(|kind| !self.off.contains(kind))
            .map(|kind| (kind, verdict::of(kind, watched, minute)))
            .collect();
        for (kind, verdict) in verdicts {
            let Some(watched) = self.sources.get_mut(&seen.name) else {
                continue;
            };
            let verdict = watched.accepting(kind, verdict);
            let key = (seen.name.clone(), kind);
            if verdict == Verdict::Good && !self.latches.contains_key(&key) {
                continue;
            }
            let latch = self.latches.entry(key.clone()).or_default();
            if let Some(told) = latch.judge(kind, seen, verdict, now) {
                let has_lasted = told.change == Change::Reminded
                    && kind.may_become_usual()
                    && now.millis_since(told.alarm.since) >= USUAL_AFTER_MILLIS;
                if has_lasted {
                    watched.usual.accept(kind, true);
                    news.push(News {
                        change: Change::Cleared,
                        ..told
                    });
                    self.latches.remove(&key);
                    continue;
                }
                news.push(told);
            }
            if self.latches.get(&key).is_some_and(Latch::is_idle) {
                self.latches.remove(&key);
            }
        }
    }

    /// What an hour of that source must not teach.
    fn doubted(&self, name: &str) -> Doubted {
        let is_open = |kind: Kind| {
            let latch = self.latches.get(&(name.to_owned(), kind));
            latch.is_some_and(|latch| latch.raised.is_some() || latch.bad > 0)
        };
        Doubted {
            lines: is_open(Kind::SourceSilent),
            rejected: is_open(Kind::LinesUnreadable),
            fields: is_open(Kind::FieldVanished),
        }
    }

    /// Forgets the source that was silent longest where a new one finds no room and it is open no more.
    fn make_room(&mut self, minute: &Minute) {
        let wanted = minute
            .sources
            .iter()
            .filter(|seen| !self.sources.contains_key(&seen.name));
        let over = (self.sources.len() + wanted.count()).saturating_sub(SOURCES_MAX);
        for _ in 0..over {
            let is_open = |name: &String| minute.sources.iter().any(|seen| seen.name == *name);
            let closed = self.sources.iter().filter(|(name, _)| !is_open(name));
            let oldest = closed
                .min_by_key(|(_, watched)| watched.seen_at)
                .map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { return };
            self.sources.remove(&oldest);
        }
    }

    /// Clears alarms of sources that are open no more, and forgets those that have not been for weeks.
    fn forget(&mut self, now: Timestamp, news: &mut Vec<News>) {
        let is_gone = |watched: Option<&Watched>| {
            watched.is_none_or(|watched| now.millis_since(watched.seen_at) >= FORGET_MILLIS)
        };
        let sources = &self.sources;
        self.latches.retain(|(name, _), latch| {
            let is_over = is_gone(sources.get(name));
            if is_over && let Some(alarm) = latch.raised.take() {
                news.push(News {
                    change: Change::Cleared,
                    alarm,
                });
            }
            !is_over
        });
        self.sources
            .retain(|_, watched| now.millis_since(watched.seen_at) < KEEP_USUAL_MILLIS);
    }
}

impl Watched {
    /// Notes a minute, and learns from the hour before when a new one begins.
    fn note(&mut self, seen: &Seen, minute: &Minute, doubted: Doubted) {
        let number = minute.number();
        let hour = number.div_euclid(60);
        if self.hour.number != hour {
            let over = std::mem::replace(
                &mut self.hour,
                Hour {
                    number: hour,
                    ..Hour::default()
                },
            );
            if over.minutes > 0 && !matches!(seen.kind, SourceKind::Process | SourceKind::Brokers) {
                self.usual.learn(&over, doubted);
            }
        }
        self.hour.minutes += 1;
        self.hour.lines += seen.lines;
        self.hour.rejected += seen.rejected;
        self.hour.looked += u64::from(seen.looked);
        for (sum, count) in self.hour.present.iter_mut().zip(seen.present) {
            *sum += u64::from(count);
        }
        self.hour.was_behind |= seen.waits > 0;
        self.seen_at = minute.now;
        // A clock that was put back: what was seen before says nothing about now.
        self.recent.retain(|(minute, _)| *minute < number);
        self.recent.push_back((number, seen.clone()));
        if self.recent.len() > MINUTES_KEPT {
            self.recent.pop_front();
        }
    }

    /// What is taken for usual is no alarm, until it is over.
    fn accepting(&mut self, kind: Kind, verdict: Verdict) -> Verdict {
        if !self.usual.accepts(kind) {
            return verdict;
        }
        match verdict {
            Verdict::Bad(_) => Verdict::Good,
            Verdict::Good => {
                self.usual.accept(kind, false);
                Verdict::Good
            }
            Verdict::Unsure => Verdict::Unsure,
        }
    }
}

impl Latch {
    /// Counts a verdict; gives what is to be told.
    fn judge(&mut self, kind: Kind, seen: &Seen, verdict: Verdict, now: Timestamp) -> Option<News> {
        match verdict {
            Verdict::Unsure => {
                // Minutes in a row, while nothing is raised.
                if self.raised.is_none() {
                    self.bad = 0;
                }
                self.remind(now)
            }
            Verdict::Good => {
                self.bad = 0;
                self.good = self.good.saturating_add(1);
                if self.good < kind.clear_after() {
                    return self.remind(now);
                }
                let alarm = self.raised.take()?;
                Some(News {
                    change: Change::Cleared,
                    alarm,
                })
            }
            Verdict::Bad(found) => {
                self.good = 0;
                self.bad = self.bad.saturating_add(1);
                if let Some(alarm) = &mut self.raised {
                    (alarm.cause, alarm.setting) = found;
                    return self.remind(now);
                }
                if self.bad < kind.raise_after() {
                    return None;
                }
                let (cause, setting) = found;
                let alarm = Alarm {
                    kind,
                    source: seen.name.clone(),
                    since: now,
                    cause,
                    setting,
                    next: kind.next(),
                };
                self.raised = Some(alarm.clone());
                self.told_at = now;
                Some(News {
                    change: Change::Raised,
                    alarm,
                })
            }
        }
    }

    fn remind(&mut self, now: Timestamp) -> Option<News> {
        let alarm = self.raised.as_ref()?;
        if now.millis_since(self.told_at) < REMIND_MILLIS {
            return None;
        }
        self.told_at = now;
        Some(News {
            change: Change::Reminded,
            alarm: alarm.clone(),
        })
    }

    /// Whether nothing is known that the next minute needs.
    fn is_idle(&self) -> bool {
        self.raised.is_none() && self.bad == 0
    }
}
