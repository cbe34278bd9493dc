//! How much is done for each request: less, in declared steps, while more come than can be handled with everything on.
//!
//! [`Ladder`] is pure: a second's pressure in, an effort out. The detector is told by an input, so that its decisions still follow
//! from its inputs alone; `scan`, `replay` and `evaluate` never tell it, and do everything.

use super::Session;
use detector::{EffortSpan, Input};
use domain::{Effort, Timestamp};
use std::time::{Duration, Instant};

/// Whoever is busy for this share of the time has none left.
const BUSY_SHARE: f32 = 0.9;

/// Less than this share, and everything fits: weighing and scoring at the full cadence cost up to as much again as the rest.
const IDLE_SHARE: f32 = 0.5;

/// What waits takes this long at the present speed, in seconds: less is on its way, and no backlog.
const BACKLOG_SECS: f32 = 2.0;

/// Seconds in a row of pressure without the backlog getting less, after which a step is taken: a burst passes, and a backlog of
/// the past that is worked off is none.
const UP_AFTER: u32 = 15;

/// Seconds in a row without pressure, after which a step is taken back.
const DOWN_AFTER: u32 = 60;

/// How hard one second was.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Second {
    /// The share of it in which was worked and not waited for lines.
    busy_share: f32,
    /// How long what waits takes at the present speed.
    backlog_secs: f32,
}

/// From pressure to effort.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Ladder {
    effort: Effort,
    /// Seconds in a row of pressure, and the backlog at their first.
    hard: u32,
    first_secs: f32,
    /// Seconds in a row without.
    easy: u32,
}

impl Ladder {
    /// Takes in a second; whether the effort changed.
    fn take(&mut self, second: Second) -> bool {
        let is_hard = second.busy_share >= BUSY_SHARE && second.backlog_secs >= BACKLOG_SECS;
        let is_easy = second.busy_share <= IDLE_SHARE && second.backlog_secs < BACKLOG_SECS;
        self.easy = if is_easy { self.easy.saturating_add(1) } else { 0 };
        if !is_hard {
            self.hard = 0;
        } else if self.hard == 0 || second.backlog_secs < self.first_secs {
            // It begins here, or it gets less.
            (self.hard, self.first_secs) = (1, second.backlog_secs);
        } else {
            self.hard += 1;
        }
        let next = if self.hard >= UP_AFTER {
            Effort::from_step(self.effort.step() + 1)
        } else if self.easy >= DOWN_AFTER {
            self.effort.step().checked_sub(1).and_then(Effort::from_step)
        } else {
            return false;
        };
        (self.hard, self.easy) = (0, 0);
        let Some(next) = next else { return false };
        self.effort = next;
        true
    }
}

/// What the pressure of this session is measured by.
#[derive(Debug)]
pub(super) struct Pressure {
    ladder: Ladder,
    measured: Instant,
    work: Duration,
    /// Messages and bytes read so far, when it was last measured.
    read: (u64, u64),
    /// What is read in a second, of late.
    speed: (f32, f32),
}

impl Pressure {
    /// Begins with everything.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ladder: Ladder::default(),
            measured: now,
            work: Duration::ZERO,
            read: (0, 0),
            speed: (0.0, 0.0),
        }
    }

    /// How much is done.
    pub(super) fn effort(&self) -> Effort {
        self.ladder.effort
    }

    /// Notes time that was worked.
    pub(super) fn note_work(&mut self, time: Duration) {
        self.work += time;
    }

    /// What the time since the last call was like: what was read so far, and what waits, each in messages of Kafka and in bytes of
    /// other doors.
    fn second(&mut self, now: Instant, read: (u64, u64), waits: (u64, u64)) -> Second {
        let secs = now.duration_since(self.measured).as_secs_f32().max(0.001);
        let busy_share = self.work.as_secs_f32() / secs;
        let before = std::mem::replace(&mut self.read, read);
        let speed = |now: u64, before: u64, old: f32| {
            let new = now.saturating_sub(before) as f32 / secs;
            if old == 0.0 { new } else { old + (new - old) * 0.3 }
        };
        self.speed = (
            speed(read.0, before.0, self.speed.0),
            speed(read.1, before.1, self.speed.1),
        );
        (self.measured, self.work) = (now, Duration::ZERO);
        // What is not read at all is no question of speed: another alarm tells it.
        let backlog = |waits: u64, speed: f32| if speed < 1.0 { 0.0 } else { waits as f32 / speed };
        Second {
            busy_share,
            backlog_secs: backlog(waits.0, self.speed.0).max(backlog(waits.1, self.speed.1)),
        }
    }
}

impl Session<'_> {
    /// Measures the pressure of the last second, and tells the detector of another effort.
    pub(super) fn measure_pressure(&mut self) {
        let kafka = self.inputs.kafka.as_ref();
        let messages = kafka.map_or(0, |kafka| kafka.counters().messages);
        let lag = kafka.map_or(0, super::lag);
        let waits = self.inputs.doors.waits();
        let unread = waits.values().map(|(unread, _)| unread).sum();
        let bytes = waits
            .keys()
            .filter_map(|number| Some(self.inputs.sources.get(*number)?.counts.bytes))
            .sum();
        let second = self
            .pressure
            .second(Instant::now(), (messages, bytes), (lag, unread));
        // While nothing can be stored, less effort would not help.
        if self.held_until.is_some() || !self.pressure.ladder.take(second) {
            return;
        }
        let effort = self.pressure.effort();
        tracing::warn!(
            step = effort.step(),
            busy_share = second.busy_share,
            backlog_secs = second.backlog_secs,
            "effort is {effort} now: {:.0} seconds of lines wait",
            second.backlog_secs
        );
        self.detector.submit(Input::Effort(effort));
        self.role.setup.figures.alarms().set_effort(effort);
        self.has_news = true;
    }
}

/// Spans as a checkpoint holds them.
pub(super) fn told(spans: &[EffortSpan]) -> Vec<(i64, i64, u8)> {
    let plain = |span: &EffortSpan| (span.from.as_millis(), span.to.as_millis(), span.effort.step());
    spans.iter().map(plain).collect()
}

/// The same, read back.
pub(super) fn spans(told: &[(i64, i64, u8)]) -> Vec<EffortSpan> {
    let read = |(from, to, step): &(i64, i64, u8)| {
        Some(EffortSpan {
            from: Timestamp::from_millis(*from),
            to: Timestamp::from_millis(*to),
            effort: Effort::from_step(*step)?,
        })
    };
    told.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: Second = Second {
        busy_share: 1.0,
        backlog_secs: 10.0,
    };

    const EASY: Second = Second {
        busy_share: 0.2,
        backlog_secs: 0.1,
    };

    fn run(ladder: &mut Ladder, seconds: impl Iterator<Item = Second>) -> Vec<Effort> {
        seconds
            .filter_map(|second| ladder.take(second).then_some(ladder.effort))
            .collect()
    }

    #[test]
    fn steps_are_taken_one_after_the_other_and_back() {
        let mut ladder = Ladder::default();
        let growing = (0..100_u8).map(|second| Second {
            backlog_secs: 5.0 + f32::from(second),
            ..HARD
        });
        assert_eq!(
            run(&mut ladder, growing),
            [Effort::ScoredSeldom, Effort::LittleEvidence]
        );
        assert_eq!(run(&mut ladder, std::iter::repeat_n(EASY, 59)), []);
        assert_eq!(
            run(&mut ladder, std::iter::repeat_n(EASY, 200)),
            [Effort::ScoredSeldom, Effort::Whole]
        );
    }

    #[test]
    fn a_burst_and_a_backlog_that_is_worked_off_change_nothing() {
        let mut ladder = Ladder::default();
        let bursts = (0..500).map(|second| if second % 20 < 10 { HARD } else { EASY });
        assert_eq!(run(&mut ladder, bursts), []);
        let worked_off = (0..500_u16).map(|second| Second {
            backlog_secs: 5000.0 - f32::from(second),
            ..HARD
        });
        assert_eq!(run(&mut ladder, worked_off), []);
    }

    #[test]
    fn between_hard_and_easy_it_stays_as_it_is() {
        let mut ladder = Ladder::default();
        run(&mut ladder, std::iter::repeat_n(HARD, 20));
        assert_eq!(ladder.effort, Effort::ScoredSeldom);
        let so_so = Second {
            busy_share: 0.7,
            backlog_secs: 0.5,
        };
        assert_eq!(run(&mut ladder, std::iter::repeat_n(so_so, 1000)), []);
    }

    #[test]
    fn what_waits_is_told_in_seconds_of_the_present_speed() {
        let start = Instant::now();
        let mut pressure = Pressure::new(start);
        pressure.note_work(Duration::from_millis(950));
        let second = pressure.second(start + Duration::from_secs(1), (1000, 0), (5000, 70));
        assert!(
            (second.busy_share - 0.95).abs() < 1e-3 && (second.backlog_secs - 5.0).abs() < 1e-3,
            "{second:?}"
        );
        let spans = spans(&[(1, 2, 1), (3, 4, 9)]);
        assert_eq!(told(&spans), [(1, 2, 1)]);
    }
}
