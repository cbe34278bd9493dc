//! Shared addresses through the whole detector: who is hit when one of many behind an address attacks.

use crate::detector::{Input, Output};
use crate::stage::Serial;
use crate::testing::{Line, detector, run};
use domain::{Action, Alert, Client, Decision, Order, OrderKind, Scope, Timestamp};

/// The office's address, by the number of its range.
const OFFICE: u32 = 77;
/// Pages that everybody of the office reads, and the pause between two: twenty minutes make a history.
const PAGES: i64 = 40;
const PAUSE_MILLIS: i64 = 30_000;
const LATER: i64 = PAGES * PAUSE_MILLIS;
/// The attacker's program.
const TOOL: u8 = 199;

/// Everybody of an office reads pages, each with a program of his own, from one address.
fn office(people: u8) -> Vec<Line> {
    let visit = |page: i64, person: u8| Line {
        agent: person,
        ..Line::new(
            page * PAUSE_MILLIS + i64::from(person) * 1000,
            OFFICE,
            &format!("/page{}", page % 16),
            200,
        )
    };
    (0..PAGES)
        .flat_map(|page| (1..=people).map(move |person| visit(page, person)))
        .collect()
}

/// Somebody at the same address asks for what only scanners want, from so many milliseconds on.
fn scan(from_millis: i64, agent: u8) -> Vec<Line> {
    let paths = [
        "/.env",
        "/.git/config",
        "/wp-config.php",
        "/.aws/credentials",
        "/id_rsa",
        "/backup.sql",
        "/.ssh/authorized_keys",
        "/phpinfo.php",
    ];
    let probe = |(step, path): (usize, &&str)| Line {
        agent,
        ..Line::new(from_millis + step as i64 * 1000, OFFICE, path, 404)
    };
    paths.iter().enumerate().map(probe).collect()
}

struct Seen {
    decisions: Vec<Decision>,
    alerts: Vec<Alert>,
    /// Requests that count as stopped.
    stopped: u64,
}

fn play(lines: &[Line]) -> Seen {
    let mut detector = detector(10_000);
    let mut seen = Seen {
        decisions: Vec::new(),
        alerts: Vec::new(),
        stopped: 0,
    };
    for output in run(&mut detector, lines, &Serial) {
        match output {
            Output::Alert(alert) => seen.alerts.push(alert),
            Output::Decision(decision) => seen.decisions.push(decision),
            Output::Question(..) => {}
        }
    }
    let client = Line::new(0, OFFICE, "/", 200).client();
    seen.stopped = detector.requests_of(&client).map_or(0, |(_, stopped)| stopped);
    seen
}

fn agent(number: u8) -> Client {
    Client::parse(Scope::UserAgent, &format!("agent/{number}")).unwrap()
}

#[test]
fn of_an_office_only_the_program_that_scans_is_blocked_and_the_others_go_on() {
    let mut lines = office(9);
    lines.extend(scan(LATER, TOOL));
    // Everybody goes on, and so does whoever scans.
    let after = LATER + 60_000;
    for person in 1..=9 {
        lines.push(Line {
            agent: person,
            ..Line::new(after + i64::from(person), OFFICE, "/page1", 403)
        });
    }
    lines.push(Line {
        agent: TOOL,
        ..Line::new(after + 100, OFFICE, "/.env", 403)
    });
    let seen = play(&lines);
    let actions: Vec<Action> = seen.decisions.iter().map(|decision| decision.action).collect();
    assert_eq!(actions, [Action::Throttle, Action::Block]);
    for decision in &seen.decisions {
        assert_eq!(decision.conditions, [agent(TOOL)]);
        assert_eq!(decision.price.clients, 0);
    }
    let told = &seen.alerts.last().unwrap().reasons;
    assert!(
        told.iter()
            .any(|reason| reason.sentence.contains("about 9 others")),
        "{told:?}"
    );
}

#[test]
fn a_household_is_blocked_whole() {
    let mut lines = office(3);
    lines.extend(scan(LATER, TOOL));
    let seen = play(&lines);
    let last = seen.decisions.last().unwrap();
    assert_eq!((last.action, last.conditions.len()), (Action::Block, 0));
    assert_eq!(last.price.clients, 3, "and says whom it costs");
}

#[test]
fn whoever_changes_his_program_is_followed_three_times_and_then_the_address_is_slowed_down() {
    let mut lines = office(9);
    for turn in 0..6 {
        lines.extend(scan(LATER + turn * 60_000, TOOL - turn as u8));
    }
    let seen = play(&lines);
    let mut narrowed: Vec<&Client> = seen.decisions.iter().flat_map(|d| &d.conditions).collect();
    narrowed.dedup();
    assert_eq!(narrowed, [&agent(TOOL), &agent(TOOL - 1), &agent(TOOL - 2)]);
    assert!(
        seen.decisions
            .iter()
            .all(|decision| decision.action < Action::Block || !decision.conditions.is_empty()),
        "{:?}",
        seen.decisions
    );
    let ids: std::collections::BTreeSet<_> = seen.decisions.iter().map(|decision| decision.id).collect();
    assert!(ids.len() >= 3, "each is a decision of its own");
}

#[test]
fn an_address_from_which_many_come_under_names_of_their_own_is_never_refused_whole() {
    // Thirty people with keys of their own, each from home first, so that each key is known to be one client's.
    let mut lines = Vec::new();
    for minute in 0..70 {
        for key in 1..=30u8 {
            lines.push(Line {
                name: key,
                agent: 1,
                ..Line::new(minute * 60_000 + i64::from(key) * 100, OFFICE, "/page1", 200)
            });
        }
    }
    let later = 70 * 60_000;
    lines.extend(scan(later, TOOL));
    let seen = play(&lines);
    assert!(!seen.decisions.is_empty());
    assert!(
        seen.decisions
            .iter()
            .all(|decision| decision.conditions == [agent(TOOL)]),
        "{:?}",
        seen.decisions
    );
}

#[test]
fn a_finished_log_is_read_as_if_only_the_program_had_been_refused() {
    let mut lines = office(9);
    lines.extend(scan(LATER, TOOL));
    lines.extend(scan(LATER + 60_000, TOOL));
    let mut settings = crate::testing::settings(10_000);
    settings.assumes_enforcement = true;
    let after = LATER + 120_000;
    for person in 1..=9 {
        lines.push(Line {
            agent: person,
            ..Line::new(after + i64::from(person), OFFICE, "/page1", 200)
        });
    }
    let mut detector = crate::Detector::new(settings, crate::testing::Simple);
    run(&mut detector, &lines, &Serial);
    let client = Line::new(0, OFFICE, "/", 200).client();
    let (counted, stopped) = detector.requests_of(&client).unwrap();
    assert!(stopped >= 8, "the scanner's second round was stopped: {stopped}");
    assert_eq!(counted + stopped, lines.len() as u64);
    assert!(counted >= (PAGES as u64 + 1) * 9, "nobody else's was: {counted}");
}

#[test]
fn whom_a_person_let_go_is_told_apart_anew_when_he_goes_on() {
    let mut detector = detector(10_000);
    let mut lines = office(9);
    lines.extend(scan(LATER, TOOL));
    run(&mut detector, &lines, &Serial);
    detector.submit(Input::Order(Order {
        seq: 1,
        kind: OrderKind::Lift { grace_secs: 0 },
        client: lines[0].client(),
        reason: String::new(),
        by: "a person".to_owned(),
        from: "cli".to_owned(),
        at: Timestamp::from_millis(0),
    }));
    let again = run(&mut detector, &scan(LATER + 60_000, TOOL), &Serial);
    let blocks = again.iter().filter_map(|output| match output {
        Output::Decision(decision) if decision.action == Action::Block => Some(&decision.conditions),
        _ => None,
    });
    let blocks: Vec<_> = blocks.collect();
    assert_eq!(blocks, [&vec![agent(TOOL)]]);
}
