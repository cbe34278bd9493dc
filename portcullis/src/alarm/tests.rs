//! The judge over simulated weeks: every minute is a value.

use super::judge::Learned;
use super::survey::FIELDS;
use super::*;
use std::net::{IpAddr, Ipv4Addr};

/// A Monday.
const START: i64 = 1_767_571_200_000;

/// A source that behaves as told, minute by minute.
struct Site {
    judge: Judge,
    minute: i64,
    told: Vec<(Change, Kind)>,
}

impl Site {
    fn new() -> Self {
        Self {
            judge: Judge::default(),
            minute: 0,
            told: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(START + self.minute * 60_000)
    }

    /// Lets minutes pass in which the source is seen like that.
    fn pass(&mut self, minutes: i64, seen: &Seen) -> Vec<News> {
        self.pass_all(minutes, std::slice::from_ref(seen), &Minute::default())
    }

    fn pass_all(&mut self, minutes: i64, sources: &[Seen], around: &Minute) -> Vec<News> {
        let mut all = Vec::new();
        for _ in 0..minutes {
            let minute = Minute {
                now: self.now(),
                sources: sources.to_vec(),
                ..around.clone()
            };
            all.extend(self.judge.take(&minute));
            self.minute += 1;
        }
        let told = all.iter().map(|news| (news.change, news.alarm.kind));
        self.told.extend(told);
        all
    }
}

/// A topic that is well: so many lines a minute, all of them looked at and whole.
fn well(lines: u32) -> Seen {
    Seen {
        name: "access".to_owned(),
        kind: SourceKind::Topic,
        settings: "kafka.topics[0]".to_owned(),
        lines: u64::from(lines),
        looked: lines,
        present: [lines; FIELDS.len()],
        ..Seen::default()
    }
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

#[test]
fn a_source_that_falls_silent_is_told_once_reminded_hourly_and_cleared_once() {
    let mut site = Site::new();
    assert_eq!(site.pass(3 * DAY, &well(20)), [], "a source that is well");
    let news = site.pass(3 * HOUR, &well(0));
    let changes: Vec<Change> = news.iter().map(|news| news.change).collect();
    assert_eq!(changes, [Change::Raised, Change::Reminded, Change::Reminded]);
    let alarm = &news[0].alarm;
    assert_eq!(
        (alarm.kind, alarm.setting.as_str()),
        (Kind::SourceSilent, "kafka.topics[0]")
    );
    assert!(
        alarm
            .cause
            .starts_with("0 lines in 5 minutes where 100 are usual"),
        "{}",
        alarm.cause
    );
    let raised_after = alarm
        .since
        .millis_since(Timestamp::from_millis(START + 3 * DAY * 60_000));
    assert!(raised_after <= 8 * 60_000, "{raised_after}");
    let news = site.pass(HOUR, &well(20));
    assert_eq!(news.len(), 1);
    assert_eq!(
        (news[0].change, news[0].alarm.since),
        (Change::Cleared, alarm.since)
    );
}

#[test]
fn a_night_that_is_always_quiet_is_no_silence_and_a_quiet_site_is_never_judged() {
    let mut site = Site::new();
    for _ in 0..10 {
        site.pass(16 * HOUR, &well(20));
        site.pass(8 * HOUR, &well(0));
    }
    assert_eq!(site.told, [], "nights are quiet");
    let mut quiet = Site::new();
    for _ in 0..20 {
        quiet.pass(200, &well(0));
        quiet.pass(1, &well(30));
    }
    quiet.pass(3 * DAY, &well(0));
    assert_eq!(quiet.told, []);
}

#[test]
fn nothing_is_told_of_silence_while_it_is_learned_or_just_after_a_start() {
    let mut site = Site::new();
    site.pass(20 * HOUR, &well(20));
    assert_eq!(site.pass(4 * HOUR, &well(0)), [], "one day says nothing");
    let mut site = Site::new();
    site.pass(3 * DAY, &well(20));
    let learned: Learned = site.judge.learned();
    let bytes = postcard::to_stdvec(&learned).unwrap();
    let learned: Learned = postcard::from_bytes(&bytes).unwrap();
    site.judge = Judge::new(learned, Vec::new(), Vec::new(), site.now());
    assert_eq!(
        site.pass(4, &well(0)),
        [],
        "what came before the start is not known"
    );
    assert_eq!(site.pass(10, &well(0)).len(), 1, "what was learned is kept");
}

#[test]
fn an_alarm_that_was_open_at_the_end_of_a_process_is_not_raised_again_by_the_next() {
    let mut site = Site::new();
    site.pass(3 * DAY, &well(20));
    let raised = site.pass(15, &well(0));
    let open: Vec<Alarm> = site.judge.raised().cloned().collect();
    assert_eq!((raised.len(), open.len()), (1, 1));
    site.judge = Judge::new(site.judge.learned(), open, Vec::new(), site.now());
    assert_eq!(site.pass(50, &well(0)), []);
    assert_eq!(site.pass(6, &well(20)).len(), 1, "cleared");
}

#[test]
fn a_gateway_that_serves_blocked_clients_is_told_and_cleared_when_it_refuses() {
    let mut site = Site::new();
    let shows = |refused, leaked| Seen {
        refused,
        leaked,
        ..well(20)
    };
    site.pass(30, &shows(40, 1));
    site.pass(30, &shows(0, 0));
    assert_eq!(
        site.told,
        [],
        "one in forty was on its way, and whoever sends nothing shows nothing"
    );
    let news = site.pass(10, &shows(2, 38));
    assert_eq!(site.told, [(Change::Raised, Kind::NotEnforced)]);
    assert!(
        news[0]
            .alarm
            .cause
            .contains("of clients that are blocked were served"),
        "{:?}",
        news[0].alarm
    );
    site.pass(30, &shows(40, 0));
    assert_eq!(site.told[1..], [(Change::Cleared, Kind::NotEnforced)]);
}

#[test]
fn a_guard_that_holds_back_is_told_at_once_and_cleared_after_an_hour_without() {
    let mut site = Site::new();
    let process = Seen {
        name: "portcullis".to_owned(),
        kind: SourceKind::Process,
        ..Seen::default()
    };
    let holding = |held_back| Minute {
        held_back,
        ..Minute::default()
    };
    site.pass_all(5, std::slice::from_ref(&process), &holding(0));
    assert_eq!(site.told, []);
    site.pass_all(1, std::slice::from_ref(&process), &holding(3));
    assert_eq!(site.told, [(Change::Raised, Kind::GuardHolds)]);
    site.pass_all(59, std::slice::from_ref(&process), &holding(0));
    assert_eq!(site.told.len(), 1);
    site.pass_all(1, std::slice::from_ref(&process), &holding(0));
    assert_eq!(site.told[1..], [(Change::Cleared, Kind::GuardHolds)]);
}

#[test]
fn what_we_do_not_read_is_no_silence_of_the_source() {
    let mut site = Site::new();
    site.pass(3 * DAY, &well(20));
    let waiting = Seen {
        waits: 500,
        ..well(0)
    };
    let held = Minute {
        is_held: true,
        ..Minute::default()
    };
    let news = site.pass_all(30, std::slice::from_ref(&waiting), &held);
    assert_eq!(news.len(), 1);
    assert_eq!(
        (news[0].alarm.kind, news[0].alarm.setting.as_str()),
        (Kind::NotReading, "storage.url")
    );
    assert!(
        news[0].alarm.cause.starts_with("500 messages wait"),
        "{}",
        news[0].alarm.cause
    );
    let news = site.pass(30, &well(20));
    assert_eq!(news.len(), 1, "{news:?}");
    // The same without a reason of ours names the brokers.
    let news = site.pass(5, &waiting);
    assert_eq!(news[0].alarm.setting, "kafka.brokers");
}

#[test]
fn a_topic_whose_brokers_are_gone_is_told_although_nothing_is_known_to_wait() {
    let mut site = Site::new();
    site.pass(3 * DAY, &well(20));
    let troubled = Minute {
        is_troubled: true,
        ..Minute::default()
    };
    let gone = [well(0)];
    assert_eq!(
        site.pass_all(2, &gone, &troubled),
        [],
        "a rebalance is over sooner"
    );
    let news = site.pass_all(30, &gone, &troubled);
    assert_eq!(news.len(), 1, "and silence is not blamed on the source: {news:?}");
    assert_eq!(
        (news[0].alarm.kind, news[0].alarm.setting.as_str()),
        (Kind::NotReading, "kafka.brokers")
    );
    assert!(
        news[0].alarm.cause.contains("not known"),
        "{}",
        news[0].alarm.cause
    );
    assert_eq!(
        site.pass_all(30, &[well(20)], &troubled).len(),
        1,
        "lines come: cleared"
    );
    // A file has no broker.
    let file = Seen {
        kind: SourceKind::File,
        name: "file".to_owned(),
        ..well(0)
    };
    assert_eq!(site.pass_all(30, &[file, well(20)], &troubled), []);
}

#[test]
fn a_falling_share_of_readable_lines_is_told_and_a_few_odd_lines_are_not() {
    let broken = |rejected: u64| Seen { rejected, ..well(50) };
    let mut site = Site::new();
    // Before anything is usual, only what makes it blind is told.
    assert_eq!(site.pass(30, &broken(15)), []);
    let mut site = Site::new();
    assert_eq!(site.pass(30, &broken(45)).len(), 1);
    let mut site = Site::new();
    site.pass(5 * HOUR, &broken(1));
    assert_eq!(site.pass(HOUR, &broken(2)), [], "twice the usual, and little");
    let news = site.pass(20, &broken(25));
    assert_eq!(news.len(), 1);
    assert_eq!(
        (news[0].alarm.kind, news[0].alarm.setting.as_str()),
        (Kind::LinesUnreadable, "kafka.topics[0].format")
    );
    assert_eq!(site.pass(HOUR, &broken(1)).len(), 1, "cleared");
    // One line in four minutes, and it cannot be read: too few to say anything.
    let mut quiet = Site::new();
    for _ in 0..100 {
        quiet.pass(3, &well(0));
        quiet.pass(
            1,
            &Seen {
                rejected: 1,
                ..well(1)
            },
        );
    }
    assert_eq!(quiet.told, []);
}

#[test]
fn a_field_that_was_always_there_and_is_gone_is_named() {
    let mut without = well(100);
    (without.present[0], without.present[4]) = (0, 0);
    let mut site = Site::new();
    assert_eq!(
        site.pass(2 * HOUR, &without),
        [],
        "a field that was never there is not missed"
    );
    let mut site = Site::new();
    site.pass(2 * HOUR, &well(100));
    let news = site.pass(2 * HOUR, &without);
    let raised: Vec<_> = news.iter().filter(|news| news.change == Change::Raised).collect();
    assert_eq!(raised.len(), 1);
    let alarm = &raised[0].alarm;
    assert_eq!(
        (alarm.kind, alarm.setting.as_str()),
        (Kind::FieldVanished, "kafka.topics[0].format")
    );
    assert!(
        alarm
            .cause
            .starts_with("the user agent, the duration stood in nearly every line"),
        "{}",
        alarm.cause
    );
    // What has lasted a week is the log as it is now.
    let news = site.pass(8 * DAY, &without);
    assert_eq!(news.last().map(|news| news.change), Some(Change::Cleared));
    assert_eq!(site.judge.raised().count(), 0);
    assert_eq!(site.pass(2 * DAY, &without), [], "it stays so");
}

#[test]
fn one_address_above_half_names_the_trusted_proxies() {
    let leads = |requests: u32, agents: u32| Seen {
        leader: Some(Leader {
            address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
            requests,
            agents,
        }),
        ..well(100)
    };
    let mut site = Site::new();
    assert_eq!(site.pass(HOUR, &leads(45, 20)), []);
    assert_eq!(site.pass(HOUR, &leads(51, 20)), [], "not surely above half");
    let news = site.pass(10, &leads(95, 20));
    assert_eq!(news.len(), 1);
    let alarm = &news[0].alarm;
    assert_eq!(
        (alarm.kind, alarm.setting.as_str()),
        (Kind::OneAddress, "clients.trusted_proxies")
    );
    assert!(
        alarm.cause.contains("203.0.113.7") && alarm.cause.contains("looks like a proxy"),
        "{}",
        alarm.cause
    );
    assert_eq!(site.pass(10, &leads(20, 20)).len(), 1, "cleared");
    let news = site.pass(10, &leads(95, 1));
    assert!(
        news[0].alarm.cause.contains("either one client"),
        "{}",
        news[0].alarm.cause
    );
    // A handful of requests of one visitor.
    let mut quiet = Site::new();
    let few = Seen {
        lines: 1,
        looked: 1,
        leader: leads(1, 1).leader,
        ..well(1)
    };
    assert_eq!(quiet.pass(HOUR, &few), []);
}

#[test]
fn a_clock_that_is_off_is_told_with_its_offset_and_a_backlog_is_not() {
    let dated = |millis: i64| {
        let offset = Offset {
            requests: 98,
            millis: 98 * millis,
        };
        if millis > 0 {
            Seen {
                behind: offset,
                ..well(100)
            }
        } else {
            Seen {
                ahead: Offset {
                    millis: -offset.millis,
                    ..offset
                },
                ..well(100)
            }
        }
    };
    let mut site = Site::new();
    let news = site.pass(5, &dated(7_200_000));
    assert_eq!(news[0].alarm.kind, Kind::ClockBehind);
    assert!(news[0].alarm.cause.contains("7200 seconds before") && news[0].alarm.cause.contains("time zone"));
    let mut site = Site::new();
    let news = site.pass(5, &dated(-40_000));
    assert_eq!(news[0].alarm.kind, Kind::ClockAhead);
    assert!(
        news[0].alarm.cause.contains("40 seconds after"),
        "{}",
        news[0].alarm.cause
    );
    let mut site = Site::new();
    let backlog = Seen {
        waits: 50,
        ..dated(7_200_000)
    };
    assert_eq!(site.pass(HOUR, &backlog), []);
}

#[test]
fn what_waits_and_does_not_get_less_is_told_and_what_is_worked_off_is_not() {
    let mut site = Site::new();
    for waits in (0..300).rev() {
        site.pass(
            1,
            &Seen {
                waits: waits * 1000,
                ..well(100)
            },
        );
    }
    assert_eq!(site.told, []);
    for waits in 0..20 {
        site.pass(
            1,
            &Seen {
                waits: 5000 + waits,
                ..well(100)
            },
        );
    }
    assert_eq!(site.told, [(Change::Raised, Kind::Lag)]);
    site.pass(10, &well(100));
    assert_eq!(site.told[1..], [(Change::Cleared, Kind::Lag)]);
}

#[test]
fn lost_lines_are_told_at_once_and_for_an_hour() {
    let mut site = Site::new();
    site.pass(5, &well(100));
    let news = site.pass(1, &Seen { lost: 7, ..well(100) });
    assert_eq!(
        (news[0].change, news[0].alarm.kind),
        (Change::Raised, Kind::LinesLost)
    );
    assert!(news[0].alarm.cause.starts_with("7 offsets were deleted"));
    let changes: Vec<Change> = site
        .pass(2 * HOUR, &well(100))
        .iter()
        .map(|news| news.change)
        .collect();
    assert_eq!(changes, [Change::Cleared]);
}

#[test]
fn there_are_not_too_many_sources_and_one_that_is_gone_is_cleared() {
    let named = |number: usize| Seen {
        name: format!("s{number}"),
        ..well(100)
    };
    let mut site = Site::new();
    let many: Vec<Seen> = (0..super::judge::SOURCES_MAX + 10).map(named).collect();
    site.pass_all(3, &many, &Minute::default());
    assert_eq!(
        (site.judge.unwatched(), site.judge.learned() == Learned::default()),
        (10, false)
    );
    // Those that are closed make room.
    site.pass_all(3, &many[200..], &Minute::default());
    assert_eq!(site.judge.unwatched(), 0);
    let mut site = Site::new();
    site.pass(5, &Seen { lost: 1, ..well(100) });
    let changes: Vec<Change> = site
        .pass_all(2 * HOUR, &[], &Minute::default())
        .iter()
        .map(|news| news.change)
        .collect();
    assert_eq!(changes, [Change::Cleared]);
}

#[test]
fn a_kind_that_is_switched_off_is_not_told() {
    let mut site = Site::new();
    site.judge = Judge::new(Learned::default(), Vec::new(), vec![Kind::LinesLost], site.now());
    assert_eq!(site.pass(5, &Seen { lost: 1, ..well(100) }), []);
}
