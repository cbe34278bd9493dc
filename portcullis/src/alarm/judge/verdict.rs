//! One kind of alarm of one source: seen, seen no more, or nothing that can be said.
//!
//! Shares are judged by the ends of Wilson's interval (`statistic.rs`), silence by what a Poisson process of the usual rate would
//! have to be: of thirty lines that are usual to see at most one in fifty has a chance of e^-30. Traffic is burstier than that, so
//! that this is a bound on how quiet a source has to be to be judged at all, and no error rate.

use super::Watched;
use crate::alarm::statistic::{share_at_least, share_at_most};
use crate::alarm::survey::FIELDS;
use crate::alarm::{Kind, Leader, Minute, Offset, Seen, SourceKind, cause};

/// Lines that must be usual in the time looked back on: quieter sources are not judged silent.
const USUAL_LINES_MIN: f64 = 30.0;

/// Times looked back on for silence, in minutes: the shortest in which enough is usual.
const SILENCE_MINUTES: [i64; 5] = [5, 10, 15, 30, 60];

/// Silent is who sends less than this share of the usual.
const SILENT_SHARE: f64 = 0.02;

/// And speaks again who sends more than this one.
const SPEAKING_SHARE: f64 = 0.2;

/// Lines or requests that a share is judged by: one half is then sure within a seventh.
const SAMPLE_MIN: u64 = 200;

/// Requests that clocks are judged by: all or nothing, so that fewer suffice.
const CLOCK_SAMPLE_MIN: u64 = 50;

/// A field that this share of requests had was always there.
const ALWAYS_SHARE: f64 = 0.95;

/// It is gone when no more than this share can have it.
const VANISHED_SHARE: f64 = 0.1;

/// It is back when this share has it.
const BACK_SHARE: f64 = 0.5;

/// Minutes over which what waits must not get less.
const LAG_MINUTES: usize = 10;

/// Fewer messages that wait are no lag: they are on their way.
const LAG_MESSAGES_MIN: u64 = 1000;

/// Fewer bytes.
const LAG_BYTES_MIN: u64 = 1024 * 1024;

/// Requests of blocked clients that enforcement is judged by.
const BLOCKED_SAMPLE_MIN: u64 = 50;

/// Serving more than this share of them, a gateway does not enforce: one route that was forgotten, or all of them.
const LEAKED_SHARE: f64 = 0.1;

/// What is said of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Seen: the likely cause, and the setting.
    Bad((String, String)),
    /// Seen no more.
    Good,
    /// Too little is known, or it lies between the two.
    Unsure,
}

use Verdict::{Bad, Good, Unsure};

/// What the latest minutes of a source come to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    lines: u64,
    rejected: u64,
    looked: u64,
    present: [u64; FIELDS.len()],
    ahead: Offset,
    behind: Offset,
    refused: u64,
    leaked: u64,
    of_leader: u64,
    has_waited: bool,
}

/// Judges one kind of a source whose present minute was noted.
pub(super) fn of(kind: Kind, watched: &Watched, minute: &Minute) -> Verdict {
    let Some((_, seen)) = watched.recent.back() else {
        return Unsure;
    };
    let is_process = seen.kind == SourceKind::Process;
    let has_lines = !is_process && seen.kind != SourceKind::Brokers;
    match kind {
        Kind::LinesLost => lines_lost(seen),
        Kind::Degraded if is_process => degraded(minute),
        Kind::GuardHolds if is_process => guard_holds(minute),
        _ if !has_lines => Good,
        Kind::Degraded | Kind::GuardHolds => Good,
        Kind::SourceSilent => silent(watched, seen, minute),
        Kind::LinesUnreadable => unreadable(watched, seen),
        Kind::FieldVanished => vanished(watched, seen),
        Kind::OneAddress => one_address(watched, seen),
        Kind::ClockAhead => clock(watched, seen, true),
        Kind::ClockBehind => clock(watched, seen, false),
        Kind::Lag => lag(watched, seen),
        Kind::NotReading => not_reading(seen, minute),
        Kind::NotEnforced => not_enforced(watched),
    }
}

fn silent(watched: &Watched, seen: &Seen, minute: &Minute) -> Verdict {
    // What waits was sent: it is we who do not read.
    if seen.waits > 0 || minute.is_held || minute.is_troubled {
        return Unsure;
    }
    let now = minute.number();
    for span in SILENCE_MINUTES {
        let begins = now - span + 1;
        let usual = watched.usual.lines_in(now.div_euclid(60));
        let before = watched.usual.lines_in(begins.div_euclid(60));
        let (Some(usual), Some(before)) = (usual, before) else {
            return Unsure;
        };
        let expected = usual.min(before) * span as f64 / 60.0;
        if expected < USUAL_LINES_MIN {
            continue;
        }
        let within = watched.recent.iter().filter(|(at, _)| *at >= begins);
        let (minutes, lines) = within.fold((0, 0), |(minutes, lines), (_, seen)| {
            (minutes + 1, lines + seen.lines)
        });
        let share = lines as f64 / expected;
        if share >= SPEAKING_SHARE {
            return Good;
        }
        // Just started: what came before is not known.
        if minutes < span || share > SILENT_SHARE {
            return Unsure;
        }
        return Bad((cause::silent(seen, lines, expected, span), setting(seen, "")));
    }
    Unsure
}

fn unreadable(watched: &Watched, seen: &Seen) -> Verdict {
    let Some(sums) = gather(watched, |sums| sums.lines >= SAMPLE_MIN) else {
        return Unsure;
    };
    let share = sums.rejected as f64 / sums.lines as f64;
    let usual = watched.usual.rejected();
    // Before something is usual only what makes a source blind is told.
    let (most, well) = usual.map_or((0.5, 0.3), |usual| (2.0 * usual + 0.02, 1.5 * usual + 0.01));
    if share_at_least(sums.rejected, sums.lines) > most {
        return Bad((
            cause::unreadable(sums.rejected, sums.lines, usual),
            setting(seen, "format"),
        ));
    }
    if share < well { Good } else { Unsure }
}

fn vanished(watched: &Watched, seen: &Seen) -> Verdict {
    let Some(sums) = gather(watched, |sums| sums.looked >= SAMPLE_MIN) else {
        return Unsure;
    };
    let always = |at: &usize| {
        watched
            .usual
            .present(*at)
            .is_some_and(|share| share >= ALWAYS_SHARE)
    };
    let always: Vec<usize> = (0..FIELDS.len()).filter(always).collect();
    let is_gone = |at: &&usize| share_at_most(sums.present[**at], sums.looked) < VANISHED_SHARE;
    let gone: Vec<usize> = always.iter().filter(is_gone).copied().collect();
    if !gone.is_empty() {
        return Bad((cause::vanished(&gone, sums.looked), setting(seen, "format")));
    }
    let is_there = |at: &usize| sums.present[*at] as f64 >= BACK_SHARE * sums.looked as f64;
    if always.iter().all(is_there) { Good } else { Unsure }
}

fn one_address(watched: &Watched, seen: &Seen) -> Verdict {
    let (Some(sums), Some(leader)) = (gather(watched, |sums| sums.looked >= SAMPLE_MIN), seen.leader) else {
        return Unsure;
    };
    let share = sums.of_leader as f64 / sums.looked as f64;
    if share_at_least(sums.of_leader, sums.looked) > 0.5 {
        return Bad((
            cause::one_address(leader, share),
            "clients.trusted_proxies".to_owned(),
        ));
    }
    if share < 0.4 { Good } else { Unsure }
}

fn clock(watched: &Watched, seen: &Seen, is_ahead: bool) -> Verdict {
    let Some(sums) = gather(watched, |sums| sums.looked >= CLOCK_SAMPLE_MIN) else {
        return Unsure;
    };
    // What waited is late by our doing.
    if !is_ahead && sums.has_waited {
        return Unsure;
    }
    let offset = if is_ahead { sums.ahead } else { sums.behind };
    let requests = u64::from(offset.requests);
    if share_at_least(requests, sums.looked) > 0.5 {
        return Bad((cause::clock(offset, is_ahead), setting(seen, "format")));
    }
    let share = requests as f64 / sums.looked as f64;
    if share < 0.2 { Good } else { Unsure }
}

fn lag(watched: &Watched, seen: &Seen) -> Verdict {
    let least = match seen.kind {
        SourceKind::Topic => LAG_MESSAGES_MIN,
        SourceKind::Gateway => return Good,
        _ => LAG_BYTES_MIN,
    };
    if seen.waits < least {
        return Good;
    }
    let recent = watched.recent.iter().rev().take(LAG_MINUTES);
    let waits: Vec<u64> = recent.map(|(_, seen)| seen.waits).collect();
    let first = waits.last().copied().unwrap_or_default();
    let has_stayed = waits.len() == LAG_MINUTES && waits.iter().all(|waits| *waits >= least);
    // A backlog that is being worked off gets less; at one in a hundred in ten minutes it would take most of a day.
    if has_stayed && seen.waits as f64 >= 0.99 * first as f64 {
        return Bad((
            cause::lag(seen, first, LAG_MINUTES as i64),
            "detector.threads".to_owned(),
        ));
    }
    Unsure
}

fn not_reading(seen: &Seen, minute: &Minute) -> Verdict {
    if seen.lines > 0 || seen.kind == SourceKind::Gateway {
        return Good;
    }
    // Without a broker that answers nobody knows what waits.
    let is_cut_off = minute.is_troubled && seen.kind == SourceKind::Topic;
    if seen.waits == 0 && !is_cut_off {
        return Good;
    }
    let setting = if minute.is_held {
        "storage.url".to_owned()
    } else if seen.kind == SourceKind::Topic {
        "kafka.brokers".to_owned()
    } else {
        setting(seen, "")
    };
    Bad((cause::not_reading(seen, minute), setting))
}

/// Whoever is blocked and goes on shows whether he is refused: nobody else does, so that without such requests nothing is said.
fn not_enforced(watched: &Watched) -> Verdict {
    let Some(sums) = gather(watched, |sums| sums.refused + sums.leaked >= BLOCKED_SAMPLE_MIN) else {
        return Unsure;
    };
    let blocked = sums.refused + sums.leaked;
    if share_at_least(sums.leaked, blocked) > LEAKED_SHARE {
        return Bad((cause::not_enforced(sums.leaked, blocked), "gateways".to_owned()));
    }
    if (sums.leaked as f64) < LEAKED_SHARE / 2.0 * blocked as f64 {
        Good
    } else {
        Unsure
    }
}

fn lines_lost(seen: &Seen) -> Verdict {
    if seen.lost == 0 {
        return Good;
    }
    let setting = match seen.kind {
        SourceKind::Topic | SourceKind::Brokers => "kafka.lost_offset",
        _ => "storage.spool_bytes_max",
    };
    Bad((cause::lost(seen), setting.to_owned()))
}

fn degraded(minute: &Minute) -> Verdict {
    if minute.step == 0 {
        return Good;
    }
    Bad((cause::degraded(minute.step), "detector.threads".to_owned()))
}

fn guard_holds(minute: &Minute) -> Verdict {
    if minute.held_back == 0 {
        return Good;
    }
    Bad((cause::guard_holds(minute.held_back), "policy.guard".to_owned()))
}

/// The path of one of a source's settings; of the section without a name.
fn setting(seen: &Seen, name: &str) -> String {
    if name.is_empty() || seen.kind == SourceKind::Gateway {
        seen.settings.clone()
    } else {
        format!("{}.{name}", seen.settings)
    }
}

/// The latest minutes together, as many as it takes; `None` when an hour is not enough.
fn gather(watched: &Watched, is_enough: impl Fn(&Sums) -> bool) -> Option<Sums> {
    let address = watched
        .recent
        .back()
        .and_then(|(_, seen)| Some(seen.leader?.address));
    let mut sums = Sums::default();
    for (_, seen) in watched.recent.iter().rev() {
        sums.lines += seen.lines;
        sums.rejected += seen.rejected;
        sums.looked += u64::from(seen.looked);
        for (sum, count) in sums.present.iter_mut().zip(seen.present) {
            *sum += u64::from(count);
        }
        sums.refused += seen.refused;
        sums.leaked += seen.leaked;
        sums.ahead = plus(sums.ahead, seen.ahead);
        sums.behind = plus(sums.behind, seen.behind);
        let of_leader = |leader: &Leader| Some(leader.address) == address;
        sums.of_leader += seen
            .leader
            .filter(of_leader)
            .map_or(0, |leader| u64::from(leader.requests));
        sums.has_waited |= seen.waits > 0;
        if is_enough(&sums) {
            return Some(sums);
        }
    }
    None
}

fn plus(one: Offset, other: Offset) -> Offset {
    Offset {
        requests: one.requests.saturating_add(other.requests),
        millis: one.millis.saturating_add(other.millis),
    }
}
